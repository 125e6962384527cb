"""Lines with a number or a negation that no section reflects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notes.evidence import negations
from notes.evidence.findings import Unreflected
from notes.evidence.negations import Topics, is_clinical, is_negative
from notes.evidence.quantities import Quantity
from notes.evidence.reading import Sentence
from notes.evidence.unsaid import heard_in, is_heard

#: Each of these must be in the note; of the others in a line, one is enough.
VITAL = frozenset({"dose", "ratio", "reading"})
#: These matter where the talk is of the patient: people also have been teachers for 20 years.
CIRCUMSTANTIAL = frozenset({"time", "frequency", "count", "size", "date"})


class Note:
    """The sections, by what they affirm and deny."""

    def __init__(self, sections: Sequence[Sequence[Sentence]]) -> None:
        self.heard = heard_in(sections)
        sentences = [sentence for section in sections for sentence in section]
        self.negative = [sentence.terms for sentence in sentences if is_negative(sentence)]
        self.positive = [sentence.terms for sentence in sentences if not is_negative(sentence)]

    def denies(self, topics: Topics) -> bool:
        """Half of what is denied is enough: notes are shorter than talk."""
        return any(2 * _shared(topics, terms) >= len(topics) for terms in self.negative)

    def affirms(self, topics: Topics) -> bool:
        return not self.denies(topics) and any(_shared(topics, terms) == len(topics) for terms in self.positive)


def _shared(topics: Topics, terms: set[str]) -> int:
    return sum(not topic.isdisjoint(terms) for topic in topics)


def unreflected(note: Sequence[Sequence[Sentence]], lines: Sequence[Sequence[Sentence]]) -> Iterator[Unreflected]:
    written = Note(note)
    before: Sequence[Sentence] = ()
    for place, line in enumerate(lines):
        if _misses_number(line, before, written):
            yield Unreflected(place, "number")
        if _misses_negation(line, before, written):
            yield Unreflected(place, "negation")
        before = line


def _misses_number(line: Sequence[Sentence], before: Sequence[Sentence], note: Note) -> bool:
    said = list(_relevant(line, before))
    missing = [quantity for quantity in said if not is_heard(quantity, note.heard)]
    return bool(missing) and (len(missing) == len(said) or any(quantity.kind in VITAL for quantity in missing))


def _relevant(line: Sequence[Sentence], before: Sequence[Sentence]) -> Iterator[Quantity]:
    asked = any(sentence.is_question and _is_clinical(sentence) for sentence in before[-1:])
    for sentence in line:
        if sentence.is_question:
            continue
        matters = asked or _is_clinical(sentence)
        for quantity in sentence.quantities:
            if quantity.is_firm and (quantity.kind in VITAL or (matters and quantity.kind in CIRCUMSTANTIAL)):
                yield quantity


def _is_clinical(sentence: Sentence) -> bool:
    return any(is_clinical(token.text, sentence.language) for token in sentence.tokens)


def _misses_negation(line: Sequence[Sentence], before: Sequence[Sentence], note: Note) -> bool:
    denied = [topics for sentence in line for topics in negations.denied(sentence)]
    if denied:
        return not any(map(note.denies, denied)) or any(map(note.affirms, denied))
    return bool(before) and negations.is_plain_no(line) and _affirms_question(before[-1], note)


def _affirms_question(question: Sentence, note: Note) -> bool:
    """Whether the note affirms what was asked: it was answered with no."""
    topics = negations.topics(question.tokens, question.language)
    return question.is_question and bool(topics) and note.affirms(topics)
