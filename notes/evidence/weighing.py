"""A note weighed against the transcript it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notes.evidence import languages, reading
from notes.evidence.findings import Evidence, Passage, Source
from notes.evidence.reading import Sentence
from notes.evidence.sources import Transcript
from notes.evidence.unreflected import unreflected
from notes.evidence.unsaid import unsaid


def weigh(sections: Sequence[str], lines: Sequence[str], language: str) -> Evidence:
    """`sections`, `lines`: their texts, in order; `language`: BCP 47, of both. Any text will do, and none."""
    spoken_language = languages.of(language)
    note, spoken = reading.read(sections, spoken_language), reading.read(lines, spoken_language)
    return Evidence(
        sources=tuple(_sources(note, Transcript(spoken, spoken_language))),
        unsaid=tuple(unsaid(note, spoken)),
        unreflected=tuple(unreflected(note, spoken)),
    )


def _sources(note: Sequence[Sequence[Sentence]], transcript: Transcript) -> Iterator[Source]:
    for section in note:
        for sentence in section:
            if lines := transcript.sources(sentence):
                yield Source(Passage(sentence.place, sentence.start, sentence.end), lines)
