"""Indexing takes whatever a vendor may send."""

from __future__ import annotations

import itertools
import string

import pytest

from access.models import Clinic
from notes.models import Note, Transcript
from notes.search import matching, vector
from tests.factories import NoteFactory, TranscriptFactory

WORDS = ["".join(letters) for letters in itertools.islice(itertools.product(string.ascii_lowercase, repeat=4), 300_000)]
ENDLESS = {
    "words": " ".join(WORDS),
    "hyphens": "-".join(WORDS),
    "addresses": " ".join(f"{word}.com/{word}" for word in WORDS),
    "one word": "a" * 5_000_000,
    "letters beyond ASCII": " ".join(WORDS).translate(
        {ord(c): chr(0x4E00 + i) for i, c in enumerate(string.ascii_lowercase)}
    ),
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS.keys())
@pytest.mark.parametrize("language", ["en-US", "de-DE"])
def test_a_text_without_end_is_indexed_as_far_as_it_goes(clinic: Clinic, language: str, text: str) -> None:
    NoteFactory(request__session__clinic=clinic, language=language, text=text)
    assert matching(Note.objects.all(), "knee").exists()


def test_the_vector_serves_an_update_too(clinic: Clinic) -> None:
    row = TranscriptFactory(request__session__clinic=clinic)
    Transcript.objects.filter(pk=row.pk).update(search=vector(row.language, "Elbows", "and shoulders"))
    assert matching(Transcript.objects.all(), "elbow shoulder").exists()
    assert not matching(Transcript.objects.all(), "knee").exists()
