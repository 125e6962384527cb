"""Suki's REST calls in bytes and types, with no I/O.

Source: Suki's developer pages on authentication, ambient sessions, recordings and dictation.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, NotRequired, TypedDict

from vendors.base import NOTE, Job, Link, RecordingLinks, Speech, Unreadable
from vendors.reading import Fields, read_object
from vendors.suki import sections
from vendors.suki.rules import full_language

MOST_PARTS = 1_000
LONGEST_ID = 128
LONGEST_URL = 8_192
LONGEST_TOKEN = 8_192
#: The shortest that is documented, of links for playing: what one lasts that does not say.
LINK_LIFE = timedelta(minutes=15)
#: From 2001 on. Seconds since 1970 have fewer digits for centuries to come: whatever has more is in milliseconds.
_FIRST_SECOND, _FIRST_MILLISECOND = 10**9, 10**12

_DIGITS = re.compile(r"[0-9]{10,13}")
_ERROR_ID = re.compile(r"[a-z][a-z0-9_]{0,59}(?=$|[:\s])")


class AmbientBody(TypedDict):
    """`POST /api/v1/ambient/session/create`, the request."""

    ambient_session_id: str
    encounter_id: NotRequired[str]


class AudioConfig(TypedDict):
    audio_encoding: str
    audio_language: str
    sample_rate_hertz: int


class DictationBody(TypedDict):
    """`POST /api/v1/transcription/session/create`, the request."""

    transcription_session_id: str
    audio_config: AudioConfig


def ambient_body(job: Job) -> AmbientBody:
    body: AmbientBody = {"ambient_session_id": str(job.id)}
    if job.encounter_ref:
        body["encounter_id"] = job.encounter_ref
    return body


def context_body(job: Job, specialty: str) -> dict[str, Any]:
    """What the note is to have. Its shape is our reading: the pages name `provider` and `sections`, by LOINC."""
    body: dict[str, Any] = {"provider": {"specialty": specialty}} if specialty else {}
    if NOTE in job.wish.output_objects:
        body["sections"] = [{"loinc_code": code} for code in sections.codes(job.wish.note_template)]
    return body


def dictation_body(job: Job, speech: Speech) -> DictationBody:
    return {
        "transcription_session_id": str(job.id),
        "audio_config": {
            "audio_encoding": speech.encoding,
            "audio_language": full_language(speech.language),
            "sample_rate_hertz": speech.sample_rate_hertz,
        },
    }


def read_token(body: bytes) -> str:
    """The `suki_token` of a login. Raises Unreadable."""
    token = read_object(body).optional_text("suki_token", most=LONGEST_TOKEN)
    if not token:
        raise Unreadable("suki_token: missing")
    return token


def read_session_id(body: bytes, name: str) -> str | None:
    """The id that Suki gave a session; None where it cannot be read: then it has the one it was asked to have."""
    try:
        return read_object(body).text_or_none(name, most=LONGEST_ID) or None
    except Unreadable:
        return None


def read_status(body: bytes) -> str:
    """How far an ambient session is, in lower case. Raises Unreadable."""
    status = read_object(body).optional_text("status", most=LONGEST_ID)
    if not status:
        raise Unreadable("status: missing")
    return status.lower()


def read_error_id(body: bytes) -> str:
    """The stable id at the beginning of an error's `message`; empty where there is none."""
    try:
        message = read_object(body).text_or_none("message", most=10_000) or ""
    except Unreadable:
        return ""
    found = _ERROR_ID.match(message)
    return found[0] if found else ""


def read_recordings(body: bytes, asked_at: datetime) -> RecordingLinks:
    """The links, in the order of the parts, at most 1,000. Raises Unreadable.

    `asked_at`: when the life of one begins that does not say when it ends.
    """
    answer = read_object(body)
    items = answer.objects("recordings", most=MOST_PARTS)
    if items is None:
        raise Unreadable("recordings: missing")
    links = [_link(item, asked_at) for item in items]
    links.sort(key=lambda link: link.sequence_number)
    return RecordingLinks(tuple(links), is_streamable=answer.value("is_streamable") is not False)


def _link(item: Fields, asked_at: datetime) -> Link:
    recording_id = item.optional_text("recording_id", most=LONGEST_ID)
    url = item.optional_text("presigned_url", most=LONGEST_URL)
    number = item.milliseconds("sequence_number")  # a whole number from 0 on, whatever it counts
    if not recording_id or not url or number is None:
        raise Unreadable("recordings: an item lacks its id, link or number")
    # How it is written is our reading: a recording must not be lost over it.
    return Link(recording_id, url, _moment(item.value("expires_at")) or asked_at + LINK_LIFE, number)


def _moment(value: object) -> datetime | None:
    """Of Unix seconds or milliseconds, as a number or its digits, or of an RFC 3339 time; None for anything else."""
    number = _unix(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    seconds = number / 1000 if number >= _FIRST_MILLISECOND else number
    return datetime.fromtimestamp(seconds, UTC) if _FIRST_SECOND <= seconds < 10**11 else None


def _unix(text: str) -> float | None:
    if _DIGITS.fullmatch(text):
        return int(text)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.timestamp() if read.tzinfo else None
