"""What the tests ask of notes.evidence: one note, a few lines, and what comes of them."""

from __future__ import annotations

from notes.evidence import sentences, weigh

EN, FR = "en-US", "fr-FR"


def missing(note: str, *lines: str, language: str = EN) -> list[str]:
    """Canonical forms of the numbers of a note that no line says."""
    return [one.said for one in weigh([note], lines, language).unsaid]


def omitted(note: str, *lines: str, language: str = EN) -> list[tuple[int, str]]:
    """Lines that a note does not reflect, and why that matters."""
    return [(one.line, one.kind) for one in weigh([note], lines, language).unreflected]


def sources(note: str, *lines: str, language: str = EN) -> dict[str, tuple[int, ...]]:
    """Each sentence that has one, with its possible source."""
    found = weigh([note], lines, language).sources
    return {note[one.passage.start : one.passage.end]: one.lines for one in found}


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]
