"""Durable receipt: a proven body becomes a Callback row, once, and only then is its sender answered.

Runs in the door, on asyncio and psycopg alone. One commit a callback; the rows are independent of each other, so that
callbacks which arrive together can later share one.
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from uuid_utils.compat import uuid7

log = logging.getLogger(__name__)
Found = TypeVar("Found")

BODIES_A_TICKET = 20

# Two different bodies on one ticket count before they insert, so they must not do it at once.
TAKE_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended(%(submission)s::text, 1))"
STORE = """
INSERT INTO ingest_callback (
    id, clinic_id, created_at, received_at, next_attempt_at, vendor, proven_by, proven_id, event_id, submission_id,
    request_id, body, size, digest, content_type, state, problem, attempts)
SELECT %(id)s, s.clinic_id, %(at)s, %(at)s, %(at)s, r.vendor, 'ticket', s.id, %(event)s, s.id,
    s.request_id, %(body)b, %(size)s, %(digest)b, %(content_type)s, 'stored', '', 0
FROM ingest_submission s JOIN ingest_asyncrequest r ON r.id = s.request_id
WHERE s.id = %(submission)s AND r.vendor = %(vendor)s
    AND (SELECT count(*) FROM ingest_callback c WHERE c.proven_id = s.id) < %(most)s
ON CONFLICT (proven_id, event_id) DO NOTHING RETURNING id
"""
WHY_NOT = """
SELECT (SELECT c.state FROM ingest_callback c WHERE c.proven_id = s.id AND c.event_id = %(event)s)
FROM ingest_submission s JOIN ingest_asyncrequest r ON r.id = s.request_id
WHERE s.id = %(submission)s AND r.vendor = %(vendor)s
"""


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
    """A body that came to a ticket's address."""

    vendor: str
    submission_id: UUID
    body: bytes
    content_type: str

    def columns(self) -> dict[str, Any]:
        digest = hashlib.sha256(self.body).digest()
        return {
            "id": uuid7(),
            "at": datetime.now(UTC),
            "event": f"sha256:{digest.hex()}",
            "vendor": self.vendor,
            "submission": self.submission_id,
            "body": self.body,
            "size": len(self.body),
            "digest": digest,
            "content_type": self.content_type[:100],
            "most": BODIES_A_TICKET,
        }


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
        return await self._insist(lambda: self._store(columns))

    async def _insist(self, work: Callable[[], Awaitable[Found]]) -> Found:
        """What `work` gives within the limit. Raises Unavailable.

        The wait for it is given up on time; psycopg's own cancelling, which asks a silent server first, goes on alone.
        """
        attempt = asyncio.ensure_future(self._try_again(work))
        self.attempts.add(attempt)
        attempt.add_done_callback(self.attempts.discard)
        done, _ = await asyncio.wait({attempt}, timeout=self.seconds)
        if not done:
            attempt.cancel()
            raise Unavailable
        return attempt.result()

    async def _try_again(self, work: Callable[[], Awaitable[Found]]) -> Found:
        """A connection that broke says nothing of the next one; any other refusal of PostgreSQL's is final."""
        while True:
            try:
                return await work()
            except PoolTimeout:
                raise Unavailable from None
            except psycopg.OperationalError:
                await asyncio.sleep(0.1)
            except psycopg.Error as error:  # such as a server that has become a read-only replica
                log.error("PostgreSQL refused: %s", type(error).__name__)
                raise Unavailable from None

    async def _store(self, columns: dict[str, Any]) -> Receipt:
        async with self.pool.connection() as connection:
            await connection.execute(TAKE_TURNS, columns)
            cursor = await connection.execute(STORE, columns)
            if await cursor.fetchone():
                return Receipt.STORED
            row = await (await connection.execute(WHY_NOT, columns)).fetchone()
        if row is None:
            return Receipt.UNKNOWN
        if row[0] is None:
            return Receipt.TOO_MANY
        return Receipt.DUPLICATE_UNPROCESSED if row[0] == "stored" else Receipt.DUPLICATE

    async def audio(self, audio_id: UUID) -> tuple[str, str, int, str] | None:
        """What the door needs to hand out a file: storage key, content type, size in bytes, SHA-256 in hex."""
        query = "SELECT storage_key, content_type, size, sha256 FROM ingest_audio WHERE id = %s"
        audio: tuple[str, str, int, str] | None = await self._insist(lambda: self._row(query, audio_id))
        return audio

    async def answers(self) -> bool:
        """Whether PostgreSQL does, and takes writes."""
        try:
            return bool(await self._insist(lambda: self._row("SHOW transaction_read_only")) == ("off",))
        except Unavailable:
            return False

    async def _row(self, query: str, *parameters: Any) -> Any:
        async with self.pool.connection() as connection:
            return await (await connection.execute(query, parameters)).fetchone()
