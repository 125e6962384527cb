"""Numbers of the note that the transcript never says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from notes.evidence.findings import Unsaid
from notes.evidence.quantities import Quantity
from notes.evidence.reading import Sentence
from notes.evidence.sources import Transcript

DAILY = "1/day"
NEAR = 3  #: lines between the name of a drug and for how long it is to be taken
PRESCRIBED = frozenset({"dose", "frequency", "count"})


def unsaid(note: Sequence[Sequence[Sentence]], transcript: Transcript, heard: frozenset[str]) -> Iterator[Unsaid]:
    """`heard`: what the lines say, of `heard_in`."""
    for section in note:
        for sentence in section:
            for quantity in sentence.quantities:
                if quantity.is_firm and not (is_heard(quantity, heard) and _fits(quantity, sentence, transcript)):
                    yield Unsaid(sentence.place, quantity.start, quantity.end, quantity.forms[0])


def _fits(quantity: Quantity, sentence: Sentence, transcript: Transcript) -> bool:
    """How long a drug is to be taken is said where the talk is of it; elsewhere it is of something else."""
    if not quantity.is_days or not any(one.kind in PRESCRIBED for one in sentence.quantities if one.is_firm):
        return True
    named = {*transcript.naming(sentence)}
    around = {near for place in named for near in range(place - NEAR, place + NEAR + 1)}
    answers = frozenset(quantity.asked())
    return not named or any(not transcript.said(place).isdisjoint(answers) for place in around)


def heard_in(texts: Sequence[Sequence[Sentence]]) -> frozenset[str]:
    """Every form of every quantity."""
    return frozenset(form for sentences in texts for sentence in sentences for form in _said(sentence))


def _said(sentence: Sentence) -> Iterator[str]:
    hints = {quantity.start for quantity in sentence.quantities if quantity.forms == (DAILY,)}
    if len(hints) > 1:  # "ten in the morning and ten at night"
        yield f"{len(hints)}/day"
    for quantity, after in zip_longest(sentence.quantities, sentence.quantities[1:]):
        yield from quantity.said()
        if (
            quantity.value and after and after.kind == "frequency" and after.forms[0].startswith("1/")
        ):  # "up to eight a day"
            yield f"{quantity.value}{after.forms[0][1:]}"


def is_heard(quantity: Quantity, heard: frozenset[str]) -> bool:
    if not heard.isdisjoint(quantity.asked()):
        return True
    if quantity.kind != "ratio":
        return False
    return all(f"bare {part}" in heard for part in quantity.forms[0].split("/"))  # "systolic 120, diastolic 80"
