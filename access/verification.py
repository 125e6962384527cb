"""Finds out whether anybody has removed, changed or inserted rows of the access log, and which.

A seal names its rows, their digests and the snapshot it was made in. An honest row is in the first seal whose snapshot
sees its transaction; until then it is younger than each seal but those that its transaction spans, because the database
numbers a transaction before it notes the time. What neither seal nor this rule catches is the log's end, cut off with
its seals: a head that was noted elsewhere tells.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from access import seals
from access.models import AccessEntry
from access.seals import DIGEST_BYTES, Row, microseconds
from access.snapshots import Snapshot
from config import macs

#: How many rows are held at once.
MOST_ROWS = 4000
SEALS_AT_ONCE = 100
BACKDATED = "inserted: its time is before that of a seal which was made before its transaction began"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. A notice is nothing wrong."""

    text: str
    is_wrong: bool = True


def notice(text: str) -> Finding:
    return Finding(text, is_wrong=False)


class Era:
    """The seals since transactions' numbers last began anew: the number of the next one then, and the moment."""

    def __init__(self) -> None:
        self._next, self._moments = array("q"), array("q")

    def add(self, snapshot: Snapshot, moment: str) -> None:
        self._next.append(snapshot.xmax)
        self._moments.append(int(microseconds(moment)))

    def is_backdated(self, row: Row) -> bool:
        """Whether it claims to be older than a seal before which its transaction had not begun."""
        place = bisect_right(self._next, row.written_in)
        return place > 0 and microseconds(row.moment) <= self._moments[place - 1]


class Verification:
    """Of one clinic's rows, or of those of none. The numbers stand once `findings` has been read to its end."""

    def __init__(
        self,
        clinic_id: UUID | None,
        heads: Mapping[int, bytes] | None = None,
        progress: Callable[[int], object] = lambda rows: None,
        lost_keys: Collection[int] = (),
    ) -> None:
        """`heads`: macs noted earlier, by number. `progress` is told now and then how many rows were checked.

        `lost_keys`: versions that somebody knows to be gone. A seal that names any other key we do not hold is wrong:
        whoever may write there can put any version on it.
        """
        self.clinic_id, self.progress, self._lost_keys = clinic_id, progress, lost_keys
        self.rows = self.seals = self.unsealed = 0
        self.head: tuple[int, bytes] | None = None  # of the last seal that may be ours
        self._heads = dict(heads or {})
        self._last: Any = None  # the last seal that may be ours
        self._number, self._mac = 0, b""  # of the last seal, whosever it is
        self._gaps: list[tuple[int, int]] = []  # numbers without a seal since the last that may be ours
        self._snapshot: Snapshot | None = None
        self._era = Era()
        self._newest_key = 0
        self._unchecked: dict[int, tuple[int, int]] = {}  # the first and last seal of a key version that is gone
        self._waiting: list[tuple[Any, Era | None]] = []

    def findings(self) -> Iterator[Finding]:
        held = 0
        for seal in self._seals():
            yield from self._judge_seal(seal)
            held += len(seal.entry_ids)
            if held >= MOST_ROWS:
                yield from self._judge_rows()
                held = 0
        if held:
            yield from self._judge_rows()
        yield from self._judge_end()
        yield from self._judge_unsealed()

    # --- Seals
    def _seals(self) -> Iterator[Any]:
        found = seals.of(self.clinic_id).order_by("number")
        page = list(found[:SEALS_AT_ONCE])
        while page:
            yield from page
            page = list(found.filter(number__gt=page[-1].number)[:SEALS_AT_ONCE])

    def _judge_seal(self, seal: Any) -> Iterator[Finding]:
        self.seals += 1
        self._take_place(seal)
        yield from self._judge_head(seal)
        if wrong := self._wrong_with(seal):
            yield Finding(f"seal {seal.number}: {wrong}")
        else:
            yield from self._judge_place(seal)
            yield from self._go_on(seal)
        self._number, self._mac = seal.number, bytes(seal.mac)

    def _take_place(self, seal: Any) -> None:
        if seal.number > self._number + 1:
            self._gaps.append((self._number + 1, seal.number - 1))

    def _judge_head(self, seal: Any) -> Iterator[Finding]:
        noted = self._heads.pop(seal.number, None)
        if noted is not None and noted != bytes(seal.mac):
            yield Finding(f"seal {seal.number}: is not the one whose head was noted")

    def _judge_place(self, seal: Any) -> Iterator[Finding]:
        """A forged seal's number and mac say nothing of the others: the sealer follows the last that is its own."""
        for gap in self._gaps:
            yield Finding(f"{_named(*gap)}: removed")
        known = {self._mac, bytes(self._last.mac) if self._last else b""}
        if not self._gaps and bytes(seal.previous_mac) not in known:
            yield Finding(f"seal {seal.number}: does not follow the seal before it")
        self._gaps = []

    def _wrong_with(self, seal: Any) -> str:
        """Why it cannot be ours; empty when it is, or when its key is no longer kept."""
        if seal.key_version < self._newest_key or seal.key_version > macs.newest():
            return "changed: its key version does not fit into its place"
        if seal.key_version not in settings.TICKET_KEYS:
            first, _ = self._unchecked.get(seal.key_version, (seal.number, 0))
            self._unchecked[seal.key_version] = first, seal.number
            return "" if seals.is_whole(seal) else "changed"
        if not seals.is_ours(seal):
            return "changed"
        self._newest_key = seal.key_version
        return ""

    def _go_on(self, seal: Any) -> Iterator[Finding]:
        if seal.restarted:
            self._era = Era()
            if not (self._last and self._last.restarted and self._last.snapshot == seal.snapshot):
                since = _readable(self._last.moment) if self._last else "the beginning"
                yield notice(
                    f"seal {seal.number}: the database was restored before it; "
                    f"rows between {since} and {_readable(seal.moment)} were taken as they stood"
                )
        self._waiting.append((seal, None if seal.restarted else self._era))
        self._snapshot = Snapshot.read(seal.snapshot)
        self._era.add(self._snapshot, seal.moment)
        self._last, self.head = seal, (seal.number, bytes(seal.mac))

    def _judge_end(self) -> Iterator[Finding]:
        for version, (first, last) in self._unchecked.items():
            text = f"{_named(first, last)}: cannot be checked, key version {version} is not in TICKET_KEYS"
            yield Finding(text, is_wrong=version not in self._lost_keys)
        for number in sorted(self._heads):
            yield Finding(f"seal {number}: removed, though its head was noted")

    # --- Rows
    def _judge_rows(self) -> Iterator[Finding]:
        ids = [entry_id for seal, _ in self._waiting for entry_id in seal.entry_ids]
        found = {row.id: row for row in seals.read(AccessEntry.objects.filter(pk__in=ids))}
        for seal, era in self._waiting:
            digests = bytes(seal.digests)
            for place, entry_id in enumerate(seal.entry_ids):
                digest = digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]
                if wrong := _wrong_with(found.get(entry_id), digest, era):
                    yield Finding(f"row {entry_id}: {wrong} (seal {seal.number})")
        self._waiting = []
        self.rows += len(ids)
        self.progress(self.rows)

    def _judge_unsealed(self) -> Iterator[Finding]:
        with transaction.atomic():
            with connection.cursor() as cursor:  # one pass over all: a hash of the seals' ids, which may take its time
                cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL enable_nestloop = off")
            for row in seals.read(seals.in_no_seal(self.clinic_id)):
                now = Snapshot.read(row.read_in)
                if self._is_behind(now):
                    yield notice(
                        "the database was restored after the last seal: seal anew, then its rows can be judged"
                    )
                    return
                if wrong := self._wrong_with_unsealed(row, now):
                    yield Finding(f"row {row.id}: {wrong}")
                else:
                    self.unsealed += 1

    def _is_behind(self, now: Snapshot) -> bool:
        return self._snapshot is not None and now.xmax < self._snapshot.xmax

    def _wrong_with_unsealed(self, row: Row, now: Snapshot) -> str:
        if not now.sees(row.written_in):
            return "inserted: it names a transaction that has not ended"
        if self._snapshot and self._snapshot.sees(row.written_in):
            return "inserted: it is in no seal, though one was made after the transaction that it names"
        return BACKDATED if self._era.is_backdated(row) else ""


def _wrong_with(row: Row | None, digest: bytes, era: Era | None) -> str:
    """What is wrong with a sealed row; without an era, its time is not judged."""
    if row is None:
        return "removed"
    if row.digest != digest:
        return "changed"
    return BACKDATED if era and era.is_backdated(row) else ""


def _readable(moment: str) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(microseconds(moment)))).isoformat()


def _named(first: int, last: int) -> str:
    return f"seal {first}" if first == last else f"seals {first} to {last}"
