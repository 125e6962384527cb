"""Indexing takes whatever a vendor may send."""

from __future__ import annotations

import itertools
import string
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction

from access.models import Clinic
from notes import indexing, search
from notes.models import Note, Transcript
from notes.search import asked
from tests.factories import AsyncRequestFactory, NoteFactory, TranscriptFactory

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
    assert found("knee", Note)
    assert not Note.objects.filter(search="").exists()


def test_neither_of_a_note_and_a_transcript_without_end_keeps_the_other_from_being_indexed(clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, ready=True)
    TranscriptFactory(request=request, lines=[{"text": ENDLESS["addresses"].upper(), "speaker": "doctor"}])
    NoteFactory(request=request, text=ENDLESS["hyphens"])
    assert found("knee", Note)
    assert found("aaab.com", Note)


def found(words: str, kind: Any = Transcript) -> bool:
    every = list(Clinic.objects.values_list("pk", flat=True))
    return bool(search.found(kind.objects.all(), asked(words, every), 1).ids)


def test_words_that_change_are_indexed_anew(clinic: Clinic) -> None:
    row = TranscriptFactory(request__session__clinic=clinic)
    lines = [{"text": "Elbows", "speaker": "doctor"}, {"text": "and shoulders", "speaker": "doctor"}]
    Transcript.objects.filter(pk=row.pk).update(lines=lines, search=None)
    assert not found("knee")
    assert indexing.is_due()
    indexing.index_due()
    assert found("elbow shoulder")
    assert not found("knee")
    assert not indexing.is_due()


def test_one_that_cannot_be_indexed_keeps_the_others_from_nothing(clinic: Clinic) -> None:
    """As from a PostgreSQL that stores less: its index refuses what begins with the word."""
    rows = [TranscriptFactory(request__session__clinic=clinic) for _ in range(3)]
    with connection.cursor() as cursor:
        cursor.execute(REFUSING)
    Transcript.objects.filter(pk=rows[1].pk).update(lines=[{"text": "endless", "speaker": "doctor"}])
    Transcript.objects.update(search=None)
    indexing.index_due()
    assert not indexing.is_due()
    assert search.found(Transcript.objects.all(), asked("knee", [clinic.pk]), 3).ids == [rows[2].pk, rows[0].pk]


def test_what_could_not_be_indexed_for_another_reason_is_tried_again(clinic: Clinic) -> None:
    row = TranscriptFactory(request__session__clinic=clinic)
    Transcript.objects.filter(pk=row.pk).update(lines=[{"text": "endless", "speaker": "doctor"}], search=None)
    with connection.cursor() as cursor:
        cursor.execute(REFUSING.replace("program_limit_exceeded", "disk_full"))
    with pytest.raises(OperationalError), transaction.atomic():
        indexing.index_due()
    assert indexing.is_due()


def test_a_note_is_found_by_what_was_said_also_when_that_comes_later(clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, ready=True)
    NoteFactory(request=request)
    assert not found("elbow", Note)
    TranscriptFactory(request=request, lines=[{"text": "My elbow too.", "speaker": "patient"}])
    assert found("elbow knee", Note)


def test_a_note_waits_for_its_transcript_to_be_indexed(clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, ready=True)
    NoteFactory(request=request)
    TranscriptFactory.create_batch(indexing.BATCH, request__session__clinic=clinic)
    TranscriptFactory(pk=EARLY, request=request)
    Transcript.objects.update(search=None)
    Note.objects.update(search=None)
    indexing.index_due()
    assert Note.objects.filter(search=None).exists()
    indexing.index_due()
    assert found("hurts knee", Note)


EARLY = UUID("01900000-0000-7000-8000-000000000000")


def test_many_are_indexed_in_batches_the_newest_first(clinic: Clinic) -> None:
    rows = [TranscriptFactory(request__session__clinic=clinic) for _ in range(indexing.BATCH + 3)]
    Transcript.objects.update(search=None)
    assert indexing.index_due()
    left = Transcript.objects.filter(search=None).values_list("pk", flat=True)
    assert set(left) == {row.pk for row in rows[:3]}
    assert not indexing.index_due()
    assert not left.all().exists()


REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.search @@ 'endless'::tsquery THEN
        RAISE EXCEPTION 'string is too long for tsvector' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON notes_transcript FOR EACH ROW EXECUTE FUNCTION refuse()
"""
