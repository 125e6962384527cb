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
VITAL = frozenset({"dose", "ratio"})
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
    """Those in what is stated: a question has its answer."""
    context = before[-1:] if before and before[-1].is_question else ()
    for sentence in line:
        context = (*context, sentence)
        if sentence.quantities and not sentence.is_question:
            matters = any(_is_clinical(one) for one in context[-2:])
            yield from (quantity for quantity in sentence.quantities if _counts(quantity, sentence, matters))


def _counts(quantity: Quantity, sentence: Sentence, matters: bool) -> bool:
    if not quantity.is_firm or quantity.kind in VITAL or quantity.kind == "reading":
        return quantity.is_firm
    if quantity.kind == "bare":  # what has decimals was measured
        return "." in quantity.value or not sentence.spoken.isdisjoint(sentence.language.measures)
    return quantity.kind in CIRCUMSTANTIAL and (matters or _is_ahead(quantity, sentence))


def _is_ahead(quantity: Quantity, sentence: Sentence) -> bool:
    """Whether something is to be done "in two weeks"; what is done in five minutes is done here."""
    before = next((token for token in reversed(sentence.tokens) if token.end <= quantity.start), None)
    is_days = quantity.kind == "time" and not quantity.forms[0].endswith(("minutes", "minute", "hours", "hour"))
    return is_days and before is not None and before.text in sentence.language.ahead


def _is_clinical(sentence: Sentence) -> bool:
    return any(is_clinical(token.text, sentence.language) for token in sentence.tokens)


def _misses_negation(line: Sequence[Sentence], before: Sequence[Sentence], note: Note) -> bool:
    denied = [topics for sentence in line for topics in negations.denied(sentence)]
    if denied and not any(map(note.denies, denied)):
        return True
    if any(map(note.affirms, denied)):
        return True
    return bool(before and line) and before[-1].is_question and _contradicts(line[0], before[-1], note)


def _contradicts(answer: Sentence, question: Sentence, note: Note) -> bool:
    """Whether the note affirms what was asked and answered with no."""
    topics = negations.topics(question.tokens, question.language)
    return bool(topics) and negations.opens_with(answer, answer.language.no) and note.affirms(topics)
