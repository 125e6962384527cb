"""Which lines a sentence may come from: those that share its rarest words and its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from math import log

from notes.evidence import words
from notes.evidence.exchanges import Answer, Line, denies
from notes.evidence.languages.language import Language
from notes.evidence.reading import Sentence

# Tuned for precision first: a wrong source costs more trust than a missing one. A word said in one line weighs 1.
ENOUGH, SHARE = 0.75, 0.34  #: what the first line needs at least, and of the weight of the whole sentence
MORE, MORE_SHARE = 0.75, 0.33  #: the same, for what another line adds
LISTED, LISTED_SHARE = 0.75, 0.14  #: a sentence of which so much was said, here and there, asks for less of a line
WHOLE, WHOLE_ENOUGH = 0.9, 0.45  #: of a sentence that is there to such a share, less is enough
UNHEARD = 0.6  #: what a word weighs that nobody says: the note may be saying it in its own
ASKED = 0.5  #: of its weight a question has, where its answer says other things
COMMON = 0.25  #: of the lines; a word in more of them leads nowhere
MANY = 12  #: lines; a word that is in more of them names nothing
MOST_LINES = 3
WEIGHTS = {"bare": 0.7, "counted": 0.7, "frequency": 0.8, "ratio": 1.5, "dose": 1.2}

Clue = tuple[float, frozenset[int]]  #: what an idea of a sentence weighs, and the lines that have it
Unit = tuple[float, tuple[int, ...]]  #: the weight of a line, or of a question with its answer, and their places


class Transcript:
    """The lines by what they say."""

    def __init__(self, lines: Sequence[Sequence[Sentence]], language: Language) -> None:
        self.language = language
        self.lines = [Line.of(line, after or ()) for line, after in zip_longest(lines, lines[1:])]
        self.found: dict[str, list[int]] = {}
        for place, line in enumerate(self.lines):
            for term in line.terms:
                self.found.setdefault(term, []).append(place)
        self.rarest = log(1 + len(lines)) or 1.0

    def said(self, place: int) -> frozenset[str]:
        """Everything that the line at a place, if there is one, could be found by."""
        return self.lines[place].terms if 0 <= place < len(self.lines) else frozenset()

    def naming(self, sentence: Sentence) -> Iterator[int]:
        """Lines that share a word with a sentence, such as the name of a drug, that few others have."""
        for term in sentence.terms:
            places = self.found.get(term, ())
            if len(places) <= MANY:
                yield from places

    def sources(self, sentence: Sentence) -> tuple[int, ...]:
        """One to three lines, the best first; none where none is good enough."""
        clues = list(self._clues(sentence)) if _says_something(sentence) else []
        total, needed = sum(weight for weight, _ in clues), _needed(clues)
        is_denial, chosen = denies(sentence), list[int]()
        while clues and len(chosen) < MOST_LINES:
            weight, best = self._best(clues, is_denial)
            if weight < needed:
                break
            if not chosen:
                needed = max(MORE, (MORE_SHARE if weight >= SHARE * total else LISTED_SHARE) * total)
            chosen += [place for place in best if place not in chosen]
            clues = [(weight, places) for weight, places in clues if places.isdisjoint(best)]
        return tuple(chosen[:MOST_LINES])

    def _clues(self, sentence: Sentence) -> Iterator[Clue]:
        for idea in dict.fromkeys(words.ideas(sentence.stems, self.language)):
            yield self._clue(self._places(idea), 1)
        for quantity in sentence.quantities:
            if quantity.is_firm:
                said = ([quantity.own], quantity.forms, quantity.asked())  # the more exact, the better
                places = next(filter(None, map(self._places, said)), frozenset[int]())
                yield self._clue(places, WEIGHTS.get(quantity.kind, 1))

    def _places(self, names: Iterable[str]) -> frozenset[int]:
        return frozenset(place for name in names for place in self.found.get(name, ()))

    def _clue(self, places: frozenset[int], factor: float) -> Clue:
        if not places:
            return UNHEARD * factor, places
        if len(places) > max(2 * MOST_LINES, COMMON * len(self.lines)):
            return 0, frozenset()
        return factor * log(1 + len(self.lines) / len(places)) / self.rarest, places

    def _best(self, clues: Sequence[Clue], is_denial: bool) -> Unit:
        weights: dict[int, float] = {}
        for weight, places in clues:
            for place in places:
                weights[place] = weights.get(place, 0) + weight
        units = (self._unit(place, weights, clues, is_denial) for place in weights)
        return max(units, key=lambda unit: (round(unit[0], 6), -unit[1][0]), default=(0, (0,)))

    def _unit(self, place: int, weights: Mapping[int, float], clues: Sequence[Clue], is_denial: bool) -> Unit:
        """A line with its weight; a question with that of its answer too, where one is nothing without the other."""
        answer, pair = self.lines[place].answer, (place, place + 1)
        both = sum(weight for weight, places in clues if not places.isdisjoint(pair))
        if answer is Answer.NONE:
            return weights[place], (place,)
        if answer is Answer.OTHER:
            adds = both - weights.get(place + 1, 0)
            if place + 1 not in weights or adds < MORE_SHARE * both:
                return ASKED * weights[place], (place,)
        elif answer is not Answer.SHORT and (answer is Answer.NO) != is_denial:
            return ASKED * both, pair
        return both, tuple(sorted(pair, key=lambda one: -round(weights.get(one, 0), 6)))


def _says_something(sentence: Sentence) -> bool:
    return bool(sentence.stems) or any(quantity.kind not in ("bare", "counted") for quantity in sentence.quantities)


def _needed(clues: Sequence[Clue]) -> float:
    """What the first line must weigh."""
    total = sum(weight for weight, _ in clues)
    is_list = sum(weight for weight, places in clues if places) >= LISTED * total
    needed = max(ENOUGH, (LISTED_SHARE if is_list else SHARE) * total)
    return min(needed, max(WHOLE_ENOUGH, WHOLE * total))
