"""Durable receipt: letters that arrive together share one commit, and only then are their senders answered.

Nobody waits for company: the writer takes whatever is there, so that batches are as large as the database is slow.
While one is written, the next gathers. (A second writer made the batches smaller, and the whole slower by a third.)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.errors import LockNotAvailable

from ingest import letters, metrics
from ingest.connections import Connections, Unavailable
from ingest.letters import Letter, Receipt

logger = logging.getLogger(__name__)

BATCH_ROWS = 500
BATCH_BYTES = 8 * 1024 * 1024
WAITING_BYTES = 64 * 1024 * 1024
WATCH_SECONDS = 0.1
OF_ONE_ROW = (psycopg.DataError, psycopg.IntegrityError, LockNotAvailable)


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """`until`: when its sender is told that it took too long, on the clock of time.monotonic."""

    letter: Letter
    receipt: asyncio.Future[Receipt]
    until: float


class Inbox:
    """`ring` is called once for each batch that brought work, after its senders were told."""

    def __init__(self, connections: Connections, ring: Callable[[], None]) -> None:
        self.connections, self.ring = connections, ring
        self._waiting: deque[Waiting] = deque()
        #: All whose senders wait, in the order of their deadlines.
        self._unanswered: deque[Waiting] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._beside: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        await self.connections.open()
        self._tasks = [asyncio.create_task(work) for work in (self._write(), self._watch())]

    async def close(self) -> None:
        """Writes what waits, within the limit."""
        until = time.monotonic() + self.connections.seconds
        while self._not_told() and time.monotonic() < until:
            await asyncio.sleep(0.01)
        for task in (*self._tasks, *self._beside):
            task.cancel()
        _give_up(self._not_told(), TimeoutError())
        await self.connections.close()

    def _not_told(self) -> list[Waiting]:
        return [one for one in self._unanswered if not one.receipt.done()]

    def works(self) -> bool:
        """Whether it can take letters at all."""
        return not any(task.done() for task in self._tasks)

    async def receive(self, letter: Letter) -> Receipt:
        """Returns after the commit. Raises Unavailable: not in time, or too much waits already."""
        size = len(letter.body)
        if self._bytes + size > WAITING_BYTES:
            raise Unavailable
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        waiting = Waiting(letter, receipt, time.monotonic() + self.connections.seconds)
        self._bytes += size
        self._waiting.append(waiting)
        self._unanswered.append(waiting)
        self._arrived.set()
        try:
            return await receipt
        finally:
            self._bytes -= size

    async def _watch(self) -> None:
        """Tells those whose time is over. One look for all costs less than a timer for each."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            metrics.WAITING_BYTES.set(self._bytes)
            late = []
            while self._unanswered and (
                self._unanswered[0].receipt.done() or self._unanswered[0].until < time.monotonic()
            ):
                late.append(self._unanswered.popleft())
            _give_up([one for one in late if not one.receipt.done()], TimeoutError())

    async def _write(self) -> None:
        while await self._arrived.wait():
            self._arrived.clear()
            while batch := self._take():
                await self._deliver(batch)

    def _take(self) -> list[Waiting]:
        """The oldest that fit in a batch, without those whose senders were told meanwhile that it took too long."""
        batch: list[Waiting] = []
        room = BATCH_BYTES
        while self._waiting and len(batch) < BATCH_ROWS:
            if batch and len(self._waiting[0].letter.body) > room:
                break
            one = self._waiting.popleft()
            if not one.receipt.done():
                batch.append(one)
                room -= len(one.letter.body)
        return batch

    async def _deliver(self, batch: Sequence[Waiting]) -> None:
        try:
            receipts = await self._store([one.letter for one in batch])
        except OF_ONE_ROW as error:
            return await self._apart(batch, error)
        except Exception as error:  # whatever it is, the next batch has to be written
            return _give_up(batch, error)
        for one, receipt in zip(batch, receipts, strict=True):
            if not one.receipt.done():
                one.receipt.set_result(receipt)
        if not {Receipt.STORED, Receipt.DUPLICATE_UNPROCESSED}.isdisjoint(receipts):
            asyncio.get_running_loop().call_soon(self.ring)
        return None

    async def _apart(self, batch: Sequence[Waiting], error: psycopg.Error) -> None:
        """One row fails, or waits for somebody: it must not keep its neighbours."""
        if len(batch) > 1:
            middle = len(batch) // 2
            for half in (batch[:middle], batch[middle:]):
                if waiting := [one for one in half if not one.receipt.done()]:
                    await self._deliver(waiting)
        elif isinstance(error, LockNotAvailable):
            self._go_on_beside(batch)
        else:
            _give_up(batch, error)

    def _go_on_beside(self, held: Sequence[Waiting]) -> None:
        """What somebody holds is tried again beside the writer, until its sender has been told."""
        if not held[0].receipt.done():
            again = asyncio.create_task(self._deliver(held))
            self._beside.add(again)
            again.add_done_callback(self._beside.discard)

    async def _store(self, batch: Sequence[Letter]) -> list[Receipt]:
        begun = time.monotonic()
        receipts = await self.connections.insist(lambda connection: letters.store(connection, batch))
        metrics.COMMIT_SECONDS.observe(time.monotonic() - begun)
        metrics.BATCH_ROWS.observe(len(batch))
        metrics.BATCH_BYTES.observe(sum(len(letter.body) for letter in batch))
        return receipts


def _give_up(batch: Sequence[Waiting], error: Exception) -> None:
    if not batch:
        return
    logger.error("%d callbacks are not known to be stored: %s", len(batch), type(error).__name__)
    for one in batch:
        if not one.receipt.done():
            one.receipt.set_exception(Unavailable())
