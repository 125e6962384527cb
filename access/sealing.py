"""Seals the access log: says, in rows signed with TICKET_KEYS, which entries a clinic had at which moment.

Requests insert plain rows and wait for nobody. A seal takes those that are visible to it and were not to the seal
before, as PostgreSQL's own snapshots tell: exact, whatever order transactions commit in, and without waiting for any.
access/verification.py says what follows from it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice
from typing import Any
from uuid import UUID

from django.conf import settings
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
    return sum(_seal_or_say(clinic_id) for clinic_id in (None, *Clinic.objects.values_list("pk", flat=True)))


def _seal_or_say(clinic_id: UUID | None) -> int:
    """What fails for one clinic is that clinic's alone."""
    try:
        return seal_clinic(clinic_id)
    except Exception as error:
        log.exception("the access log of clinic %s is not sealed: %s", clinic_id, type(error).__name__)
        return 0


def seal_clinic(clinic_id: UUID | None) -> int:
    """Does nothing while another sealer is at work."""
    with transaction.atomic(durable=True):
        if not _alone():
            return 0
        last = last_seal(clinic_id)
        before = last or _last_of(_of_lost_keys(clinic_id), seals.is_whole)
        restarted = before is not None and _snapshot().xmax < Snapshot.read(before.snapshot).xmax
        if restarted or before != last:
            _take_time()
            return _Sealer(clinic_id, before, restarted).write(seals.in_no_seal(clinic_id), even_none=True)
        entries = _new_entries(clinic_id, last)
        return _Sealer(clinic_id, last, restarted).write(entries) if entries.exists() else 0


def last_seal(clinic_id: UUID | None) -> Any:
    """The last seal that is ours, of the newest key that made any: no older one seals after it."""
    for version in sorted(settings.TICKET_KEYS, reverse=True):
        if found := _last_of(seals.of(clinic_id).filter(key_version=version), seals.is_ours):
            return found
    return None


def _last_of(found: Any, is_meant: Callable[[Any], bool]) -> Any:
    """One at a time from the end: it is nearly always the first that is looked at."""
    seal = found.order_by("-number").first()
    while seal and not is_meant(seal):
        seal = found.filter(number__lt=seal.number).order_by("-number").first()
    return seal


def _of_lost_keys(clinic_id: UUID | None) -> Any:
    """Seals that may be ours, which nobody can tell any more: they are followed, and what they saw is not believed."""
    found = seals.of(clinic_id).filter(key_version__lt=macs.newest())
    return found.exclude(key_version__in=settings.TICKET_KEYS)


class _Sealer:
    """One transaction's seals of one clinic, on numbers that are free: whoever adds a false seal may have taken any."""

    def __init__(self, clinic_id: UUID | None, before: Any, restarted: bool) -> None:
        self.clinic_id, self.restarted = clinic_id, restarted
        self.number: int = before.number if before else 0
        self.mac = bytes(before.mac) if before else b""
        later = seals.of(clinic_id).filter(number__gt=self.number)
        self.taken = set(later.values_list("number", flat=True))
        if self.taken:
            numbers = sorted(self.taken)[:10]
            log.error("the access log of clinic %s has seals that are not ours: %s", clinic_id, numbers)
        self.begin = _begin()

    def write(self, entries: Any, *, even_none: bool = False) -> int:
        """`even_none`: an empty seal too, else every run would look through all the entries again."""
        before, sealed = _snapshot(), 0
        for rows in _parts(seals.read(entries)):
            self.add(rows, Snapshot.read(rows[0].read_in))
            sealed += len(rows)
        if even_none and not sealed:
            self.add([], before)
        # Whoever owns the database could remove seals and rows and have them sealed anew: not what is logged elsewhere.
        log.info("access log head: clinic %s, %s:%s", self.clinic_id, self.number, self.mac.hex())
        return sealed

    def add(self, rows: list[Row], snapshot: Snapshot) -> None:
        made = AccessSeal(
            clinic_id=self.clinic_id,
            number=self.free_number(),
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

    def free_number(self) -> int:
        return next(number for number in count(self.number + 1) if number not in self.taken)


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
    restart = _last_of(seals.of(clinic_id).filter(restarted=True), lambda seal: _is_restart(seal, last))
    return _since(restart, entries) if restart else entries


def _is_restart(seal: Any, last: Any) -> bool:
    """One whose key is gone is believed where a false one could not stand, or do any harm."""
    if seals.is_ours(seal) or seal.key_version in settings.TICKET_KEYS:
        return seals.is_ours(seal)
    is_before = seals.is_whole(seal) and seals.microseconds(seal.moment) <= seals.microseconds(last.moment)
    rivals = seals.of(seal.clinic_id).filter(key_version=last.key_version, number__lt=seal.number)
    return is_before and seal.key_version < last.key_version and not rivals.exists()


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
