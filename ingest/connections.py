"""The door's own connections to PostgreSQL: asked in plain SQL, and given up on time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool

logger = logging.getLogger(__name__)
Found = TypeVar("Found")
Connection = psycopg.AsyncConnection[TupleRow]
PAUSE_SECONDS = 0.1


class Unavailable(Exception):
    """PostgreSQL did not do it in time. Whether a row was kept is not known; a repeat will tell."""


class Connections:
    def __init__(self, database: str, *, most: int = 8, seconds: float = 5.0) -> None:
        """`database`: a libpq connection string. `seconds`: how long anything may take."""
        self.pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            database,
            kwargs={"autocommit": True},
            min_size=1,
            max_size=most,
            open=False,
            timeout=seconds,
            reconnect_timeout=5,
        )
        self.seconds = seconds
        self.attempts: set[asyncio.Future[Any]] = set()

    async def open(self) -> None:
        await self.pool.open()

    async def close(self) -> None:
        await self.pool.close(timeout=self.seconds)

    async def insist(self, work: Callable[[Connection], Awaitable[Found]], seconds: float | None = None) -> Found:
        """What `work` gives within the limit, or so many seconds. Raises Unavailable, and what PostgreSQL refuses.

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

    async def _try_again(self, work: Callable[[Connection], Awaitable[Found]]) -> Found:
        """A connection that broke says nothing of the next one. Any other refusal of PostgreSQL's is final."""
        while True:
            try:
                async with self.pool.connection() as connection:
                    try:
                        return await work(connection)
                    except asyncio.CancelledError:
                        await connection.close()  # it may be inside a pipeline, where later queries would give nothing
                        raise
            except (
                psycopg.errors.LockNotAvailable
            ):  # somebody holds what this touches, and no other work waits for that
                raise
            except psycopg.OperationalError:  # also PoolTimeout: how long is waited, insist() decides
                await asyncio.sleep(PAUSE_SECONDS)

    async def rows(self, query: LiteralString, *parameters: Any, seconds: float | None = None) -> list[dict[str, Any]]:
        """What a query gives, within the limit or so many seconds; [] where it gives nothing. Raises Unavailable."""

        async def ask(connection: Connection) -> list[dict[str, Any]]:
            async with connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(query, parameters)
                return await cursor.fetchall() if cursor.description else []

        try:
            return await self.insist(ask, seconds)
        except psycopg.Error as error:  # such as a server that has become a read-only replica
            logger.error("PostgreSQL refused: %s", type(error).__name__)
            raise Unavailable from None

    async def answers(self) -> bool:
        """Whether PostgreSQL does, and takes writes."""
        try:
            return await self.rows("SHOW transaction_read_only") == [{"transaction_read_only": "off"}]
        except Unavailable:
            return False
