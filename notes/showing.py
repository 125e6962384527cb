"""A note's sections as its page shows them: sources and possible ones, what is doubted, what was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notes.diffs import Piece, changes
from notes.models import Evidence, NoteSection

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text, and whether it is a number that nobody said."""

    text: str
    is_unsaid: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence with the transcript's lines that may be its source; or what stands between sentences, with none."""

    runs: tuple[Run, ...]
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownSection:
    """`number` counts from 0. `changed`: from the vendor's words, empty where it is as it came. `typed`: in a draft.

    `sources`: the lines that the vendor says it wrote its own words from, whatever they were changed to since.
    """

    number: int
    key: str
    title: str
    text: str
    passages: tuple[Passage, ...]
    sources: tuple[int, ...]
    changed: tuple[Piece, ...]
    typed: str

    @property
    def is_typed_in(self) -> bool:
        return self.typed != self.text


def shown(
    sections: Sequence[NoteSection], first: Sequence[Mapping[str, Any]], typed: Sequence[str], evidence: Evidence | None
) -> list[ShownSection]:
    """`first`: those of the vendor's text that they began as.

    `typed`: each section's text in the person's draft, else as it is.
    """
    return [
        ShownSection(
            number,
            section.key,
            section.title,
            section.text,
            tuple(passages(section.text, *weighed(evidence, number))),
            tuple(section_before(first, number, section.key).get("sources", ())),
            tuple(changed(text_before(first, number, section.key), section.text)),
            text,
        )
        for number, (section, text) in enumerate(zip(sections, typed, strict=True))
    ]


def text_before(sections: Sequence[Mapping[str, Any]], number: int, key: str) -> str:
    """What that section said in an earlier version; nothing for one that was not there."""
    return str(section_before(sections, number, key).get("text", ""))


def section_before(sections: Sequence[Mapping[str, Any]], number: int, key: str) -> Mapping[str, Any]:
    """That section in an earlier version; empty for one that was not there."""
    if number < len(sections) and sections[number]["key"] == key:
        return sections[number]
    return next((section for section in sections if section["key"] == key), {})


def changed(before: str, after: str) -> list[Piece]:
    return changes(before, after) if before != after else []


def weighed(evidence: Evidence | None, number: int) -> tuple[dict[Span, tuple[int, ...]], list[Span]]:
    """The section's sentences with their lines, and its doubted numbers."""
    if evidence is None:
        return {}, []
    sources = {(start, end): tuple(lines) for place, start, end, lines in evidence.sources if place == number}
    return sources, [(start, end) for place, start, end, _ in evidence.unsaid if place == number]


def passages(text: str, sources: Mapping[Span, tuple[int, ...]], unsaid: Sequence[Span]) -> Iterator[Passage]:
    at = 0
    for start, end in sorted(sources):
        if at < start:
            yield Passage(tuple(runs(text, at, start, unsaid)))
        yield Passage(tuple(runs(text, start, end, unsaid)), sources[start, end])
        at = end
    if at < len(text):
        yield Passage(tuple(runs(text, at, len(text), unsaid)))


def runs(text: str, start: int, end: int, unsaid: Sequence[Span]) -> Iterator[Run]:
    for first, last in sorted(unsaid):
        if start <= first and last <= end:
            if start < first:
                yield Run(text[start:first], is_unsaid=False)
            yield Run(text[first:last], is_unsaid=True)
            start = last
    if start < end:
        yield Run(text[start:end], is_unsaid=False)
