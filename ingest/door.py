"""The door: all that the internet must reach. A bare ASGI app that reads, proves, stores and answers.

It touches no ORM and no session: tickets prove themselves, receipt is one statement (ingest/inbox.py), and what the
callback means is decided later, elsewhere (ingest/processing.py).
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

from django.conf import settings

from config.bodies import Gone, Receive, Scope, Send, TooLarge, TooSlow, gather, header
from ingest import files, tickets
from ingest.bell import Bell
from ingest.inbox import Inbox, Letter, Receipt, Unavailable

log = logging.getLogger(__name__)

JSON = (b"content-type", b"application/json")
RETRY = (b"retry-after", b"5")
# The connection still carries bytes of a body that nobody will read.
CLOSE = (b"connection", b"close")

Handler = Callable[["Door", Scope, Receive, Send, str], Awaitable[None]]


async def answer(send: Send, status: int, what: dict[str, str], *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps(what).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [JSON, length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, status: int, why: str, *headers: tuple[bytes, bytes]) -> None:
    await answer(send, status, {"error": why}, *headers)


class Door:
    def __init__(self, inbox: Inbox, bell: Bell) -> None:
        self.inbox = inbox
        self.bell = bell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.live(receive, send)
        if scope["type"] != "http":
            return None
        try:
            return await self.answer(scope, receive, send)
        except Exception:  # the server would print it whole, and an error's text can quote a callback
            log.exception("the door failed")
            with suppress(Exception):  # an answer may have begun
                await refuse(send, 503, "try again", RETRY, CLOSE)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        for pattern, handlers in ROUTES:
            if match := pattern.fullmatch(scope["path"]):
                handler = handlers.get(scope["method"])
                if handler is None:
                    allow = (b"allow", ", ".join(handlers).encode())
                    return await refuse(send, 405, "method not allowed", allow, CLOSE)
                return await handler(self, scope, receive, send, match.group(1) if match.groups() else "")
        return await refuse(send, 404, "no such door", CLOSE)

    async def live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.inbox.open()
            else:
                await asyncio.to_thread(self.bell.stop)
                await self.inbox.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def healthz(self, scope: Scope, receive: Receive, send: Send, _: str) -> None:
        await answer(send, 200, {"status": "ok"})

    async def readyz(self, scope: Scope, receive: Receive, send: Send, _: str) -> None:
        if await self.inbox.answers():
            await answer(send, 200, {"status": "ok"})
        else:
            await refuse(send, 503, "PostgreSQL does not answer", RETRY)

    async def callback(self, scope: Scope, receive: Receive, send: Send, ticket: str) -> None:
        submission_id = tickets.read_callback(ticket)
        if submission_id is None:
            log.warning("callback refused: origin not proven")
            return await refuse(send, 401, "origin not proven", CLOSE)
        body = io.BytesIO()
        try:
            await gather(scope, receive, body, limit=settings.DOOR_MAX_BYTES, seconds=settings.DOOR_BODY_SECONDS)
        except TooLarge:
            return await refuse(send, 413, f"larger than {settings.DOOR_MAX_BYTES} bytes", CLOSE)
        except TooSlow:
            return await refuse(send, 408, "the body did not come in time", CLOSE)
        except Gone:  # or its chunks are malformed; whoever still listens is told
            return await refuse(send, 400, "the body broke off", CLOSE)
        letter = Letter("nabla", submission_id, body.getvalue(), header(scope, b"content-type"))
        return await self.receive(letter, send)

    async def receive(self, letter: Letter, send: Send) -> None:
        try:
            receipt = await self.inbox.receive(letter)
        except Unavailable:
            log.error("callback not stored: PostgreSQL did not commit in time")
            return await refuse(send, 503, "not stored, try again", RETRY)
        if receipt is Receipt.UNKNOWN:
            return await refuse(send, 404, "no such door")
        if receipt is Receipt.TOO_MANY:
            return await refuse(send, 429, "too many different bodies", (b"retry-after", b"3600"))
        if receipt is not Receipt.DUPLICATE:
            self.bell.ring("ingest.process")
        status = "stored" if receipt is Receipt.STORED else "duplicate"
        return await answer(send, 200, {"status": status})

    async def file(self, scope: Scope, receive: Receive, send: Send, ticket: str) -> None:
        audio_id = tickets.read_file(ticket)
        if audio_id is None:
            log.warning("file refused: origin not proven")
            return await refuse(send, 401, "origin not proven", CLOSE)
        try:
            audio = await self.inbox.audio(audio_id)
        except Unavailable:
            return await refuse(send, 503, "try again", RETRY)
        if audio is None:
            return await refuse(send, 404, "no such file")
        try:
            await files.serve(scope, send, *audio)
        except files.Missing:
            log.error("audio %s is not in the storage", audio_id)
            await refuse(send, 404, "no such file")
        return None


TICKET = r"([A-Za-z0-9_-]{1,200})"
ROUTES: list[tuple[re.Pattern[str], dict[str, Handler]]] = [
    (re.compile(rf"/callbacks/nabla/{TICKET}"), {"POST": Door.callback}),
    (re.compile(rf"/files/{TICKET}"), {"GET": Door.file, "HEAD": Door.file}),
    (re.compile(r"/healthz"), {"GET": Door.healthz}),
    (re.compile(r"/readyz"), {"GET": Door.readyz}),
]
