"""Numbers of the note that the transcript never says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notes.evidence.findings import Unsaid
from notes.evidence.quantities import Quantity
from notes.evidence.reading import Sentence

DAILY = "1/day"


def unsaid(note: Sequence[Sequence[Sentence]], lines: Sequence[Sequence[Sentence]]) -> Iterator[Unsaid]:
    heard = heard_in(lines)
    for section in note:
        for sentence in section:
            for quantity in sentence.quantities:
                if quantity.is_firm and not is_heard(quantity, heard):
                    yield Unsaid(sentence.place, quantity.start, quantity.end, quantity.forms[0])


def heard_in(texts: Sequence[Sequence[Sentence]]) -> frozenset[str]:
    """Every form of every quantity."""
    return frozenset(form for sentences in texts for sentence in sentences for form in _said(sentence))


def _said(sentence: Sentence) -> Iterator[str]:
    hints = {quantity.start for quantity in sentence.quantities if quantity.forms == (DAILY,)}
    if len(hints) > 1:  # "ten in the morning and ten at night"
        yield f"{len(hints)}/day"
    for quantity in sentence.quantities:
        yield from quantity.said()


def is_heard(quantity: Quantity, heard: frozenset[str]) -> bool:
    if not heard.isdisjoint(quantity.asked()):
        return True
    if quantity.kind != "ratio":
        return False
    return all(f"bare {part}" in heard for part in quantity.forms[0].split("/"))  # "systolic 120, diastolic 80"
