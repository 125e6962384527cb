"""Words find notes in their own language, in the note or in what was said, newest first and in no other clinic."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from access.models import Clinic
from notes import search
from notes.models import Note, Transcript
from notes.search import Hits, asked
from tests.factories import AsyncRequestFactory, NoteFactory, TranscriptFactory
from tests.notes.slow import looked_at, make_slow


def found(clinic: Clinic, words: str, kind: Any = Note, most: int = 50) -> list[UUID]:
    return list(search.found(kind.objects.for_clinic(clinic), asked(words, [clinic.pk]), most).ids)


@pytest.fixture
def knee(clinic: Clinic) -> Note:
    request = AsyncRequestFactory(session__clinic=clinic, ready=True)
    TranscriptFactory(request=request, lines=[{"text": "It clicks when I climb stairs.", "speaker": "patient"}])
    note: Note = NoteFactory(request=request, title="Knee pain", text="The left knee hurts.")
    return note


@pytest.mark.parametrize(
    ("words", "is_found"),
    [
        ("knee", True),
        ("KNEES hurting", True),
        ("clicking stairs", True),
        ("knee climbs", True),
        ('"left knee"', True),
        ('"knee left"', False),
        ("elbow", False),
        ("elbow OR knee", True),
        ("knee -elbow", True),
        ("knee -stairs", False),
        ("-elbow", True),
        ("-knee", False),
        ("the", False),
        ("the knee", True),
        ("?!, ...", False),
        ("", False),
        ("\0", False),
        ("knee\0", True),
        ("' \" \\ ( ) & | ! <-> :*", False),
        ("'' | ''", False),
        ("😀 knee", True),
        ("knee " * 40, True),
    ],
)
def test_words_find_a_note_by_itself_and_by_what_was_said(
    clinic: Clinic, knee: Note, words: str, is_found: bool
) -> None:
    assert found(clinic, words) == ([knee.pk] if is_found else [])


@pytest.mark.parametrize(
    ("language", "text", "words", "is_found"),
    [
        ("en-US", "He was coughing at night.", "coughs", True),
        ("fr-FR", "Des douleurs au genou depuis deux semaines.", "douleur semaine", True),
        ("FR", "Des douleurs au genou.", "douleur", True),
        ("es-MX", "Le duelen las rodillas.", "rodilla", True),
        ("de-DE", "Knieschmerzen links.", "knieschmerzen", True),
        ("de-DE", "Knieschmerzen links.", "knieschmerz", False),
        ("fr-FR", "The patient coughs.", "coughing", False),
        ("fr-FR", "Il a dit the.", "the", True),
    ],
)
def test_each_language_in_its_own_way(clinic: Clinic, language: str, text: str, words: str, is_found: bool) -> None:
    note = NoteFactory(request__session__clinic=clinic, language=language, title="", text=text)
    assert found(clinic, words) == ([note.pk] if is_found else [])


def test_transcripts_are_found_by_what_was_said_alone(clinic: Clinic, knee: Note) -> None:
    said = Transcript.objects.get(request=knee.request)
    assert found(clinic, "climb", Transcript) == [said.pk]
    assert found(clinic, "hurts", Transcript) == []


def test_another_clinics_words_are_never_found(clinic: Clinic, other_clinic: Clinic, knee: Note) -> None:
    assert found(other_clinic, "knee") == []
    assert not search.found(Note.objects.for_clinic(other_clinic), asked("knee", [clinic.pk]), 50).ids
    assert not search.found(Note.objects.all(), asked("knee", [other_clinic.pk]), 50).ids


def test_where_a_row_stands_is_no_word_that_finds_it(clinic: Clinic, knee: Note) -> None:
    for words in (str(clinic.pk)[-12:], "english", str(knee.pk)[:7], f'"{str(clinic.pk)[-12:]} english"'):
        assert found(clinic, words) == []


AGES: tuple[str, ...] = (
    "2026-06-01T12:00:00.000",
    "2026-06-01T12:00:00.001",
    "2026-06-01T11:59",
    "2026-06-01T08:00",
    "2026-05-31T20:00",
)
AGES += (
    "2026-05-20T12:00",
    "2026-04-01T12:00",
    "2025-12-01T12:00",
    "2024-03-01T12:00",
    "2019-01-01T12:00",
    "1971-01-01",
)


def test_the_newest_come_first_however_old_they_are(clinic: Clinic) -> None:
    ids = sorted((made_at(age) for age in AGES), reverse=True)
    for pk in ids:
        NoteFactory(pk=pk, request__session__clinic=clinic)
    for most in range(1, len(ids) + 2):
        assert found(clinic, "knee", most=most) == ids[:most]


def test_none_is_missing_between_the_shelves(clinic: Clinic) -> None:
    """Searched from each of them on, as on the page after it. They stand on both sides of edges of each width."""
    narrow = 1 << 20  # milliseconds
    edge = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1000) >> 32 << 32
    edges = {edge - shelves * narrow for shelves in (0, 1, 2, 16, 17, 256, 4096, 5 * 4096)}
    ids = sorted((at(time) for edge in edges for time in (edge - 1, edge)), reverse=True)
    for pk in ids:
        NoteFactory(pk=pk, request__session__clinic=clinic)
    for newer, pk in pairwise(ids):
        rows = Note.objects.for_clinic(clinic).filter(pk__lt=newer)
        assert search.found(rows, asked("knee", [clinic.pk]), 100).ids == ids[ids.index(pk) :]
    for older, pk in pairwise(ids[::-1]):
        rows = Note.objects.for_clinic(clinic).filter(pk__gt=older)
        assert search.found(rows, asked("knee", [clinic.pk]), 100, is_oldest_first=True).ids == ids[ids.index(pk) :: -1]


def made_at(moment: str) -> UUID:
    return at(int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000))


def at(milliseconds: int) -> UUID:
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62))


def test_what_takes_too_long_ends_with_what_was_found(clinic: Clinic) -> None:
    """One row is slow to look at, as a hundred thousand would be."""
    make_slow()
    ids = sorted((made_at(age) for age in AGES), reverse=True)
    for pk in ids:
        NoteFactory(pk=pk, request__session__clinic=clinic)
    for place, slow in enumerate(ids):
        rows = looked_at(Note.objects.for_clinic(clinic), slow, 1)
        hits = search.found(rows, asked("knee", [clinic.pk]), 100, seconds=0.1)
        assert list(hits.ids) == [pk for pk in ids[:place] if pk in hits.ids]
        assert hits.back_to is not None
        assert {pk for pk in ids if at(int(hits.back_to.timestamp() * 1000)) <= pk} <= set(hits.ids)
    assert list(hits.ids) == ids[:-1]
    assert found(clinic, "knee") == ids, "the connection goes on, as patient as before"


def test_whenever_time_ends_what_was_found_is_right_and_the_connection_goes_on(clinic: Clinic) -> None:
    ids = sorted((made_at(age) for age in AGES), reverse=True)
    for pk in ids:
        NoteFactory(pk=pk, request__session__clinic=clinic)
    what = asked("knee", [clinic.pk])
    for tenths in range(1, 120):  # of a millisecond: about what it takes
        hits = search.found(Note.objects.for_clinic(clinic), what, 100, seconds=tenths / 10_000)
        assert list(hits.ids) == (ids[: len(hits.ids)] if hits.back_to else ids)


def test_there_is_time_for_what_takes_none(clinic: Clinic, knee: Note) -> None:
    assert search.found(Note.objects.all(), asked("knee", [clinic.pk]), 50, seconds=20) == Hits([knee.pk])
