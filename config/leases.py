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


def claim(model: type[Row], *, lease: timedelta, limit: int = 1, ids: Sequence[UUID] | None = None) -> list[Row]:
    """Leases up to `limit` due rows (of `ids` only, when given), oldest first; rows that others hold are passed over.

    All rows of one claim carry the same fresh `lease_token`. Returns the rows as claimed; losing is normal: [].
    """
    table = connection.ops.quote_name(model._meta.db_table)
    only = "AND id = ANY(%(ids)s)" if ids is not None else ""
    token, now = uuid4(), timezone.now()
    rows = model._default_manager.raw(
        f"""
        WITH due AS MATERIALIZED (
            SELECT id FROM {table} WHERE next_attempt_at <= %(now)s {only}
            ORDER BY next_attempt_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
        UPDATE {table} AS claimed
        SET attempts = attempts + 1, lease_token = %(token)s, lease_until = %(until)s, next_attempt_at = %(until)s
        FROM due WHERE claimed.id = due.id RETURNING claimed.*
        """,  # noqa: S608 (the table's own name)
        {"now": now, "until": now + lease, "token": token, "limit": limit, "ids": list(ids or [])},
    )
    return sorted(rows, key=lambda row: row.pk)
