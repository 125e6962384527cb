"""Which lines a sentence may come from: those that share its rarest words and its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log

from notes.evidence import words
from notes.evidence.languages.language import Language
from notes.evidence.reading import Sentence
from notes.evidence.words import Idea

#: What was tuned on consultations written for it; a wrong source costs more trust than a missing one.
ENOUGH, SHARE = 1.0, 0.34  #: of the weight of a rare word, and of the weight of the whole sentence
MORE, MORE_SHARE = 0.9, 0.22  #: the same, for what a second or third line adds
UNHEARD = 0.6  #: what a word weighs that nobody says: the note may be saying it in its own
COMMON = 0.25  #: of the lines; a word in more of them leads nowhere
MOST_LINES = 3
ANSWER_IDEAS = 1  #: an answer of no more says little without its question

WEIGHTS = {"bare": 0.7, "counted": 0.7, "frequency": 0.8, "ratio": 1.5, "dose": 1.2}


@dataclass(frozen=True, slots=True)
class Line:
    place: int
    terms: frozenset[str]
    is_question: bool
    is_denial: bool
    is_short: bool


Clue = tuple[float, frozenset[int]]  #: what an idea of a sentence weighs, and the lines that have it


class Transcript:
    """The lines by what they say."""

    def __init__(self, lines: Sequence[Sequence[Sentence]], language: Language) -> None:
        self.language = language
        self.lines = [_line(place, sentences, language) for place, sentences in enumerate(lines)]
        self.found: dict[str, list[int]] = {}
        for line in self.lines:
            for term in line.terms:
                self.found.setdefault(term, []).append(line.place)
        self.rare = log(1 + len(lines)) or 1.0

    def sources(self, sentence: Sentence) -> tuple[int, ...]:
        """One to three lines, the best first; none where none is good enough."""
        clues = list(self._clues(sentence))
        total = sum(weight for weight, _ in clues)
        is_denial = denies(sentence)
        chosen: list[int] = []
        needed, share = ENOUGH, SHARE
        while clues and len(chosen) < MOST_LINES:
            weight, best = self._best(clues, is_denial)
            if weight < needed or weight < share * total:
                break
            chosen += [place for place in best if place not in chosen]
            clues = [(weight, places) for weight, places in clues if not places.intersection(best)]
            needed, share = MORE, MORE_SHARE
        return tuple(chosen[:MOST_LINES])

    def _clues(self, sentence: Sentence) -> Iterator[Clue]:
        for idea in set(words.ideas(sentence.stems, self.language)):
            yield self._clue(idea, 1)
        for quantity in sentence.quantities:
            if quantity.is_firm:
                yield self._clue(frozenset(quantity.asked()), WEIGHTS.get(quantity.kind, 1))

    def _clue(self, idea: Idea, factor: float) -> Clue:
        places = frozenset(place for name in idea for place in self.found.get(name, ()))
        if not places:
            return UNHEARD * factor, places
        if len(places) > COMMON * len(self.lines) and len(places) > 2 * MOST_LINES:
            return 0, frozenset()
        return factor * log(1 + len(self.lines) / len(places)) / self.rare, places

    def _best(self, clues: Sequence[Clue], is_denial: bool) -> tuple[float, tuple[int, ...]]:
        """The line, or the question with its answer, that has most of the clues."""
        weights: dict[int, float] = {}
        for weight, places in clues:
            for place in places:
                weights[place] = weights.get(place, 0) + weight
        exchanges = (self._exchange(place, weights, clues, is_denial) for place in weights)
        return max(exchanges, key=lambda one: (one[0], -one[1][0]), default=(0, (0,)))

    def _exchange(
        self, place: int, weights: Mapping[int, float], clues: Sequence[Clue], is_denial: bool
    ) -> tuple[float, tuple[int, ...]]:
        line = self.lines[place]
        answer = self.lines[place + 1] if place + 1 < len(self.lines) else None
        if not line.is_question or answer is None:
            return weights[place], (place,)
        if answer.is_short:
            return (weights[place] if answer.is_denial == is_denial else 0), (place, place + 1)
        if place + 1 not in weights:
            return 0.5 * weights[place], (place,)
        both = sum(weight for weight, places in clues if place in places or place + 1 in places)
        if both > weights[place + 1]:
            return both, tuple(sorted((place, place + 1), key=lambda one: -weights[one]))
        return 0, (place,)


def _line(place: int, sentences: Sequence[Sentence], language: Language) -> Line:
    terms = {term for sentence in sentences for term in sentence.terms}
    terms.update(form for sentence in sentences for quantity in sentence.quantities for form in quantity.said())
    statements = [sentence for sentence in sentences if not sentence.is_question]
    return Line(
        place,
        frozenset(terms),
        is_question=bool(sentences) and sentences[-1].is_question,
        is_denial=any(denies(sentence) for sentence in statements),
        is_short=sum(len(sentence.stems) for sentence in sentences) <= ANSWER_IDEAS
        and not any(quantity.is_firm for sentence in sentences for quantity in sentence.quantities),
    )


def denies(sentence: Sentence) -> bool:
    language = sentence.language
    return not (sentence.spoken.isdisjoint(language.negations) and sentence.spoken.isdisjoint(language.no))
