"""Many rows in one statement, where the ORM's objects would cost more than PostgreSQL's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import connection

Rows = Sequence[Sequence[Any]]


def insert(table: str, columns: Mapping[str, str], rows: Rows, *, once: str = "") -> set[UUID]:
    """Inserts rows and gives the ids of those inserted.

    `columns`: each one's name and its value in SQL, such as `%s`, in the order of a row's values. `once`: the unique
    column by which a row may be there already; it then stays as it is.
    """
    if not rows:
        return set()
    values = ", ".join([f"({', '.join(columns.values())})"] * len(rows))
    again = f"ON CONFLICT ({once}) DO NOTHING" if once else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values} {again} RETURNING id",  # noqa: S608 (our names)
            list(chain.from_iterable(rows)),
        )
        return {made for (made,) in cursor.fetchall()}


def update(table: str, columns: Mapping[str, str], rows: Rows, *, to: str, where: str = "TRUE") -> int:
    """Updates rows by their `id` and says how many there were.

    `columns`: the name and PostgreSQL's type of each of a row's values. `to` and `where` are SQL that knows the values
    as `new` and the table as `old`.
    """
    if not rows:
        return 0
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} AS old SET {to} FROM unnest({arrays}) AS new ({', '.join(columns)})"  # noqa: S608
            f" WHERE old.id = new.id AND {where}",
            [list(values) for values in zip(*rows, strict=True)],
        )
        return int(cursor.rowcount)
