"""What goes to and fro over Suki's two WebSockets: JSON in text messages, one object each.

Source: Suki's developer pages on ambient streaming (`/ws/stream`) and dictation (`/ws/transcribe`).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vendors.base import Unreadable
from vendors.reading import read_object

#: `data` is "EOF" in base64.
END_OF_STREAM = '{"type":"AUDIO","data":"RU9G"}'
END_OF_DICTATION = '{"type":"EVENT","event":"AUDIO_END"}'


@dataclass(frozen=True, slots=True)
class Heard:
    """What a dictation was understood as so far; a final does not change any more."""

    text: str = field(repr=False)
    is_final: bool


def start_time(at: datetime) -> str:
    """When the first audio of an ambient stream was recorded."""
    written = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'{{"type":"START_TIME","data":"{b64encode(written.encode()).decode()}"}}'


def stream_audio(pcm: bytes) -> str:
    """100 ms of an ambient session."""
    return f'{{"type":"AUDIO","data":"{b64encode(pcm).decode()}"}}'


def dictation_audio(pcm: bytes) -> str:
    """100 ms of a dictation."""
    return f'{{"type":"AUDIO","audioData":"{b64encode(pcm).decode()}"}}'


def read_heard(message: str | bytes) -> Heard | None:
    """One message of a dictation; None where it says that no more comes. Raises Unreadable.

    A `transcript_id` is new on every message and tells nothing.
    """
    if isinstance(message, bytes):
        raise Unreadable("message: not a text")
    answer = read_object(message.encode())
    transcript = answer.object("transcript")
    if transcript is None:
        raise Unreadable("transcript: missing")
    text = transcript.text("transcript")
    if text == "EOF" and not answer.has("is_final"):
        return None
    return Heard(text, answer.value("is_final") is True)
