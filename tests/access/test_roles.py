"""The application's database role may work with rows, and neither change tables nor what is append-only."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from access.models import AccessEntry, Clinic
from notes.models import Note, NoteSection, NoteVersion, Transcript
from tests.factories import AccessEntryFactory, NoteFactory

ROLE = "listenpost_app"


@pytest.fixture
def as_application(db: None) -> Any:
    """Statements run as the application from here to the test's end."""
    call_command("grant_application", ROLE, verbosity=0)
    note = NoteFactory()
    AccessEntryFactory()
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
    return note


def assert_refused(statement: str) -> None:
    refused = pytest.raises(ProgrammingError, match=r"permission denied|must be owner")
    with connection.cursor() as cursor, refused, transaction.atomic():
        cursor.execute(statement)


def test_it_reads_and_writes_rows(as_application: Note) -> None:
    NoteFactory()
    AccessEntryFactory()
    Note.objects.filter(pk=as_application.pk).update(title="Elbow")
    as_application.sections.update(text="The elbow hurts.")
    assert NoteVersion.objects.count() == 2
    assert Clinic.objects.exists()


@pytest.mark.parametrize("model", [AccessEntry, NoteVersion])
def test_it_only_adds_to_what_is_append_only(as_application: Note, model: Any) -> None:
    table = model._meta.db_table
    assert_refused(f"UPDATE {table} SET created_at = now()")  # noqa: S608
    assert_refused(f"DELETE FROM {table}")  # noqa: S608


@pytest.mark.parametrize("model", [Note, NoteSection, Transcript])
def test_what_is_kept_for_good_is_not_its_to_delete(as_application: Note, model: Any) -> None:
    assert_refused(f"DELETE FROM {model._meta.db_table}")  # noqa: S608


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE notes_note CASCADE",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE notes_note ADD COLUMN mine int",
        "DROP TABLE notes_note CASCADE",
        "CREATE INDEX mine ON notes_note (title)",
        "CREATE TRIGGER mine AFTER INSERT ON notes_note EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('notes', '9999_mine', now())",
    ],
)
def test_it_changes_no_table(as_application: Note, statement: str) -> None:
    assert_refused(statement)


def test_granting_again_takes_back_what_is_too_much(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT ALL ON notes_noteversion TO {ROLE}")
        cursor.execute(f"GRANT CREATE ON SCHEMA public TO {ROLE}")
    for _ in range(2):
        call_command("grant_application", ROLE, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
    assert_refused("DELETE FROM notes_noteversion")
    assert_refused("CREATE TABLE public.mine (id int)")


def test_an_unknown_role_is_named(db: None) -> None:
    with pytest.raises(CommandError, match="nobody_here"):
        call_command("grant_application", "nobody_here")


def test_the_owner_is_not_held_back_from_its_own(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]
    with pytest.raises(CommandError, match="owner"):
        call_command("grant_application", owner)
