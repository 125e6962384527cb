"""A transcript's lines as pages show them."""

from __future__ import annotations

from typing import NamedTuple

from access import desk
from notes.models import Transcript

VOICES = 4


class Line(NamedTuple):
    """`number` counts from 0. `start`, `end`: milliseconds, None where the vendor gave none; `time`: the start as m:ss.

    `voice`: which of the page's VOICES speaks, from 1.
    """

    number: int
    start: int | None
    end: int | None
    time: str
    speaker: str
    voice: int
    text: str


def readable(transcript: Transcript | None) -> list[Line]:
    """All of them, in the vendor's order; none where there is no transcript."""
    voices: dict[str, int] = {}
    lines = []
    for number, line in enumerate(transcript.lines if transcript else ()):
        start, end = line.get("start_offset_ms"), line.get("end_offset_ms")
        name = speaker(line)
        voice = voices.setdefault(name, len(voices) % VOICES + 1)
        lines.append(Line(number, start, end, desk.clock(start), name, voice, str(line.get("text") or "")))
    return lines


def speaker(line: dict[str, object]) -> str:
    """Who says it, in words: a vendor's `family_member` is "Family member". Empty where the vendor tells no voices."""
    if line.get("speaker") == "unspecified":
        return ""
    words = " ".join(str(line.get("speaker") or "speaker").split("_"))
    return words[:1].upper() + words[1:]
