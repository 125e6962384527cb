"""Rows of the access log as requests, slow transactions and forgers write them, and what verification says of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7

from access.models import AccessEntry, AccessSeal, Clinic
from access.verification import Verification
from tests.factories import AccessEntryFactory

ENTRY, SEAL = "access_accessentry", "access_accessseal"


def log_rows(clinic: Clinic | None, number: int = 1) -> list[UUID]:
    """Each in a transaction of its own."""
    return [AccessEntryFactory(clinic=clinic).pk for _ in range(number)]


def insert(clinic: Clinic | None, using: Any = connection, **columns: Any) -> UUID:
    """One row by plain SQL; `written_in` and `created_at` are the database's unless they are given."""
    given: dict[str, Any] = {
        "id": uuid7(),
        "clinic_id": clinic and clinic.pk,
        "actor_kind": "user",
        "actor_id": "1",
        "action": "read",
    }
    given |= {"object_type": "note", "object_ids": ["1"], "times": 1}
    given |= dict.fromkeys(["role", "on_behalf_of", "mode", "reason", "request_id"], "") | columns
    with using.cursor() as cursor:
        places = ", ".join(["%s"] * len(given))
        cursor.execute(f"INSERT INTO {ENTRY} ({', '.join(given)}) VALUES ({places})", list(given.values()))  # noqa: S608
    made: UUID = given["id"]
    return made


def execute(statement: str, *parameters: Any) -> None:
    """As the owner of the tables, whom nothing holds back."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@contextmanager
def slow_transaction() -> Iterator[Any]:
    """Another connection, in a transaction that has its number and goes on until the block ends; then it commits."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        yield other
        other.commit()
    finally:
        other.close()


def verified(clinic: Clinic | None, **options: Any) -> tuple[list[str], list[str], Verification]:
    """What is wrong, the notices, and the verification with its numbers."""
    run = Verification(clinic.pk if clinic else None, **options)
    found = list(run.findings())
    return [one.text for one in found if one.is_wrong], [one.text for one in found if not one.is_wrong], run


def wrong(clinic: Clinic | None, **options: Any) -> list[str]:
    return verified(clinic, **options)[0]


def assert_whole(clinic: Clinic | None, rows: int, unsealed: int = 0, **options: Any) -> None:
    """Nothing is wrong, and so many rows are sealed, each once."""
    found, _, run = verified(clinic, **options)
    assert found == []
    assert (run.rows, run.unsealed) == (rows, unsealed)
    sealed = [entry_id for ids in seals(clinic).values_list("entry_ids", flat=True) for entry_id in ids]
    assert len(sealed) == len(set(sealed)) == rows == AccessEntry.objects.filter(clinic=clinic).count() - unsealed


def seals(clinic: Clinic | None) -> Any:
    return AccessSeal.objects.filter(clinic=clinic).order_by("number")
