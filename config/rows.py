"""Many rows in one statement, where the ORM's objects would cost more than PostgreSQL's rows.

The rows travel as one JSON document: a literal for each value takes both sides longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, models

#: By column, what orjson can write: also UUIDs, times, and dataclasses for columns of JSON.
Rows = Sequence[Mapping[str, Any]]


def insert(model: type[models.Model], rows: Rows, *, once: str = "") -> set[UUID]:
    """Inserts rows, all of the same columns, and gives the ids of those inserted.

    `once`: the unique column by which a row may be there already; it then stays as it is.
    """
    if not rows:
        return set()
    table, columns = model._meta.db_table, ", ".join(rows[0])
    again = f"ON CONFLICT ({once}) DO NOTHING" if once else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns}"  # noqa: S608 (our own names)
            f" FROM jsonb_populate_recordset(NULL::{table}, %s) {again} RETURNING id",
            [orjson.dumps(rows).decode()],
        )
        return {made for (made,) in cursor.fetchall()}


def update(model: type[models.Model], rows: Rows, *, to: str, where: str = "TRUE") -> int:
    """Updates rows by their `id` and says how many there were.

    `to` and `where` are SQL that knows the values as `new`, null where a row does not name them, the table as `old`.
    """
    if not rows:
        return 0
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} AS old SET {to} FROM jsonb_populate_recordset(NULL::{table}, %s) AS new"  # noqa: S608
            f" WHERE old.id = new.id AND {where}",
            [orjson.dumps(rows).decode()],
        )
        return int(cursor.rowcount)


def delete(rows: models.QuerySet[Any]) -> int:
    """Deletes rows to which no others refer, and says how many there were.

    The ORM would look for others first: one statement a model that may refer to these, each time.
    """
    return rows._raw_delete(rows.db) or 0  # nothing, where the filter cannot be met


def guess(rows: models.QuerySet[Any]) -> int:
    """How many there may be, as PostgreSQL guesses from its statistics without looking."""
    plan = orjson.loads(rows.order_by().select_related(None).values("pk").explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])
