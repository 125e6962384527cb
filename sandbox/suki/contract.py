"""The addresses, what each takes, and the words this vendor refuses with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from sandbox.messages import Answer, NotJson, Request, read_object

ROOT = "/suki"
STORE = f"{ROOT}/store/"
LOGIN, REGISTER = "login", "register"
CREATE, CONTEXT, END = "create", "context", "end"
STATUS, CONTENT, TRANSCRIPT, RECORDING = "status", "content", "transcript", "recording"
ENCOUNTER_CONTENT = "encounter_content"
DICTATION_CREATE, DICTATION_END = "dictation_create", "dictation_end"
STREAM, TRANSCRIBE = "stream", "transcribe"
SOCKETS = (STREAM, TRANSCRIBE)

AMBIENT = r"/api/v1/ambient/session"
DICTATION = r"/api/v1/transcription/session"
ONE = r"/(?P<id>[^/]+)"
# endpoint -> (methods, address below /suki)
ENDPOINTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    LOGIN: (("POST",), "/api/v1/auth/login"),
    REGISTER: (("POST",), "/api/v1/auth/register"),
    CREATE: (("POST",), f"{AMBIENT}/create"),
    CONTEXT: (("POST", "PATCH"), f"{AMBIENT}{ONE}/context"),
    END: (("POST",), f"{AMBIENT}{ONE}/end"),
    STATUS: (("GET",), f"{AMBIENT}{ONE}/status"),
    CONTENT: (("GET",), f"{AMBIENT}{ONE}/content"),
    TRANSCRIPT: (("GET",), f"{AMBIENT}{ONE}/transcript"),
    RECORDING: (("GET",), f"{AMBIENT}{ONE}/recording"),
    ENCOUNTER_CONTENT: (("GET",), f"/api/v1/ambient/encounter{ONE}/content"),
    DICTATION_CREATE: (("POST",), f"{DICTATION}/create"),
    DICTATION_END: (("POST",), f"{DICTATION}{ONE}/end"),
    STREAM: (("GET",), "/ws/stream"),
    TRANSCRIBE: (("GET",), "/ws/transcribe"),
}
KNOWN_FIELDS: Mapping[str, frozenset[str]] = {
    CREATE: frozenset({"ambient_session_id", "encounter_id"}),
    DICTATION_CREATE: frozenset({"transcription_session_id", "audio_config"}),
    CONTEXT: frozenset({"provider", "patient", "visit", "sections"}),
}
# What a dictation is taken as when its order does not say, and the types of these.
AUDIO_CONFIG: Mapping[str, Any] = {
    "audio_encoding": "LINEAR16",
    "audio_language": "en-US",
    "sample_rate_hertz": 16_000,
}
REGISTRATION = ("partner_id", "partner_token", "provider_name", "provider_org_id", "provider_specialty")
OWN_ID = re.compile(r"[\x21-\x7e]{1,128}")
SUBPROTOCOLS = ("SukiAmbientAuth", "SukiTranscriptionAuth")
SESSION_HEADERS = {STREAM: "ambient_session_id", TRANSCRIBE: "transcription_session_id"}
LOINC = re.compile(r"[0-9]{3,7}-[0-9]")


class Refused(Exception):
    """What is answered with an error: its HTTP status and its message, which begins with a stable id."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message

    def answer(self) -> Answer:
        return Answer(self.status, {"code": self.status, "message": self.message})


@dataclass(frozen=True)
class Call:
    """A request and what it is for; `session_id` may be an encounter's, and is None where there is none."""

    request: Request
    endpoint: str
    session_id: str | None

    def body(self) -> dict[str, Any]:
        """The JSON object; nothing at all is an empty one. Raises Refused."""
        try:
            return read_object(self.request.body or b"{}")
        except NotJson as error:
            raise Refused(400, f"invalid_argument: {error}") from error

    def unknown_fields(self) -> list[str]:
        """Those that the vendor does not describe; it does not say either that it minds them."""
        return sorted(set(self.body()) - KNOWN_FIELDS[self.endpoint])


def read_call(request: Request) -> Call:
    """Whatever its method; raises Refused for what is no address."""
    path = request.path.removeprefix(ROOT)
    for endpoint, (_, pattern) in ENDPOINTS.items():
        if found := re.fullmatch(pattern, path):
            named = unquote(found["id"]) if "id" in found.groupdict() else socket_session(request, endpoint)
            return Call(request, endpoint, named)
    raise Refused(404, "not_found: there is no such address")


def socket_session(request: Request, endpoint: str) -> str | None:
    """The session that a handshake is for: a header says it, or a browser's third subprotocol."""
    offered = request.headers.get("sec-websocket-protocol", "").split(",")
    header = request.headers.get(SESSION_HEADERS.get(endpoint, ""))
    return header or (offered[2].strip() if len(offered) == 3 else None)


def own_id(body: Mapping[str, Any], name: str) -> str | None:
    """The id that the caller gives to what it creates; raises Refused."""
    given = body.get(name)
    if given is not None and not (isinstance(given, str) and OWN_ID.fullmatch(given)):
        raise Refused(400, f"invalid_argument: {name} must have 1 to 128 visible ASCII characters")
    return given


def audio_config(body: Mapping[str, Any]) -> dict[str, Any]:
    asked = body.get("audio_config", {})
    if not isinstance(asked, dict):
        raise Refused(400, "invalid_argument: audio_config must be an object")
    config = {**AUDIO_CONFIG, **asked}
    if any(type(config[name]) is not type(usual) for name, usual in AUDIO_CONFIG.items()):
        raise Refused(400, "invalid_argument: audio_config has a value of the wrong type")
    if config["audio_encoding"] != "LINEAR16":
        raise Refused(400, "invalid_argument: audio_encoding must be LINEAR16")
    if not 8_000 <= config["sample_rate_hertz"] <= 48_000:
        raise Refused(400, "invalid_argument: sample_rate_hertz is 8000 to 48000")
    return config


def flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in ("true", "false"):
        raise Refused(400, f"invalid_argument: {name} must be true or false")
    return value == "true"
