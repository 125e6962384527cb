"""What the door says: JSON, and in place of a 200 an exception that knows its answer."""

from __future__ import annotations

from typing import Any

import orjson

from config.bodies import Send

Header = tuple[bytes, bytes]
RETRY: Header = (b"retry-after", b"5")
#: The connection still carries bytes of a body that nobody will read.
CLOSE: Header = (b"connection", b"close")


class NotTaken(Exception):
    """The answer to whoever is refused. `reason`: a code, for the metrics; neither repeats anything that came."""

    def __init__(self, status: int, why: str, reason: str, *headers: Header) -> None:
        super().__init__(reason)
        self.status, self.why, self.reason, self.headers = status, why, reason, headers


def not_stored(reason: str, *headers: Header) -> NotTaken:
    return NotTaken(503, "not stored, try again", reason, RETRY, *headers)


async def answer(send: Send, status: int, what: dict[str, Any], *headers: Header) -> None:
    await reply(send, status, orjson.dumps(what), (b"content-type", b"application/json"), *headers)


async def refuse(send: Send, refusal: NotTaken) -> None:
    await answer(send, refusal.status, {"error": refusal.why}, *refusal.headers)


async def reply(send: Send, status: int, body: bytes, *headers: Header) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})
