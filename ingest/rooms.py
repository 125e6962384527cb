"""Bodies at the door, as they are read: whole, in time, and no more of them at once than there is room for."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.conf import settings

from config.bodies import Gone, Receive, Scope, TooLarge, TooSlow, gather
from ingest.answers import CLOSE, NotTaken, not_stored

#: Hashing and reading more than this takes longer than others should wait for the event loop.
LONG = 256 * 1024
Found = TypeVar("Found")


class Full(Exception):
    """No room for more bodies at this moment."""


class Room:
    """How many bytes of bodies may be in hand at once."""

    def __init__(self, most: int) -> None:
        self.free = most


class Body(io.BytesIO):
    """One body as it comes, which takes its bytes from each of some rooms. Raises Full."""

    def __init__(self, *rooms: Room) -> None:
        super().__init__()
        self.rooms, self.taken = rooms, 0

    def write(self, chunk: bytes) -> int:  # type: ignore[override]  # chunks are bytes
        if any(room.free < len(chunk) for room in self.rooms):
            raise Full
        self._take(len(chunk))
        return super().write(chunk)

    def close(self) -> None:
        self._take(-self.taken)
        super().close()

    def _take(self, size: int) -> None:
        self.taken += size
        for room in self.rooms:
            room.free -= size


@contextmanager
def held(body: bytes, room: Room) -> Iterator[None]:
    """Takes its bytes from the room meanwhile, for a whole body that waits once more. Raises NotTaken."""
    if room.free < len(body):
        raise not_stored("full", CLOSE)
    room.free -= len(body)
    try:
        yield
    finally:
        room.free += len(body)


async def read(scope: Scope, receive: Receive, *rooms: Room) -> bytes:
    """The whole body. Raises NotTaken."""
    with Body(*rooms) as body:
        try:
            await gather(scope, receive, body, limit=settings.DOOR_MAX_BYTES, seconds=settings.DOOR_BODY_SECONDS)
        except TooLarge:
            raise NotTaken(413, f"larger than {settings.DOOR_MAX_BYTES} bytes", "too_large", CLOSE) from None
        except TooSlow:
            raise NotTaken(408, "the body did not come in time", "too_slow", CLOSE) from None
        except Gone:  # or its chunks are malformed; whoever still listens is told, and that it may try again
            raise NotTaken(408, "the body broke off", "broken_off", CLOSE) from None
        except Full:
            raise not_stored("full", CLOSE) from None
        return body.getvalue()


async def at_length(body: bytes, work: Callable[..., Found], *arguments: Any) -> Found:
    """What `work` gives, on a thread where the body is long."""
    return await asyncio.to_thread(work, *arguments) if len(body) > LONG else work(*arguments)
