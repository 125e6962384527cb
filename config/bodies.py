"""Reading a request's body under ASGI: bounded in bytes and in time, never taking a broken one for a whole one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import nullcontext
from typing import IO, Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class TooLarge(Exception):
    """More bytes than the limit: the rest was not read."""


class TooSlow(Exception):
    """The body did not come in time."""


class Gone(Exception):
    """The sender left before the body was whole."""


def header(scope: Scope, name: bytes) -> str:
    """A header's value; several are joined by a comma, none is ''."""
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def headers(scope: Scope) -> dict[str, str]:
    """All of them, by their names in lower case."""
    return {name.decode("latin-1"): header(scope, name) for name, _ in scope["headers"]}


def query(scope: Scope) -> str:
    """What follows the question mark of its address, as it came."""
    return bytes(scope.get("query_string", b"")).decode("latin-1")


async def gather(
    scope: Scope, receive: Receive, into: IO[bytes], *, limit: int, seconds: float, idle_seconds: float | None = None
) -> int:
    """Writes the whole body to `into` and returns its length in bytes.

    `seconds` bounds all of it, `idle_seconds` each wait for more. Raises TooLarge, TooSlow, Gone.
    """
    declared = header(scope, b"content-length")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge
    total, more = 0, True
    try:
        async with asyncio.timeout(seconds):
            while more:
                async with asyncio.timeout(idle_seconds) if idle_seconds else nullcontext():
                    message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                chunk = message.get("body", b"")
                total += len(chunk)
                if total > limit:
                    raise TooLarge
                into.write(chunk)
                more = message.get("more_body", False)
    except TimeoutError:
        raise TooSlow from None
    return total
