"""Lines with a number or a negation that no section reflects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from notes.evidence import negations
from notes.evidence.findings import Unreflected
from notes.evidence.negations import Topics, topics
from notes.evidence.quantities import Kind, Quantity
from notes.evidence.reading import Sentence
from notes.evidence.relevance import VITAL, is_year, relevant
from notes.evidence.unsaid import is_heard
from notes.evidence.written import Note

Line = Sequence[Sentence]


@dataclass(frozen=True, slots=True)
class Behind:
    """What of the note the lines stand behind.

    `disputed`: the kinds of the numbers that are wrong there, by the line they may come from: one mistake asks for one
    warning. `denying`: the lines that its denials may come from, in whatever words.
    """

    disputed: Mapping[int, Set[Kind]]
    denying: Set[int]


def unreflected(note: Note, lines: Sequence[Line], behind: Behind) -> Iterator[Unreflected]:
    before: Line = ()
    for place, line in enumerate(lines):
        if _misses_number(line, before, note, behind.disputed.get(place, frozenset())):
            yield Unreflected(place, "number")
        if _misses_negation(line, before, note, place in behind.denying):
            yield Unreflected(place, "negation")
        before = line


def _misses_number(line: Line, before: Line, note: Note, wrong: Set[Kind]) -> bool:
    said = [quantity for quantity in relevant(line, before) if not _explains(wrong, quantity)]
    missing = [quantity for quantity in said if not is_heard(quantity, note.heard)]
    if missing and all(map(is_year, missing)) and any(note.mentions(topics(one.tokens, one.language)) for one in line):
        return False  # of an event that the note has, the year may go unmentioned
    return (bool(missing) and len(missing) == len(said)) or any(quantity.kind in VITAL for quantity in missing)


def _explains(wrong: Set[Kind], quantity: Quantity) -> bool:
    """Whether a wrong number of the note is this one, as it was meant."""
    return quantity.kind in wrong or bool(wrong and quantity.kind == "bare" and not is_year(quantity))


def _misses_negation(line: Line, before: Line, note: Note, is_source: bool) -> bool:
    """`is_source`: a denial of the note may come from this line, so that it is silent about none."""
    denied = [what for sentence in line for what in negations.denied(sentence)]
    asked = _refused(line[0], before) if line else []
    if any(what and not is_source and not any(map(note.mentions, what)) for what in (denied, asked)):
        return True
    if asked and negations.opens_with(line[0], line[0].language.no) and note.contradicts(asked[-1]):
        return True
    plain = (sentence for sentence in line if sentence.spoken.isdisjoint(sentence.language.complaints))
    return any(note.contradicts(what) for sentence in plain for what in negations.denied(sentence))


def _refused(answer: Sentence, before: Line) -> list[Topics]:
    """What was asked about, if it was answered with no."""
    if not (before and before[-1].is_question and negations.refuses(answer)):
        return []
    return [subject for sentence in before if sentence.is_question and (subject := negations.asked(sentence))]
