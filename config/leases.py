"""The row is the queue. Work that can be due is a row with `next_attempt_at`; taking it is one UPDATE that leases it.

While a lease runs, `next_attempt_at` stands at its end: a worker that dies is followed by another with no further ado.
An outcome is written only `WHERE lease_token` still holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db import connection, models
from django.utils import timezone

Row = TypeVar("Row", bound="Leased")


class Leased(models.Model):
    """Columns of a row that can be due. `attempts` counts claims, so that a row that kills its worker ends too."""

    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="When it is due; empty: nothing to do.")
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)

    class Meta:
        abstract = True

    @classmethod
    def due_index(cls, name: str) -> models.Index:
        return models.Index(fields=["next_attempt_at"], name=name, condition=models.Q(next_attempt_at__isnull=False))


def finished() -> dict[str, Any]:
    """The columns of a row that is no longer due."""
    return {"next_attempt_at": None, "lease_until": None, "lease_token": None}


def due_again(at: datetime) -> dict[str, Any]:
    """The columns of a row to be tried again at a time."""
    return {"next_attempt_at": at, "lease_until": None, "lease_token": None}


def due_ids(model: type[Leased], limit: int) -> list[UUID]:
    """The ids of the rows longest due, at most `limit`."""
    due = model._default_manager.filter(next_attempt_at__lte=timezone.now())
    return list(due.order_by("next_attempt_at").values_list("pk", flat=True)[:limit])


CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id, attempts, next_attempt_at, {size} AS size FROM {table} AS row WHERE next_attempt_at <= %(now)s {only}
    ORDER BY next_attempt_at {order} LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED),
queue AS (
    SELECT id, row_number() OVER line = 1 AS is_first, attempts + first_value(attempts) OVER line = 0 AS is_fresh,
        sum(size) FILTER (WHERE attempts = 0) OVER line AS bytes
    FROM due WINDOW line AS (ORDER BY next_attempt_at {order}, id))
UPDATE {table} AS claimed
SET attempts = attempts + 1, lease_token = %(token)s, lease_until = %(until)s, next_attempt_at = %(until)s
FROM queue WHERE claimed.id = queue.id AND (is_first OR is_fresh AND bytes <= %(most_bytes)s) RETURNING claimed.*
"""
#: The newest, out of their turn: none that was tried before, and none with an older one of its kind still to be done.
NEWEST = """AND attempts = 0 AND NOT EXISTS (
    SELECT FROM {table} AS older
    WHERE older.{kind} = row.{kind} AND older.id < row.id AND older.next_attempt_at IS NOT NULL)"""


def claim(
    model: type[Row],
    *,
    lease: timedelta,
    limit: int = 1,
    ids: Sequence[UUID] | None = None,
    newest_of: str = "",
    most_bytes: int | None = None,
) -> list[Row]:
    """Leases due rows (of `ids` only, when given), the oldest first; rows that others hold are passed over.

    Rows on their first attempt are claimed together, up to `limit` of them and `most_bytes` of their `size`, though at
    least one. A row that was tried before is claimed alone: one that kills its worker uses up no attempts but its own.
    `newest_of`: the newest first, of rows never tried before; but of those with one value in this column the oldest.
    All rows of one claim carry the same fresh `lease_token`. Returns the rows as claimed; losing is normal: [].
    """
    table = connection.ops.quote_name(model._meta.db_table)
    only = "AND id = ANY(%(ids)s)" if ids is not None else ""
    statement = CLAIM.format(
        table=table,
        only=only + (NEWEST.format(table=table, kind=newest_of) if newest_of else ""),
        order="DESC" if newest_of else "ASC",
        size="0" if most_bytes is None else "size",
    )
    now = timezone.now()
    values = {"now": now, "until": now + lease, "token": uuid4(), "limit": limit, "most_bytes": most_bytes or 0}
    rows = model._default_manager.raw(statement, values | {"ids": list(ids or [])})
    return sorted(rows, key=lambda row: row.pk)


def renew(rows: Sequence[Leased], lease: timedelta) -> None:
    """Makes a claim's lease last from now on, for those of its rows that it still holds."""
    until = timezone.now() + lease
    for token in {row.lease_token for row in rows}:
        held = type(rows[0])._default_manager.filter(pk__in=[row.pk for row in rows], lease_token=token)
        held.update(lease_until=until, next_attempt_at=until)
    for row in rows:
        row.lease_until = until
