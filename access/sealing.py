"""Seals the access log: says, in rows signed with TICKET_KEYS, which entries a clinic had at which moment.

Requests insert plain rows and wait for nobody. A seal takes those that are visible to it and were not to the seal
before, as PostgreSQL's own snapshots tell: exact, whatever order transactions commit in, and without waiting for any.
access/verification.py says what follows from it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import BooleanField, F, Func, Q, Subquery, Value
from django.db.models.expressions import RawSQL

from access import seals
from access.models import AccessEntry, AccessSeal, Clinic
from access.seals import Row
from access.snapshots import Snapshot
from config import macs

log = logging.getLogger(__name__)

SEAL_LOCK = 0x5EA1
#: More rows become several seals, all of the same snapshot.
MOST_ROWS = 2000
#: The snapshot of the statement that it stands in, and what no number in it reaches.
CURRENT = Func(function="pg_current_snapshot")
NEXT_TRANSACTION = RawSQL("pg_snapshot_xmax(pg_current_snapshot())::text::bigint", ())


def seal() -> int:
    """Seals each clinic's entries and those of none that are not sealed yet. Returns how many were."""
    return sum(seal_clinic(clinic_id) for clinic_id in (None, *Clinic.objects.values_list("pk", flat=True)))


def seal_clinic(clinic_id: UUID | None) -> int:
    """Does nothing while another sealer is at work, or where the last seal was made with a key newer than ours."""
    with transaction.atomic(durable=True):
        if not _alone():
            return 0
        last = seals.of(clinic_id).order_by("-number").first()
        if last and last.key_version > macs.newest():
            log.error("the access log is not sealed: the last key it was sealed with is not in TICKET_KEYS")
            return 0
        restarted = last is not None and _snapshot().xmax < Snapshot.read(last.snapshot).xmax
        entries = seals.in_no_seal(clinic_id) if restarted else _new_entries(clinic_id, last)
        if restarted:
            _take_time()
        elif not entries.exists():
            return 0
        return _Sealer(clinic_id, last, restarted).write(entries)


class _Sealer:
    """One transaction's seals of one clinic."""

    def __init__(self, clinic_id: UUID | None, last: Any, restarted: bool) -> None:
        self.clinic_id, self.restarted = clinic_id, restarted
        self.number: int = last.number if last else 0
        self.mac = bytes(last.mac) if last else b""
        self.begin = _begin()

    def write(self, entries: Any) -> int:
        before, count = _snapshot(), 0
        for rows in _parts(seals.read(entries)):
            self.add(rows, Snapshot.read(rows[0].read_in))
            count += len(rows)
        if self.restarted and not count:  # without a seal that says so, every run would look through all again
            self.add([], before)
        return count

    def add(self, rows: list[Row], snapshot: Snapshot) -> None:
        made = AccessSeal(
            clinic_id=self.clinic_id,
            number=self.number + 1,
            created_at=self.begin.at,
            snapshot=str(snapshot.knowing(self.begin.transaction)),
            entry_ids=[row.id for row in rows],
            digests=b"".join(row.digest for row in rows),
            previous_mac=self.mac,
            key_version=macs.newest(),
            restarted=self.restarted,
        )
        made.mac = seals.sign(made, self.begin.moment)
        made.save(force_insert=True)
        self.number, self.mac = made.number, made.mac


@dataclass(frozen=True, slots=True)
class _Begin:
    """A moment (as a time and as Moment has it) and the number that this transaction was given after it."""

    at: datetime
    moment: str
    transaction: int


def _begin() -> _Begin:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement_timestamp(), EXTRACT(EPOCH FROM statement_timestamp())::text,"
            " pg_current_xact_id()::text::bigint"
        )
        return _Begin(*cursor.fetchone())


def _new_entries(clinic_id: UUID | None, last: Any) -> Any:
    """What the last seal did not see, by the index (clinic, written_in)."""
    entries = AccessEntry.objects.filter(_visible_in(CURRENT), clinic=clinic_id, written_in__lt=NEXT_TRANSACTION)
    if last is None:
        return entries
    seen = Snapshot.read(last.snapshot)
    entries = entries.filter(~_visible_in(Value(last.snapshot)), written_in__gte=seen.xmin)
    restart = seals.of(clinic_id).filter(restarted=True).order_by("-number").first()
    return _since(restart, entries) if restart else entries


def _since(restart: Any, entries: Any) -> Any:
    """Without the entries of before a restart, whose transactions' numbers are given out once more."""
    moment = Subquery(AccessSeal.objects.filter(pk=restart.pk).values("created_at"))
    spanning = Q(written_in__in=Snapshot.read(restart.snapshot).running) & Q(seals.is_free(restart.clinic_id))
    return entries.filter(Q(created_at__gt=moment) | spanning)


def _visible_in(snapshot: Any) -> Any:
    template = "pg_visible_in_snapshot(%(expressions)s::pg_snapshot)"
    parts: dict[str, Any] = {"arg_joiner": "::text::xid8, ", "template": template, "output_field": BooleanField()}
    return Q(Func(F("written_in"), snapshot, **parts))


def _parts(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while part := list(islice(rows, MOST_ROWS)):
        yield part


def _snapshot() -> Snapshot:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return Snapshot.read(cursor.fetchone()[0])


def _take_time() -> None:
    """This transaction's statements may take as long as they need."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL enable_nestloop = off")


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEAL_LOCK])
        return bool(cursor.fetchone()[0])
