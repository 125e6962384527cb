"""What comes from a vendor at the very moment when somebody, or a worker, is at the note."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from access.log import Actor, Kind
from access.models import Clinic
from notes import deciding, indexing, weighing
from notes.models import Note, Transcript
from tests.admin.conftest import member
from tests.admin.rows import page_of
from tests.factories import NoteFactory, TranscriptFactory, UserFactory
from tests.notes.revised import FIRST, LATER, fresh, noted, revise, said, words

LINES = [{"text": "My left knee clicks.", "speaker": "patient", "start_offset_ms": 0, "end_offset_ms": 900}]


@pytest.mark.django_db(transaction=True)
def test_words_that_came_after_the_page_was_sent_are_not_approved_with_it(clinic: Clinic) -> None:
    """What was read is saved and approved as one: a newer text that comes between the two stands beside it."""
    note, desk, held = noted(clinic), member(clinic, "reviewer"), 0
    arrives = in_the_background(lambda: revise(note))

    def meanwhile(execute: Any, sql: str, *more: Any) -> Any:
        nonlocal held
        if "FOR NO KEY UPDATE" in sql and "notes_note" in sql:
            held += 1
            if held == 2:  # saved, and about to be approved
                arrives.start()
                arrives.join(1)
        return execute(sql, *more)

    fields = {"based_on": 1, "title": FIRST.title, "then": "approve"}
    fields |= {f"text-{place}": section.text for place, section in enumerate(FIRST.sections)}
    with connection.execute_wrapper(meanwhile):
        desk.post(page_of(note, "save"), fields)
    arrives.join()
    assert (fresh(note).state, words(note), fresh(note).offered_version) == ("approved", said(FIRST), 2)


@pytest.mark.django_db
def test_a_page_shows_one_version_whole_while_another_takes_its_place(clinic: Clinic) -> None:
    """Also to whoever has a draft of the sections that go at that moment."""
    note, desk = noted(clinic), member(clinic, "reviewer")
    desk.post(page_of(note, "draft"), {"based_on": 1, "title": "Knee", "text-0": "Typed.", "text-1": "Rest."})
    revise(note)
    pending = [lambda: deciding.take(note.pk, Actor(Kind.USER, str(UserFactory().pk)), 1, 2)]

    def meanwhile(execute: Any, sql: str, *more: Any) -> Any:
        if 'FROM "notes_draft"' in sql and pending:  # the note was read, its sections were not
            pending.pop()()
        return execute(sql, *more)

    with connection.execute_wrapper(meanwhile):
        page = desk.get(page_of(note))
    assert [section.text for section in page.context["sections"]] == [section.text for section in FIRST.sections]
    assert words(note) == said(LATER)
    assert desk.get(page_of(note)).context["is_behind"], "loaded again, it leads to both"


@pytest.mark.django_db
def test_who_signs_words_that_took_the_place_of_others_signs_the_vendors_own(clinic: Clinic) -> None:
    note, desk = noted(clinic), member(clinic, "reviewer")
    revise(note)
    fields = {f"text-{place}": section.text for place, section in enumerate(LATER.sections)}
    desk.post(page_of(note, "save"), {"based_on": 2, "title": LATER.title, "then": "approve"} | fields)
    page = desk.get(page_of(note, "sign"), {"version": "2"}).content.decode()
    assert "You sign the vendor&#x27;s own words." in page


@pytest.mark.django_db
def test_a_note_is_weighed_by_a_transcript_that_came_while_it_was_weighed_without(clinic: Clinic) -> None:
    note = NoteFactory(request__session__clinic=clinic, text="The left knee clicks.")
    TranscriptFactory(request=note.request, lines=LINES)
    weighing.weigh(note, None)
    assert weighing.is_due()
    weighing.weigh_due()
    assert fresh(note).evidence.sources
    assert not weighing.is_due()


@pytest.mark.django_db(transaction=True)
def test_notes_whose_transcripts_are_indexed_are_locked_in_their_order(clinic: Clinic) -> None:
    """As those that are revised together are: neither waits for the other in a circle."""
    notes = [NoteFactory(request__session__clinic=clinic) for _ in range(4)]
    for note in notes[1:]:
        TranscriptFactory(request=note.request)
    TranscriptFactory(request=notes[0].request)
    Transcript.objects.update(search=None)
    Note.objects.filter(pk=notes[0].pk).update(title="Moved to the table's end.")
    indexes = in_the_background(lambda: indexing.index_due())
    with transaction.atomic():
        list(Note.objects.select_for_update(no_key=True).filter(pk=notes[0].pk))
        indexes.start()
        indexes.join(1)
        assert indexes.is_alive()
        others = Note.objects.filter(pk__in=[note.pk for note in notes[1:]])
        assert len(lockable(others)) == 3
    indexes.join()
    assert not Transcript.objects.filter(search=None).exists()


def lockable(rows: Any) -> list[Any]:
    try:
        with transaction.atomic():
            return list(rows.select_for_update(no_key=True, nowait=True))
    except DatabaseError:
        return []


def in_the_background(do: Any) -> Thread:
    def run() -> None:
        try:
            do()
        finally:
            connection.close()

    return Thread(target=run)
