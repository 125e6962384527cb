"""Signed means locked, in PostgreSQL: by raw SQL, as the application's role and as the owner, alone and in a race."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.utils import timezone
from psycopg import errors

from access.models import Clinic
from notes.models import Addendum, Note, NoteSection, NoteVersion
from tests.factories import NoteFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

ROLE = "listenpost_app"


@pytest.fixture
def signed(clinic: Clinic) -> Note:
    signer = UserFactory()
    facts = {"state": "signed", "signed_at": timezone.now(), "signed_by": signer}
    note: Note = NoteFactory(request__session__clinic=clinic, **facts)
    Addendum.objects.create(note=note, clinic=clinic, number=1, text="More.", author=signer)
    return note


@pytest.fixture
def open_note(clinic: Clinic) -> Note:
    note: Note = NoteFactory(request__session__clinic=clinic)
    return note


@pytest.fixture
def application(db: None) -> Iterator[psycopg.Connection[Any]]:
    call_command("grant_application", ROLE, verbosity=0)
    url = urlsplit(os.environ["DATABASE_APP_URL"])._replace(path=f"/{settings.DATABASES['default']['NAME']}")
    with psycopg.connect(urlunsplit(url), autocommit=True) as own:
        yield own


CHANGES = [
    "UPDATE notes_note SET title = 'x' WHERE id = %(note)s",
    "UPDATE notes_note SET version = 9 WHERE id = %(note)s",
    "UPDATE notes_note SET signed_at = now() WHERE id = %(note)s",
    "UPDATE notes_note SET signed_at = NULL, signed_by_id = NULL, state = 'approved' WHERE id = %(note)s",
    "UPDATE notes_note SET clinic_id = gen_random_uuid() WHERE id = %(note)s",
    "UPDATE notes_note SET id = gen_random_uuid() WHERE id = %(note)s",
    "UPDATE notes_note SET state = 'needs_review' WHERE id = %(note)s",
    "UPDATE notes_notesection SET text = 'x' WHERE note_id = %(note)s",
    "UPDATE notes_notesection SET position = 7 WHERE note_id = %(note)s",
    "UPDATE notes_notesection SET note_id = %(other)s, position = 7 WHERE note_id = %(note)s",
    "UPDATE notes_notesection SET note_id = %(note)s, position = 7 WHERE note_id = %(other)s",
    "INSERT INTO notes_notesection VALUES (gen_random_uuid(), 7, 'PLAN', '', 'x', %(note)s)",
    "SELECT notes_remove_sections(ARRAY[%(note)s::uuid])",
    "SELECT notes_remove_sections(ARRAY[%(other)s::uuid, %(note)s::uuid])",
    """INSERT INTO notes_notesection SELECT id, position, key, title, 'x', note_id FROM notes_notesection
       WHERE note_id = %(note)s ON CONFLICT (id) DO UPDATE SET text = 'x'""",
    """MERGE INTO notes_notesection AS old USING (SELECT 1) AS one ON old.note_id = %(note)s
       WHEN MATCHED THEN UPDATE SET text = 'x'""",
]
ROWS = "SELECT (SELECT to_jsonb(n) FROM notes_note n WHERE id = %s), (SELECT jsonb_agg(s) FROM notes_notesection s)"


@pytest.mark.parametrize("statement", CHANGES)
def test_neither_the_application_nor_the_owner_changes_a_signed_note(
    application: psycopg.Connection[Any], signed: Note, open_note: Note, statement: str
) -> None:
    given = {"note": signed.pk, "other": open_note.pk}
    before = application.execute(ROWS, [signed.pk]).fetchone()
    with pytest.raises(errors.RestrictViolation, match="a signed note is locked"):
        application.execute(statement, given)
    with pytest.raises(IntegrityError, match="a signed note is locked"), connection.cursor() as owner:
        owner.execute(statement, given)
    assert application.execute(ROWS, [signed.pk]).fetchone() == before


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM notes_note",
        "DELETE FROM notes_notesection",
        "DELETE FROM notes_noteversion",
        "DELETE FROM notes_addendum",
        "DELETE FROM notes_dismissal",
        "UPDATE notes_noteversion SET title = title",
        "UPDATE notes_addendum SET text = text",
        "UPDATE notes_dismissal SET reason = reason",
        "TRUNCATE notes_note CASCADE",
        "TRUNCATE notes_notesection",
        "ALTER TABLE notes_note DISABLE TRIGGER ALL",
        "ALTER TABLE notes_notesection DISABLE TRIGGER USER",
        "DROP TRIGGER note_locked ON notes_note",
        "CREATE OR REPLACE FUNCTION notes_refuse(what text) RETURNS void LANGUAGE sql AS ''",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_deletes_nothing_and_lifts_no_lock(
    application: psycopg.Connection[Any], signed: Note, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(statement)


def test_the_application_makes_no_note_that_is_signed_from_birth(
    application: psycopg.Connection[Any], signed: Note
) -> None:
    copy = """INSERT INTO notes_note SELECT (jsonb_populate_record(NULL::notes_note, to_jsonb(note)
              || jsonb_build_object('id', gen_random_uuid()))).* FROM notes_note AS note WHERE id = %s"""
    with pytest.raises(errors.RestrictViolation, match="signed after it was made"):
        application.execute(copy, [signed.pk])


@pytest.mark.parametrize("state", ["amended", "entered_in_error"])
def test_it_may_be_amended_and_marked(application: psycopg.Connection[Any], signed: Note, state: str) -> None:
    application.execute("UPDATE notes_note SET state = %s, reason = 'r' WHERE id = %s", [state, signed.pk])
    application.execute("UPDATE notes_note SET search = NULL, weighed_version = 1 WHERE id = %s", [signed.pk])
    assert Note.objects.get(pk=signed.pk).state == state


def test_a_later_text_of_the_vendors_may_stand_beside_it(application: psycopg.Connection[Any], signed: Note) -> None:
    application.execute(
        "INSERT INTO notes_noteversion (id, created_at, clinic_id, note_id, number, title, sections)"
        " VALUES (gen_random_uuid(), now(), %s, %s, 2, '', '[]')",
        [signed.clinic_id, signed.pk],
    )
    application.execute("UPDATE notes_note SET offered_version = 2 WHERE id = %s", [signed.pk])
    assert Note.objects.get(pk=signed.pk).offered_version == 2


def test_what_is_not_signed_is_free(application: psycopg.Connection[Any], signed: Note, open_note: Note) -> None:
    application.execute("UPDATE notes_note SET title = 'x' WHERE id = %s", [open_note.pk])
    application.execute("UPDATE notes_notesection SET text = 'x' WHERE note_id = %s", [open_note.pk])
    assert open_note.sections.get().text == "x"
    application.execute("SELECT notes_remove_sections(ARRAY[%s])", [open_note.pk])
    assert not open_note.sections.exists()


@pytest.mark.parametrize(
    "change",
    ["UPDATE notes_notesection SET text = 'x' WHERE note_id = %s", "SELECT notes_remove_sections(ARRAY[%s])"],
)
def test_what_comes_to_its_sections_while_the_note_is_being_signed_waits_and_is_refused(
    application: psycopg.Connection[Any], open_note: Note, change: str
) -> None:
    """A check that does not wait would see the note as it was, and let it happen."""
    sign = "UPDATE notes_note SET state = 'signed', signed_at = now(), signed_by_id = %s WHERE id = %s"
    application.execute("SET lock_timeout = '200ms'")
    with psycopg.connect(application.info.dsn, password=application.info.password) as signing:
        signing.execute(sign, [UserFactory().pk, open_note.pk])
        with pytest.raises(errors.LockNotAvailable):
            application.execute(change, [open_note.pk])
    with pytest.raises(errors.RestrictViolation):
        application.execute(change, [open_note.pk])


def test_the_owner_may_delete_for_retention(signed: Note) -> None:
    Addendum.objects.filter(note=signed).delete()
    NoteVersion.objects.filter(note=signed).delete()
    NoteSection.objects.filter(note=signed).delete()
    Note.objects.filter(pk=signed.pk).delete()
    assert not Note.objects.filter(pk=signed.pk).exists()
