"""A note weighed against the transcript it was made from."""

from __future__ import annotations

from collections.abc import Sequence

from notes.evidence import languages, reading
from notes.evidence.findings import Evidence, Passage, Source, Unsaid
from notes.evidence.negations import is_negative
from notes.evidence.quantities import Kind
from notes.evidence.reading import Sentence
from notes.evidence.sources import Transcript
from notes.evidence.unreflected import Behind, unreflected
from notes.evidence.unsaid import heard_in, unsaid
from notes.evidence.written import Note

Traced = tuple[Sentence, tuple[int, ...]]  #: with the lines it may come from


def weigh(sections: Sequence[str], lines: Sequence[str], language: str) -> Evidence:
    """`sections`, `lines`: their texts, in order; `language`: BCP 47, of both. Any text will do, and none."""
    known = languages.of(language)
    note, spoken = reading.read(sections, known), reading.read(lines, known)
    transcript = Transcript(spoken, known)
    traced = [(sentence, transcript.sources(sentence)) for section in note for sentence in section]
    wrong = tuple(unsaid(note, transcript, heard_in(spoken)))
    behind = Behind(_disputed(traced, transcript, wrong), _denying(traced))
    return Evidence(
        sources=tuple(Source(_passage(sentence), places) for sentence, places in traced if places),
        unsaid=wrong,
        unreflected=tuple(unreflected(Note(note, spoken, known), spoken, behind)),
    )


def _passage(sentence: Sentence) -> Passage:
    return Passage(sentence.place, sentence.start, sentence.end)


def _denying(traced: Sequence[Traced]) -> frozenset[int]:
    """Lines that a denial of the note may come from."""
    return frozenset(place for sentence, places in traced if is_negative(sentence) for place in places)


def _disputed(traced: Sequence[Traced], transcript: Transcript, wrong: Sequence[Unsaid]) -> dict[int, set[Kind]]:
    starts = {(one.section, one.start) for one in wrong}
    disputed: dict[int, set[Kind]] = {}
    for sentence, places in traced:
        kinds = {number.kind for number in sentence.quantities if (sentence.place, number.start) in starts}
        for place in (*places, *transcript.naming(sentence)) if kinds else ():
            disputed.setdefault(place, set()).update(kinds)
    return disputed
