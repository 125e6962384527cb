"""Durable receipt: a proven body becomes a Callback row, once, and only then is its sender answered.

Runs in the door, on asyncio and psycopg alone. One commit a callback; the rows are independent of each other, so that
callbacks which arrive together can later share one.
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, LiteralString, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool
from uuid_utils.compat import uuid7

from access import log
from access.log import Actor

logger = logging.getLogger(__name__)
Found = TypeVar("Found")

BODIES_A_TICKET = 20

# Two different bodies on one ticket count before they insert, so they must not do it at once.
TAKE_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended(%(submission)s::text, 1))"
COLUMNS = """id, clinic_id, created_at, received_at, next_attempt_at, vendor, proven_by, proven_id, sender_id, event_id,
    submission_id, request_id, body, size, digest, content_type, state, problem, attempts, named_request"""
STORE_TICKETED = f"""
INSERT INTO ingest_callback ({COLUMNS})
SELECT %(id)s, s.clinic_id, %(at)s, %(at)s, %(at)s, r.vendor, 'ticket', s.id, NULL, %(event)s,
    s.id, s.request_id, %(body)b, %(size)s, %(digest)b, %(content_type)s, 'stored', '', 0, ''
FROM ingest_submission s JOIN ingest_asyncrequest r ON r.id = s.request_id
WHERE s.id = %(submission)s AND r.vendor = %(vendor)s
    AND (SELECT count(*) FROM ingest_callback c WHERE c.proven_id = s.id) < %(most)s
ON CONFLICT (proven_id, event_id) DO NOTHING RETURNING id
"""  # noqa: S608 (a constant)
WHY_NOT_TICKETED = """
SELECT (SELECT c.state FROM ingest_callback c WHERE c.proven_id = s.id AND c.event_id = %(event)s)
FROM ingest_submission s JOIN ingest_asyncrequest r ON r.id = s.request_id
WHERE s.id = %(submission)s AND r.vendor = %(vendor)s
"""
STORE_POSTED = f"""
INSERT INTO ingest_callback ({COLUMNS})
VALUES (%(id)s, %(clinic)s, %(at)s, %(at)s, %(at)s, %(vendor)s, %(proven_by)s, %(clinic)s, %(sender)s, %(event)s,
    NULL, NULL, %(body)b, %(size)s, %(digest)b, %(content_type)s, 'stored', '', 0, '')
ON CONFLICT (proven_id, event_id) DO NOTHING RETURNING id
"""  # noqa: S608 (a constant)
WHY_NOT_POSTED = "SELECT state FROM ingest_callback WHERE proven_id = %(clinic)s AND event_id = %(event)s"


class Receipt(enum.Enum):
    STORED = "stored"
    DUPLICATE = "duplicate"
    #: A duplicate of a callback that waits to be processed: its bell may have been lost.
    DUPLICATE_UNPROCESSED = "duplicate, unprocessed"
    UNKNOWN = "nothing is expected there"
    TOO_MANY = "too many different bodies on one ticket"


class Unavailable(Exception):
    """PostgreSQL could not commit in time. Whether the row was kept is not known; a repeat will tell."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A body whose origin is proven. How, its subclasses say: what is stored, and why it may not be."""

    STORE: ClassVar[str]
    WHY_NOT: ClassVar[str]

    vendor: str
    body: bytes = field(repr=False)
    content_type: str

    def columns(self) -> dict[str, Any]:
        digest = hashlib.sha256(self.body).digest()
        return {
            "id": uuid7(),
            "at": datetime.now(UTC),
            "event": f"sha256:{digest.hex()}",
            "vendor": self.vendor,
            "body": self.body,
            "size": len(self.body),
            "digest": digest,
            "content_type": self.content_type[:100],
        }


@dataclass(frozen=True, slots=True)
class Ticketed(Letter):
    """It came to the address that was made for one submission."""

    STORE, WHY_NOT = STORE_TICKETED, WHY_NOT_TICKETED

    submission_id: UUID

    def columns(self) -> dict[str, Any]:
        return Letter.columns(self) | {"submission": self.submission_id, "most": BODIES_A_TICKET}


@dataclass(frozen=True, slots=True)
class Posted(Letter):
    """A partner system of the clinic posted it. Whom it is for is read from it later: it proves the clinic alone."""

    STORE, WHY_NOT = STORE_POSTED, WHY_NOT_POSTED

    clinic_id: UUID
    sender: Actor

    def columns(self) -> dict[str, Any]:
        sender = {"clinic": self.clinic_id, "sender": UUID(self.sender.id), "proven_by": str(self.sender.kind)}
        return Letter.columns(self) | sender

    def entry(self, callback_id: UUID) -> list[Any]:
        """Its row in the access log, as log.INSERT takes it."""
        return log.row(self.sender, "changed", self.clinic_id, "callback", [str(callback_id)], mode="posted")


class Inbox:
    def __init__(self, database: str, *, connections: int = 8, seconds: float = 5.0) -> None:
        """`database`: a libpq connection string. `seconds`: how long a sender waits for our commit at most."""
        self.pool: AsyncConnectionPool[psycopg.AsyncConnection[TupleRow]] = AsyncConnectionPool(
            database, min_size=1, max_size=connections, open=False, timeout=seconds, reconnect_timeout=5
        )
        self.seconds = seconds
        self.attempts: set[asyncio.Future[Any]] = set()

    async def open(self) -> None:
        await self.pool.open()

    async def close(self) -> None:
        await self.pool.close(timeout=self.seconds)

    async def receive(self, letter: Letter) -> Receipt:
        """Returns after the commit. Raises Unavailable."""
        columns = letter.columns()
        return await self._insist(lambda: self._store(letter, columns))

    async def _insist(self, work: Callable[[], Awaitable[Found]], seconds: float | None = None) -> Found:
        """What `work` gives within the limit, or so many seconds. Raises Unavailable.

        The wait for it is given up on time; psycopg's own cancelling, which asks a silent server first, goes on alone.
        """
        attempt = asyncio.ensure_future(self._try_again(work))
        self.attempts.add(attempt)
        attempt.add_done_callback(self.attempts.discard)
        done, _ = await asyncio.wait({attempt}, timeout=seconds or self.seconds)
        if not done:
            attempt.cancel()
            raise Unavailable
        return attempt.result()

    async def _try_again(self, work: Callable[[], Awaitable[Found]]) -> Found:
        """A connection that broke says nothing of the next one; any other refusal of PostgreSQL's is final."""
        while True:
            try:
                return await work()
            except psycopg.OperationalError:  # also PoolTimeout: how long is waited, _insist decides
                await asyncio.sleep(0.1)
            except psycopg.Error as error:  # such as a server that has become a read-only replica
                logger.error("PostgreSQL refused: %s", type(error).__name__)
                raise Unavailable from None

    async def _store(self, letter: Letter, columns: dict[str, Any]) -> Receipt:
        async with self.pool.connection() as connection:
            if isinstance(letter, Ticketed):
                await connection.execute(TAKE_TURNS, columns)
            cursor = await connection.execute(letter.STORE, columns)
            if await cursor.fetchone():
                if isinstance(letter, Posted):
                    await connection.execute(log.INSERT, letter.entry(columns["id"]))
                return Receipt.STORED
            row = await (await connection.execute(letter.WHY_NOT, columns)).fetchone()
        if row is None:
            return Receipt.UNKNOWN
        if row[0] is None:
            return Receipt.TOO_MANY
        return Receipt.DUPLICATE_UNPROCESSED if row[0] == "stored" else Receipt.DUPLICATE

    async def rows(self, query: LiteralString, *parameters: Any, seconds: float | None = None) -> list[dict[str, Any]]:
        """What a query gives, within the limit or so many seconds; [] where it gives nothing. Raises Unavailable."""
        return await self._insist(lambda: self._rows(query, parameters), seconds)

    async def answers(self) -> bool:
        """Whether PostgreSQL does, and takes writes."""
        try:
            return await self.rows("SHOW transaction_read_only") == [{"transaction_read_only": "off"}]
        except Unavailable:
            return False

    async def _rows(self, query: LiteralString, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        async with self.pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchall() if cursor.description else []
