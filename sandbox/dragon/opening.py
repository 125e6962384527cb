"""How a recording is opened: what a RecordingOpen must hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.dragon.checks import OWNERS, is_text, is_uuid
from sandbox.dragon.talk import Ended, Why

BAD_OPENING = "Failed to convert request to RecordingOpenRequest"
NUMBERS = {"pcm": ("sampleRateHz", "bitcount", "channels"), "webmOpus": ("sampleRateHz",)}
FORMATS = (*NUMBERS, "opus", "byteStream")


@dataclass(frozen=True)
class Opening:
    """A RecordingOpen that is as it should be."""

    recording_id: str
    owners: dict[str, str]
    correlation_id: str
    format: dict[str, Any]
    locales: list[str]
    offset: int
    users: list[str]


def read_opening(body: Mapping[str, Any]) -> Opening:
    """Raises Ended."""
    try:
        return opening(body)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Ended(Why.INVALID, BAD_OPENING) from error


def opening(body: Mapping[str, Any]) -> Opening:
    data = body["ambientSessionData"]
    read = Opening(
        recording_id=body["recordingId"].lower(),
        owners={name: data[name] for name in OWNERS},
        correlation_id=data["correlationId"],
        format=dict(body["dataFormat"]),
        locales=list(data.get("localeInfo", {}).get("recordingLocales", [])),
        offset=body.get("startingOffset", 0),
        users=[one["identifier"] for one in data["externalIdentifiers"] if one["type"] == "userId"],
    )
    is_good = (
        all(map(is_uuid, (read.recording_id, read.correlation_id, *read.owners.values())))
        and is_format(read.format)
        and type(read.offset) is int
        and read.offset >= 0
        and all(map(is_text, (*read.locales, *read.users, *body.get("actions", []))))
    )
    if not is_good:
        raise ValueError("a field is not what it should be")
    return read


def is_format(told: Mapping[str, Any]) -> bool:
    """One of those known, and its numbers are numbers."""
    ((name, inner),) = told.items()
    return name in FORMATS and all(type(inner[one]) is int and inner[one] > 0 for one in NUMBERS.get(name, ()))
