"""The plain way to do what `notes.evidence` does, to measure that against: words and digits compared as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s)|$)", re.MULTILINE)
WORD = re.compile(r"\w+")
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
NEGATIONS = {"no", "not", "never", "none", "non", "pas", "jamais", "aucun", "aucune", "ni", "sans"}
#: The least share of words in common, chosen on the consultations for tuning.
ALIKE = 0.05
#: A line is reflected when one sentence of the note shares so many of its words.
REFLECTED = 0.2


@dataclass(frozen=True, slots=True)
class Passage:
    section: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    passage: Passage
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unreflected:
    line: int
    kind: str


@dataclass(frozen=True, slots=True)
class Evidence:
    sources: tuple[Source, ...]
    unsaid: tuple[Passage, ...]
    unreflected: tuple[Unreflected, ...]


def weigh(sections: Sequence[str], lines: Sequence[str], language: str) -> Evidence:
    passages = list(sentences(sections))
    return Evidence(
        tuple(Source(passage, nearest(text, lines)) for passage, text in passages),
        tuple(unsaid(sections, " ".join(lines))),
        tuple(unreflected(lines, [text for _, text in passages])),
    )


def sentences(sections: Sequence[str]) -> Iterator[tuple[Passage, str]]:
    for number, text in enumerate(sections):
        for found in SENTENCE.finditer(text):
            yield Passage(number, found.start(), found.end()), found[0]


def words(text: str) -> set[str]:
    return set(WORD.findall(text.lower()))


def alike(one: str, other: str) -> float:
    """Words that are in both, of those that are in either: Jaccard's measure."""
    return len(words(one) & words(other)) / (len(words(one) | words(other)) or 1)


def nearest(sentence: str, lines: Sequence[str]) -> tuple[int, ...]:
    """The three lines most alike, the best first."""
    scores = {number: alike(sentence, line) for number, line in enumerate(lines)}
    best = sorted(scores, key=lambda number: -scores[number])[:3]
    return tuple(number for number in best if scores[number] >= ALIKE)


def unsaid(sections: Sequence[str], said: str) -> Iterator[Passage]:
    numbers = set(NUMBER.findall(said))
    for number, text in enumerate(sections):
        yield from (Passage(number, *found.span()) for found in NUMBER.finditer(text) if found[0] not in numbers)


def unreflected(lines: Sequence[str], noted: Sequence[str]) -> Iterator[Unreflected]:
    for number, line in enumerate(lines):
        kind = "number" if NUMBER.search(line) else "negation" if words(line) & NEGATIONS else ""
        if kind and not any(len(words(line) & words(text)) >= REFLECTED * len(words(line)) for text in noted):
            yield Unreflected(number, kind)
