"""Questions and their answers: "Any allergies?" and "No, none." say something only together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from notes.evidence import negations
from notes.evidence.reading import Sentence

FEW_WORDS = 1


class Answer(Enum):
    NONE = "nothing was asked"
    YES = "yes"
    NO = "no"
    SHORT = "too short to say anything by itself"
    OTHER = "says things of its own"


@dataclass(frozen=True, slots=True)
class Line:
    """A line by all that it could be found by, and what the next one answers to it."""

    terms: frozenset[str]
    answer: Answer

    @classmethod
    def of(cls, line: Sequence[Sentence], after: Sequence[Sentence]) -> Line:
        return cls(frozenset(_terms(line)), _answer(line, after))


def denies(sentence: Sentence) -> bool:
    language = sentence.language
    return not (sentence.spoken.isdisjoint(language.negations) and sentence.spoken.isdisjoint(language.no))


def _terms(line: Sequence[Sentence]) -> set[str]:
    terms = set[str]().union(*(sentence.terms for sentence in line))
    for sentence in line:
        for quantity in sentence.quantities:
            terms.update(quantity.said(), [quantity.own])
    return terms


def _answer(line: Sequence[Sentence], after: Sequence[Sentence]) -> Answer:
    if not (line and line[-1].is_question and after):
        return Answer.NONE
    if negations.opens_with(after[0], after[0].language.no):
        return Answer.NO
    if negations.opens_with(after[0], after[0].language.yes):
        return Answer.YES
    if sum(len(sentence.stems) for sentence in after) <= FEW_WORDS and not _has_number(after):
        return Answer.NO if any(map(denies, after)) else Answer.SHORT
    return Answer.OTHER


def _has_number(line: Sequence[Sentence]) -> bool:
    return any(quantity.is_firm for sentence in line for quantity in sentence.quantities)
