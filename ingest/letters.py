"""Letters: bodies whose origin is proven, and how many of them become rows in one commit.

The unique key is what was proven and the event's id, never an id read from a body. Two writers that insert the same
keys in different orders deadlock; everything here goes in the order of the keys.
"""

from __future__ import annotations

import enum
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from uuid_utils.compat import uuid7

from access import log
from access.log import Actor
from ingest.connections import Connection
from ingest.models import Callback

Proof = Callback.Proof
BODIES_A_TICKET = 20
CONTENT_TYPE_LENGTH = 100


class Bodies(list[bytes]):
    """A bytea[] parameter."""


class BodiesDumper(Dumper):
    """In one copy, where psycopg's own dumper of lists makes several: it took half as long as hashing the bodies."""

    format, oid = Format.BINARY, 1001

    def dump(self, bodies: Bodies) -> bytes:
        parts = [struct.pack("!iiIii", 1, 0, 17, len(bodies), 1)]  # dimensions, nulls, the type's oid, length, from 1
        for body in bodies:
            parts += (struct.pack("!i", len(body)), body)
        return b"".join(parts)


psycopg.adapters.register_dumper(Bodies, BodiesDumper)


class Receipt(enum.Enum):
    STORED = "stored"
    DUPLICATE = "duplicate"
    #: A duplicate of a callback that waits to be processed: its bell may have been lost.
    DUPLICATE_UNPROCESSED = "duplicate, unprocessed"
    UNKNOWN = "nothing is expected there"
    TOO_MANY = "too many different bodies on one ticket"


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """`proven_id`: the submission, clinic or account that its sender proved. `event_id`: else the body's SHA-256.

    `clinic_id`: None where the submission says it. `sender`: a partner system, whose posts the access log keeps.
    """

    vendor: str
    body: bytes = field(repr=False)
    content_type: str
    proven_by: str
    proven_id: UUID
    clinic_id: UUID | None = None
    sender: Actor | None = None
    event_id: str = ""
    id: UUID = field(default_factory=uuid7)
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    digest: bytes = b""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.body).digest())
        object.__setattr__(self, "event_id", self.event_id or f"sha256:{self.digest.hex()}")

    def facts(self) -> dict[str, Any]:
        """Its part of what STORE takes; the body apart."""
        facts = {
            "id": self.id,
            "received_at": self.received_at,
            "vendor": self.vendor,
            "proven_by": str(self.proven_by),
            "proven_id": self.proven_id,
            "clinic_id": self.clinic_id,
            "event_id": self.event_id,
            "size": len(self.body),
            "digest": self.digest.hex(),
            "content_type": self.content_type[:CONTENT_TYPE_LENGTH],
        }
        if self.sender:
            facts |= {"sender_id": self.sender.id, "address": self.sender.address, "entry_id": uuid7()}
        return facts


# Two bodies on one ticket are counted before they are inserted, so no two writers may be at one ticket at once.
TAKE_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended(ticket::text, 1)) FROM unnest(%b::uuid[]) AS ticket"
# One JSON document costs less than an array for each column. The bodies stay out of the joins and the sorting: each is
# picked from its array when its row is written. A subquery of one value, or one that OFFSET 0 keeps
# apart, looks up each letter by its key, whatever PostgreSQL takes the tables for: joins read whole indexes.
STORE = f"""
WITH arrived AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS arrived (id uuid, received_at timestamptz, vendor text,
        proven_by text, proven_id uuid, clinic_id uuid, event_id text, size int, digest text, content_type text,
        sender_id uuid, address inet, entry_id uuid, place int)
), fresh AS (
    SELECT arrived.*, coalesce(asked.clinic_id, arrived.clinic_id) AS of_clinic, asked.id AS submission_id,
        asked.request_id, CASE WHEN arrived.proven_by = '{Proof.TICKET}' THEN
            (SELECT count(*) FROM ingest_callback c WHERE c.proven_id = arrived.proven_id)
            + dense_rank() OVER (PARTITION BY arrived.proven_id ORDER BY arrived.event_id) ELSE 0 END AS turn
    FROM arrived LEFT JOIN LATERAL (
        SELECT s.id, s.clinic_id, s.request_id,
            (SELECT r.vendor FROM ingest_asyncrequest r WHERE r.id = s.request_id) AS vendor
        FROM ingest_submission s WHERE s.id = arrived.proven_id AND arrived.proven_by = '{Proof.TICKET}' OFFSET 0
    ) AS asked ON TRUE
    WHERE (arrived.proven_by <> '{Proof.TICKET}' OR asked.vendor = arrived.vendor)
        AND (SELECT count(*) FROM ingest_callback c
            WHERE c.proven_id = arrived.proven_id AND c.event_id = arrived.event_id) = 0
), stored AS (
    INSERT INTO ingest_callback (id, clinic_id, created_at, received_at, next_attempt_at, vendor, proven_by, proven_id,
        sender_id, event_id, submission_id, request_id, body, size, digest, content_type,
        state, problem, attempts, named_request)
    SELECT id, of_clinic, received_at, received_at, received_at, vendor, proven_by, proven_id,
        sender_id, event_id, submission_id, request_id, (%b::bytea[])[place], size, decode(digest, 'hex'), content_type,
        'stored', '', 0, ''
    FROM (SELECT * FROM fresh WHERE turn <= {BODIES_A_TICKET} ORDER BY proven_id, event_id) AS in_order
    ON CONFLICT (proven_id, event_id) DO NOTHING RETURNING id
), logged AS (
    INSERT INTO access_accessentry ({", ".join(log.COLUMNS)})
    SELECT entry_id, clinic_id, 'changed', 'callback', ARRAY[id::text], 'posted', '', '', 1,
        proven_by, sender_id::text, '', address, ''
    FROM arrived JOIN stored USING (id) WHERE entry_id IS NOT NULL
)
SELECT id FROM stored
"""  # noqa: S608 (constants)
WHY_NOT = """
SELECT arrived.id, c.id, c.state, arrived.vendor IS NOT DISTINCT FROM (
    SELECT (SELECT r.vendor FROM ingest_asyncrequest r WHERE r.id = s.request_id)
    FROM ingest_submission s WHERE s.id = arrived.proven_id)
FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[]) AS arrived (id, proven_id, event_id, vendor)
    LEFT JOIN LATERAL (SELECT id, state FROM ingest_callback
        WHERE proven_id = arrived.proven_id AND event_id = arrived.event_id OFFSET 0) AS c ON TRUE
"""


async def store(connection: Connection, letters: Sequence[Letter]) -> list[Receipt]:
    """What became of each, in their order. Returns after the commit; raises psycopg.Error, and then none is stored."""
    tickets = sorted({letter.proven_id for letter in letters if letter.proven_by == Proof.TICKET})
    facts = [letter.facts() | {"place": place} for place, letter in enumerate(letters, start=1)]
    given = [orjson.dumps(facts).decode(), Bodies(letter.body for letter in letters)]
    async with connection.pipeline():  # one round trip; transaction() would make three of it
        await connection.execute("BEGIN")
        if tickets:
            await connection.execute(TAKE_TURNS, [tickets])
        cursor = await connection.execute(STORE, given)
        await connection.execute("COMMIT")
    stored = {row[0] for row in await cursor.fetchall()}
    missing = [letter for letter in letters if letter.id not in stored]
    reasons = await why_not(connection, missing) if missing else {}
    return [Receipt.STORED if letter.id in stored else reasons[letter.id] for letter in letters]


async def why_not(connection: Connection, letters: Sequence[Letter]) -> dict[UUID, Receipt]:
    keys = [(letter.id, letter.proven_id, letter.event_id, letter.vendor) for letter in letters]
    found = await connection.execute(WHY_NOT, list(map(list, zip(*keys, strict=True))))
    return {arrived: reason(arrived, *what) async for arrived, *what in found}


def reason(arrived: UUID, there: UUID | None, state: str | None, is_expected: bool) -> Receipt:
    if there is None:
        return Receipt.TOO_MANY if is_expected else Receipt.UNKNOWN
    if there == arrived:  # the commit whose answer was lost with its connection
        return Receipt.STORED
    return Receipt.DUPLICATE_UNPROCESSED if state == "stored" else Receipt.DUPLICATE
