"""Consultations whose notes were compared with their transcripts by hand. The people in them are invented.

In a file each line of the transcript begins with its number and its speaker. Each sentence of the note is followed by
the numbers of the lines it comes from, the best first, or by none. What is in {braces} was never said: a number, a dose
or a duration that is wrong. `unreflected` gives the lines whose number or negation the note keeps silent about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

LINE = re.compile(r"(\d+) (\w+): (.+)")
OF_A_LIST = re.compile(r"- |\d+\. ")
BRACES = re.compile(r"\{(.+?)\}")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a section's text."""

    section: int
    start: int
    end: int

    def shared(self, section: int, start: int, end: int) -> int:
        """How many of these characters are also in that part."""
        return max(0, min(self.end, end) - max(self.start, start)) if section == self.section else 0


@dataclass(frozen=True, slots=True)
class Consultation:
    """Lines count from 0. `sources`: each sentence with the lines it comes from."""

    name: str
    language: str
    split: str
    lines: tuple[str, ...]
    sections: tuple[str, ...]
    sources: dict[Span, tuple[int, ...]]
    unsaid: frozenset[Span]
    unreflected: dict[int, str]

    @property
    def mistaken(self) -> set[int]:
        """The lines of sentences that say them wrongly: what was said there is not in the note, nor was it left out."""
        wrong = [
            span for span in self.sources for other in self.unsaid if span.shared(other.section, other.start, other.end)
        ]
        return {line for span in wrong for line in self.sources[span]}

    @classmethod
    def read(cls, file: Path) -> Self:
        facts = json.loads(file.read_text())
        sections = [Section(number, rows) for number, rows in enumerate(facts["note"].values())]
        return cls(
            name=file.stem,
            language=facts["language"],
            split=facts["split"],
            lines=tuple(spoken(facts["transcript"])),
            sections=tuple(section.text for section in sections),
            sources={span: lines for section in sections for span, lines in section.sources.items()},
            unsaid=frozenset(span for section in sections for span in section.unsaid),
            unreflected={int(number) - 1: kind for number, kind in facts["unreflected"].items()},
        )


class Section:
    """A section's text, put together from its sentences; items of lists stand on lines of their own."""

    def __init__(self, number: int, rows: list[list[Any]]) -> None:
        self.number, self.text = number, ""
        self.sources: dict[Span, tuple[int, ...]] = {}
        self.unsaid: list[Span] = []
        for sentence, *lines in rows:
            self.sources[self.add(sentence)] = tuple(line - 1 for line in lines)

    def add(self, sentence: str) -> Span:
        if self.text:
            self.text += "\n" if OF_A_LIST.match(sentence) else " "
        start = len(self.text)
        for place, part in enumerate(BRACES.split(sentence)):
            if place % 2:
                self.unsaid.append(Span(self.number, len(self.text), len(self.text) + len(part)))
            self.text += part
        return Span(self.number, start, len(self.text))


def spoken(rows: list[str]) -> Iterator[str]:
    """What was said, without numbers and speakers. ValueError where the numbers are not in order."""
    for number, row in enumerate(rows, start=1):
        parts = LINE.fullmatch(row)
        if parts is None or int(parts[1]) != number:
            raise ValueError(f"line {number}: {row}")
        yield parts[3]


def read_all() -> list[Consultation]:
    return [Consultation.read(file) for file in sorted(Path(__file__).parent.glob("*.json"))]
