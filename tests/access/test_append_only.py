"""The application's role, over a connection of its own, adds to the access log and its seals and does nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import errors

from access import sealing
from access.models import AccessEntry, Clinic
from tests.access import logged
from tests.access.logged import ENTRY, SEAL, assert_whole, log_rows

pytestmark = pytest.mark.django_db(transaction=True)

ROLE = "listenpost_app"


@pytest.fixture
def application(clinic: Clinic) -> Iterator[psycopg.Connection[Any]]:
    """Connected as listenpost_app, to a log with a sealed row."""
    log_rows(clinic)
    sealing.seal()
    call_command("grant_application", ROLE, verbosity=0)
    url = urlsplit(os.environ["DATABASE_APP_URL"])._replace(path=f"/{settings.DATABASES['default']['NAME']}")
    with psycopg.connect(urlunsplit(url), autocommit=True) as own:
        assert own.execute("SELECT session_user, current_user").fetchone() == (ROLE, ROLE)
        yield own


@pytest.mark.parametrize("table", [ENTRY, SEAL])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET created_at = created_at",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "TRUNCATE {} CASCADE",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "ALTER TABLE {} DISABLE TRIGGER USER",
        "ALTER TABLE {} ADD COLUMN mine int",
        "ALTER TABLE {} OWNER TO listenpost_app",
        "ALTER TABLE {} RENAME TO mine",
        "ALTER TABLE {} ALTER COLUMN created_at SET DEFAULT now()",
        "DROP TABLE {} CASCADE",
        "CREATE RULE mine AS ON INSERT TO {} DO INSTEAD NOTHING",
        "CREATE TRIGGER mine BEFORE INSERT ON {} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE INDEX mine ON {} (created_at)",
        "BEGIN; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
        "SELECT * FROM {} FOR UPDATE",
        "INSERT INTO {} (id) SELECT id FROM {} ON CONFLICT (id) DO UPDATE SET created_at = now()",
        "COPY {} TO PROGRAM 'true'",
        "CREATE TEMPORARY TABLE {} (id int)",
    ],
)
def test_the_application_is_refused(application: psycopg.Connection[Any], table: str, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(statement.replace("{}", table))


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "SET ROLE {owner}",
        "SET SESSION AUTHORIZATION {owner}",
        "GRANT {owner} TO listenpost_app",
        "REASSIGN OWNED BY {owner} TO listenpost_app",
        "ALTER ROLE listenpost_app SUPERUSER",
        "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
        "CREATE SCHEMA mine",
        "SELECT pg_read_file('postgresql.conf')",
    ],
)
def test_the_application_stays_what_it_is(application: psycopg.Connection[Any], statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(statement.format(owner=owner))


def test_the_application_adds_and_reads(application: psycopg.Connection[Any], clinic: Clinic) -> None:
    row = logged.insert(clinic, application)
    found = application.execute(f"SELECT id FROM {ENTRY} ORDER BY created_at").fetchall()  # noqa: S608
    assert found[-1] == (row,)
    assert application.execute(f"SELECT count(*) FROM {SEAL}").fetchone() == (1,)  # noqa: S608
    sealing.seal()
    assert_whole(clinic, 2)


def test_what_else_may_be_done_there_is_nothing(application: psycopg.Connection[Any]) -> None:
    """Whatever it holds by itself, by PUBLIC or by a role that it is in."""
    for table in (ENTRY, SEAL):
        application.execute(f"GRANT ALL ON {table} TO {ROLE}")  # PostgreSQL warns that it has nothing to give
        for privilege in ("UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
            asked = "SELECT has_table_privilege(%s, %s), has_any_column_privilege(%s, 'UPDATE, REFERENCES')"
            assert application.execute(asked, [table, privilege, table]).fetchone() == (False, False)
    roles = "SELECT rolname FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')"
    assert application.execute(roles).fetchall() == [(ROLE,)]


def test_a_role_that_may_act_as_the_owner_is_not_granted(clinic: Clinic) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin LIMIT 1")
        superuser = cursor.fetchone()[0]
    with pytest.raises(CommandError, match="may act as the owner"):
        call_command("grant_application", superuser)


def test_the_application_cannot_hide_what_it_wrote(application: psycopg.Connection[Any], clinic: Clinic) -> None:
    """Time and number may be given by whoever may insert: verification tells."""
    forged: UUID = logged.insert(clinic, application, created_at="2020-01-01", written_in=3)
    assert AccessEntry.objects.count() == 2
    assert [str(forged) in line for line in logged.wrong(clinic)] == [True]
