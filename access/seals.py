"""What a seal is made of: the rows' digests, the message that is signed, and which rows no seal holds."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import BooleanField, Func, TextField
from django.db.models.expressions import RawSQL

from access.models import AccessEntry, AccessSeal
from access.snapshots import Snapshot
from config import macs

PURPOSE = b"access-seal"
DIGEST_BYTES = 16
MICROSECONDS = 1_000_000
#: Every column, in the order that is hashed. One that is added later must leave the digests of older rows as they are.
COLUMNS = (
    "id",
    "clinic_id",
    "written_in",
    "moment",
    "actor_kind",
    "actor_id",
    "role",
    "on_behalf_of",
    "action",
    "object_type",
    "object_ids",
    "mode",
    "reason",
    "times",
    "address",
    "request_id",
)


class Moment(Func):
    """A time as seconds since 1970 with six decimals, in text: exact, in no zone, and not lost on an infinite one."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::text"
    arity = 1
    output_field = TextField()


#: The snapshot that the statement itself reads in.
READ_IN = RawSQL("(SELECT pg_current_snapshot()::text)", (), output_field=TextField())


class Row(NamedTuple):
    """What matters of an entry here. `read_in`: the snapshot of the statement that read it."""

    id: UUID
    written_in: int
    moment: str
    digest: bytes
    read_in: str


def read(entries: Any) -> Iterator[Row]:
    """The entries of a query, streamed: by a cursor of the server's where a transaction is open."""
    rows = entries.annotate(moment=Moment("created_at"), read_in=READ_IN).values_list(*COLUMNS, "read_in")
    for *columns, read_in in rows.iterator(chunk_size=2000):
        yield Row(columns[0], columns[2], columns[3], digest(columns), read_in)


def digest(columns: Sequence[Any]) -> bytes:
    return hashlib.sha256(_canonical(columns)).digest()[:DIGEST_BYTES]


def sign(seal: AccessSeal, moment: str) -> bytes:
    """The seal's mac under its key version. Raises KeyError when that key is gone."""
    return macs.mac(seal.key_version, PURPOSE, message(seal, moment))


def is_ours(seal: Any) -> bool:
    """Whether a key that we still hold has signed it: the application's role may add any row for a seal."""
    if seal.key_version not in settings.TICKET_KEYS:
        return False
    return hmac.compare_digest(sign(seal, seal.moment), bytes(seal.mac))


def is_whole(seal: Any) -> bool:
    """Whether it can be read at all: all that can be said of one whose key is gone."""
    try:
        Snapshot.read(seal.snapshot)
        int(microseconds(seal.moment))
    except (ValueError, ArithmeticError):
        return False
    return len(bytes(seal.digests)) == DIGEST_BYTES * len(seal.entry_ids)


def microseconds(moment: str) -> Decimal:
    return Decimal(moment) * MICROSECONDS


def message(seal: AccessSeal, moment: str) -> bytes:
    """`moment`: the seal's `created_at` as Moment has it."""
    proofs = [bytes(seal.digests).hex(), bytes(seal.previous_mac).hex()]
    return _canonical([seal.clinic_id, seal.number, moment, seal.snapshot, seal.entry_ids, *proofs, seal.restarted])


def _canonical(values: Sequence[Any]) -> bytes:
    return json.dumps(values, default=str, separators=(",", ":")).encode()


def of(clinic_id: UUID | None) -> Any:
    """The clinic's seals, with `moment` in place of `created_at`."""
    return AccessSeal.objects.filter(clinic=clinic_id).annotate(moment=Moment("created_at")).defer("created_at")


def in_no_seal(clinic_id: UUID | None) -> Any:
    """The clinic's entries that none of its seals holds: reads its whole log."""
    return AccessEntry.objects.filter(is_free(clinic_id), clinic=clinic_id)


def is_free(clinic_id: UUID | None) -> Any:
    """A condition on entries: none of the clinic's seals holds it."""
    owner, parameters = ("clinic_id = %s", [clinic_id]) if clinic_id else ("clinic_id IS NULL", [])
    condition = f"""NOT EXISTS (
        SELECT FROM (SELECT unnest(entry_ids) AS id FROM access_accessseal WHERE {owner}) AS sealed
        WHERE sealed.id = access_accessentry.id)"""  # noqa: S608 (one of the two above)
    return RawSQL(condition, parameters, output_field=BooleanField())  # noqa: S611 (see above)
