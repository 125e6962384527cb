"""Readers of the feed who wait for the next event, in the web process.

None of Django's threads waits with them: its answer to who has nothing new is held back until their clinic's feed moves
on, and is then made anew. One look at the database, a few times a second, serves all who wait.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import Error, close_old_connections

from config.bodies import Message, Receive, Send
from config.files import leaving
from feed.models import Feed

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.25
#: In one process, and of one clinic; who comes then is answered at once.
MOST, MOST_OF_CLINIC = 1000, 200
#: Many wait for the same event: when it comes, these many at a time ask for it, and leave threads to everybody else.
AGAIN_AT_ONCE = 2
HELD = "listenpost.held"


@dataclass(frozen=True)
class Held:
    """Nothing new: the reader of this clinic's feed has all up to `position`, and waits so long for more."""

    clinic_id: UUID
    position: int
    seconds: int


def hold(environ: Mapping[str, Any], clinic_id: UUID, position: int, seconds: int) -> None:
    """Asks config.web to hold back the answer under way. Under another server it is sent at once."""
    if (scope := environ.get("asgi.scope")) is not None:
        scope[HELD] = Held(clinic_id, position, seconds)


@dataclass(frozen=True)
class Answer:
    """What Django answered, and is held back where there was nothing new."""

    held: Held | None
    messages: Sequence[Message]


class Waiting:
    """Who waits, and for what. `executor`: the threads that look."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.waiters: dict[asyncio.Future[bool], Held] = {}
        self.looking: asyncio.Task[None] | None = None
        self.turn = asyncio.Semaphore(AGAIN_AT_ONCE)
        self.is_stopping = False

    async def answer(
        self, answer: Answer, again: Callable[[], Awaitable[Answer]], receive: Receive, send: Send
    ) -> None:
        """Waits with an answer that is held back. When there may be something new, `again` asks once more."""
        until = asyncio.get_running_loop().time() + (answer.held.seconds if answer.held else 0)
        left = asyncio.ensure_future(leaving(receive))
        try:
            while answer.held and await self.moves(answer.held, until, left):
                async with self.turn:
                    answer = await again()
            for message in () if left.done() else answer.messages:
                await send(message)
        finally:
            left.cancel()

    async def moves(self, held: Held, until: float, left: asyncio.Future[None]) -> bool:
        """Whether the feed has moved on by then, a time of the loop. False at once where nobody else may wait."""
        if self.is_stopping or not self.has_room(held.clinic_id):
            return False
        loop = asyncio.get_running_loop()
        moved: asyncio.Future[bool] = loop.create_future()
        self.waiters[moved] = held
        if self.looking is None or self.looking.done():
            self.looking = asyncio.create_task(self.look())
        try:
            await asyncio.wait((moved, left), timeout=until - loop.time(), return_when=asyncio.FIRST_COMPLETED)
            return moved.done() and moved.result()
        finally:
            del self.waiters[moved]

    def has_room(self, clinic_id: UUID) -> bool:
        of_clinic = sum(held.clinic_id == clinic_id for held in self.waiters.values())
        return len(self.waiters) < MOST and of_clinic < MOST_OF_CLINIC

    async def look(self) -> None:
        """For as long as anybody waits."""
        loop = asyncio.get_running_loop()
        while self.waiters:
            await asyncio.sleep(PAUSE_SECONDS)
            clinics = {held.clinic_id for held in self.waiters.values()}
            now = await loop.run_in_executor(self.executor, positions, clinics)
            for moved, held in self.waiters.items():
                if now.get(held.clinic_id, 0) > held.position:
                    settle(moved, True)

    def stop(self) -> None:
        """Lets everybody go, with the answers that were held back."""
        self.is_stopping = True
        for moved in self.waiters:
            settle(moved, False)

    def stop_when_told(self) -> None:
        """The server waits for all answers before it ends, and tells us of its end after that."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def told(number: int, frame: Any, before: Any = before) -> None:
                loop.call_soon_threadsafe(self.stop)
                if callable(before):
                    before(number, frame)

            with suppress(ValueError):  # not the main thread: whoever runs us so ends us otherwise
                signal.signal(number, told)


def settle(moved: asyncio.Future[bool], answer: bool) -> None:
    if not moved.done():
        moved.set_result(answer)


def positions(clinic_ids: Collection[UUID]) -> dict[UUID, int]:
    """How far these feeds have come; none while the database does not answer."""
    try:
        return dict(Feed.objects.filter(pk__in=clinic_ids).values_list("pk", "position"))
    except Error:
        return {}
    finally:
        close_old_connections()
