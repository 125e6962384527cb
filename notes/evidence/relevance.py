"""Which of the numbers in a line a note should have."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from notes.evidence.dates import YEARS
from notes.evidence.negations import is_clinical
from notes.evidence.quantities import Quantity
from notes.evidence.reading import Sentence

#: Each of these must be in the note; of the others in a line, one is enough.
VITAL = frozenset({"dose", "ratio"})
#: These matter where the talk is of the patient: people also have been teachers for 20 years.
CIRCUMSTANTIAL = frozenset({"time", "frequency", "count", "size", "date"})
TALLIES = frozenset({"bare", "counted"})
AGES = range(1, 110)


def relevant(line: Sequence[Sentence], before: Sequence[Sentence]) -> Iterator[Quantity]:
    """Those in what is stated: a question has its answer."""
    context = before[-1:] if before and before[-1].is_question else ()
    for sentence in line:
        context = (*context, sentence)[-2:]
        if sentence.quantities and not sentence.is_question:
            yield from _of_weight(sentence, context)


def _of_weight(sentence: Sentence, context: Sequence[Sentence]) -> Iterator[Quantity]:
    matters, supposes = any(map(_matters, context)), _supposes(sentence)
    is_habit = any(not one.spoken.isdisjoint(one.language.habits) for one in context)
    for quantity in sentence.quantities:
        counts = (is_habit and quantity.kind in TALLIES) or _counts(quantity, sentence, matters)
        if quantity.is_firm and (quantity.kind in VITAL or (counts and not supposes)):
            yield quantity


def _matters(sentence: Sentence) -> bool:
    """Whether it is about the patient's health, or what it keeps the patient from."""
    language = sentence.language
    return not sentence.spoken.isdisjoint(language.weighty) or any(
        is_clinical(token.text, language) for token in sentence.tokens
    )


def _counts(quantity: Quantity, sentence: Sentence, matters: bool) -> bool:
    if quantity.kind == "reading":
        return matters or not quantity.forms[0].endswith("%") or _is_measured(sentence)
    if quantity.kind == "bare":
        return _bare_counts(quantity, sentence, matters)
    return quantity.kind in CIRCUMSTANTIAL and (
        matters or _is_ahead(quantity, sentence) or _is_of_family(quantity, sentence)
    )


def _bare_counts(quantity: Quantity, sentence: Sentence, matters: bool) -> bool:
    """What has decimals was measured; a year, and an age of those before, is history."""
    if "." in quantity.value or _is_measured(sentence):
        return True
    return (matters and is_year(quantity)) or (float(quantity.value) in AGES and _is_of_family(quantity, sentence))


def is_year(quantity: Quantity) -> bool:
    return quantity.kind == "bare" and float(quantity.value) in YEARS


def _is_measured(sentence: Sentence) -> bool:
    return not sentence.spoken.isdisjoint(sentence.language.measures)


def _supposes(sentence: Sentence) -> bool:
    """ "If it is no better in 72 hours, call me"; not the yes of "Si, depuis un mois"."""
    said = [token.text for token in sentence.tokens]
    pairs = zip(said, [*said[1:], ""], strict=True)
    return any(word in sentence.language.suppositions and after != "," for word, after in pairs)


def _is_of_family(quantity: Quantity, sentence: Sentence) -> bool:
    """ "My father had his knee replaced at sixty-five"."""
    language = sentence.language
    return not sentence.spoken.isdisjoint(language.family) and _before(quantity, sentence) in language.at_age


def _is_ahead(quantity: Quantity, sentence: Sentence) -> bool:
    """Whether something is to be done "in two weeks"; what is done in five minutes is done here."""
    return quantity.is_days and _before(quantity, sentence) in sentence.language.ahead


def _before(quantity: Quantity, sentence: Sentence) -> str:
    """The word that a quantity stands after."""
    at = bisect_right(sentence.tokens, quantity.start, key=lambda token: token.end)
    return sentence.tokens[at - 1].text if at else ""
