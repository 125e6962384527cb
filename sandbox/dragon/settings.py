"""What control can change of this vendor's ways, besides its faults."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from sandbox.dragon.checks import is_uuid
from sandbox.messages import NotJson

MOST_SECONDS = 10_000_000
FORMATS: tuple[dict[str, Any], ...] = (
    {"pcm": {"sampleRateHz": 16_000, "bitcount": 16, "channels": 1}},
    {"opus": {}},
    {"webmOpus": {"sampleRateHz": 48_000}},
    *({"byteStream": {"formatSpecifier": f"audio/{name}"}} for name in ("wav", "flac", "ogg", "mpeg", "mp4", "webm")),
)


@dataclass(frozen=True)
class Settings:
    """`not_allowed`: applications that are not on the allow list. `source`: whom the data exchange says it is.

    `app_only_is_silent`: streams are accepted and then nothing is said. `chunks_an_ack`: how many chunks a dataStored
    is for. `retry_seconds`: the pause before a notification is sent again. `ended_twice_status`: 404 or 200.
    `writes_up_each_recording`: as it is complete, together with those before it, and all of them at the session's end.
    """

    partner_id: str = "5a9db0c5-0001-4000-8000-000000000001"
    customer_id: str = "5a9db0c5-0002-4000-8000-000000000002"
    product_id: str = "5a9db0c5-0003-4000-8000-000000000003"
    delay: float = 1.0
    demands_api_version: bool = True
    app_only_is_silent: bool = False
    checks_sessions: bool = True
    not_allowed: list[str] = field(default_factory=list)
    audio_formats: list[dict[str, Any]] = field(default_factory=lambda: list(FORMATS))
    recording_locales: list[str] = field(default_factory=lambda: ["en-US", "en-GB", "fr-FR", "fr-CA", "de-DE", "es-US"])
    encounter_report_locales: list[str] = field(default_factory=lambda: ["en-US", "en-GB", "fr-FR", "fr-CA", "de-DE"])
    minimum_seconds: int = 0
    maximum_seconds: int = 14_400
    source: str = "dataexchange.dragon.sandbox"
    retry_seconds: float = 0.5
    chunks_an_ack: int = 1
    quiet_seconds: float = 60.0
    ended_twice_status: int = 404
    writes_up_each_recording: bool = False

    def changed(self, asked: Mapping[str, Any]) -> "Settings":
        """With these fields instead; raises NotJson."""
        usual = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(self, **{name: checked(usual, name, value) for name, value in asked.items()})

    def shown(self) -> dict[str, Any]:
        return asdict(self)

    def configuration(self) -> dict[str, Any]:
        """What RetrieveConfiguration tells."""
        return {
            "audioFormats": self.audio_formats,
            "recordingLocales": self.recording_locales,
            "encounterReportLocales": self.encounter_report_locales,
            "recordingDurationLimits": {
                "minimumSeconds": self.minimum_seconds,
                "maximumSeconds": self.maximum_seconds,
            },
        }


def checked(usual: Mapping[str, Any], name: str, value: Any) -> Any:
    if name not in usual:
        raise NotJson(f"unknown setting {name}: known are {', '.join(usual)}")
    wanted = (int, float) if isinstance(usual[name], float) else type(usual[name])
    if not isinstance(value, wanted) or isinstance(value, bool) is not isinstance(usual[name], bool):
        raise NotJson(f"{name} must be of the type of {usual[name]!r}")
    if isinstance(value, int | float) and not 0 <= value <= MOST_SECONDS:
        raise NotJson(f"{name} is out of range")
    if name.endswith("_id") and not is_uuid(value):
        raise NotJson(f"{name} must be a UUID")
    if isinstance(value, list):
        check_list(name, value)
    check_number(name, value)
    return value


def check_list(name: str, value: list[Any]) -> None:
    wanted = dict if name == "audio_formats" else str
    if not all(isinstance(one, wanted) for one in value):
        raise NotJson(f"{name} must be a list of {'objects' if wanted is dict else 'strings'}")


def check_number(name: str, value: Any) -> None:
    if name == "chunks_an_ack" and value < 1:
        raise NotJson("chunks_an_ack is at least 1")
    if name == "ended_twice_status" and value not in (200, 404):
        raise NotJson("ended_twice_status must be 404 or 200")
