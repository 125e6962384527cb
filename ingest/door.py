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
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

from django.conf import settings

from access import bearer, limits, log
from access.issuers import Unreachable
from access.log import Actor, Kind
from access.programs import UNKNOWABLE, Refused, ScopeMissing
from config.bodies import Gone, Receive, Scope, Send, TooLarge, TooSlow, gather, header
from ingest import files, tickets
from ingest.bell import Bell
from ingest.inbox import Inbox, Letter, Posted, Receipt, Ticketed, Unavailable
from ingest.partners import Partners

logger = logging.getLogger(__name__)

JSON = (b"content-type", b"application/json")
RETRY = (b"retry-after", b"5")
# The connection still carries bytes of a body that nobody will read.
CLOSE = (b"connection", b"close")

#: A ticket that we did not make, or whose time is over.
FORGED = Refused("ticket", "origin not proven")
#: A vendor that cannot fetch the audio gives the job up: better that it waits while PostgreSQL is started again.
FILE_PATIENCE = 20.0
AUDIO = """
SELECT clinic_id, storage_key AS key, content_type, size, sha256 FROM ingest_audio WHERE id = %s
"""

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
        self.partners = Partners(inbox)
        self.downloads = Downloads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.live(receive, send)
        if scope["type"] != "http":
            return None
        try:
            return await self.answer(scope, receive, send)
        except Exception:  # the server would print it whole, and an error's text can quote a callback
            logger.exception("the door failed")
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

    async def ticketed(self, scope: Scope, receive: Receive, send: Send, ticket: str) -> None:
        """POST /callbacks/nabla/<ticket>: a vendor's answer, at the address made for one submission."""
        submission_id = tickets.read_callback(ticket)
        if submission_id is None:
            return await self.turn_away(scope, send, FORGED)
        body = await self.body(scope, receive, send)
        if body is not None:
            await self.receive(Ticketed("nabla", body, header(scope, b"content-type"), submission_id), send)
        return None

    async def posted(self, scope: Scope, receive: Receive, send: Send, _: str) -> None:
        """POST /callbacks/nabla: an answer that a partner system of the clinic passes on."""
        try:
            program = await self.partners.identify(scope)
        except Refused as refusal:
            return await self.turn_away(scope, send, refusal)
        except Unreachable:
            return await self.turn_away(scope, send, UNKNOWABLE)
        except Unavailable:
            return await refuse(send, 503, "not stored, try again", RETRY, CLOSE)
        if wait := await limits.admit(program.pk):
            return await self.slow_down(send, wait)
        body = await self.body(scope, receive, send)
        if body is not None:
            who = log.of_program(program, sender(scope))
            await self.receive(Posted("nabla", body, header(scope, b"content-type"), program.clinic_id, who), send)
        return None

    async def turn_away(self, scope: Scope, send: Send, refusal: Refused) -> None:
        """401; 403 for a program that is known and may not, 503 where it cannot be known. Nothing of it is echoed."""
        with suppress(Unavailable):  # the line in the service's log stands
            await self.partners.refused(refusal, sender(scope))
        if wait := await limits.count_refusal(sender(scope)):
            return await self.slow_down(send, wait)
        if refusal is UNKNOWABLE:
            return await refuse(send, 503, refusal.message, RETRY, CLOSE)
        if isinstance(refusal, ScopeMissing):
            status, challenge = 403, bearer.challenge("insufficient_scope", scope=refusal.scope)
        else:
            status, challenge = 401, bearer.challenge("invalid_token")
        return await refuse(send, status, refusal.message, (b"www-authenticate", challenge.encode()), CLOSE)

    async def slow_down(self, send: Send, wait: float) -> None:
        await refuse(send, 429, "more than the limit allows", (b"retry-after", str(int(wait)).encode()), CLOSE)

    async def body(self, scope: Scope, receive: Receive, send: Send) -> bytes | None:
        """The whole body; None when it was refused, and its sender told."""
        body = io.BytesIO()
        try:
            await gather(scope, receive, body, limit=settings.DOOR_MAX_BYTES, seconds=settings.DOOR_BODY_SECONDS)
        except TooLarge:
            await refuse(send, 413, f"larger than {settings.DOOR_MAX_BYTES} bytes", CLOSE)
        except TooSlow:
            await refuse(send, 408, "the body did not come in time", CLOSE)
        except Gone:  # or its chunks are malformed; whoever still listens is told
            await refuse(send, 400, "the body broke off", CLOSE)
        else:
            return body.getvalue()
        return None

    async def receive(self, letter: Letter, send: Send) -> None:
        try:
            receipt = await self.inbox.receive(letter)
        except Unavailable:
            logger.error("callback not stored: PostgreSQL did not commit in time")
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
        """GET /files/<ticket>: a vendor fetches the audio. Goes into the access log before a byte leaves."""
        audio_id = tickets.read_file(ticket)
        if audio_id is None:
            return await self.turn_away(scope, send, FORGED)
        try:
            found = await self.inbox.rows(AUDIO, audio_id, seconds=FILE_PATIENCE)
            if found:
                await self.log_download(scope, ticket, audio_id, found[0].pop("clinic_id"))
        except Unavailable:
            return await refuse(send, 503, "try again", RETRY)
        if not found:
            return await refuse(send, 404, "no such file")
        try:
            await files.serve(scope, send, **found[0])
        except files.Missing:
            logger.error("audio %s is not in the storage", audio_id)
            await refuse(send, 404, "no such file")
        return None

    async def log_download(self, scope: Scope, ticket: str, audio_id: UUID, clinic_id: UUID) -> None:
        """One entry a download: a range that goes on with one that is in the log has none of its own.

        Raises Unavailable.
        """
        vendor = Actor(Kind.VENDOR, address=sender(scope))
        goes_on = not begins(scope) and self.downloads.holds(ticket, vendor.address)
        if scope["method"] == "GET" and not goes_on:
            await self.partners.logged(vendor, "read", clinic_id, "audio", [str(audio_id)], mode="file")
            self.downloads.add(ticket, vendor.address)


class Downloads:
    """Which are in the access log since some minutes: a file that is fetched in many ranges is fetched once."""

    SECONDS, MOST = 600.0, 10_000

    def __init__(self) -> None:
        self._begun: dict[tuple[str, str | None], float] = {}

    def holds(self, ticket: str, address: str | None) -> bool:
        return time.monotonic() - self._begun.get((ticket, address), float("-inf")) < self.SECONDS

    def add(self, ticket: str, address: str | None) -> None:
        self._begun.pop((ticket, address), None)
        self._begun[ticket, address] = time.monotonic()
        if len(self._begun) > self.MOST:
            del self._begun[next(iter(self._begun))]


def begins(scope: Scope) -> bool:
    asked = header(scope, b"range").replace(" ", "")
    return not asked.startswith("bytes=") or asked.startswith("bytes=0-")


def sender(scope: Scope) -> str | None:
    return log.sender(str((scope.get("client") or [""])[0]), header(scope, b"x-forwarded-for"))


TICKET = r"([A-Za-z0-9_-]{1,200})"
ROUTES: list[tuple[re.Pattern[str], dict[str, Handler]]] = [
    (re.compile(rf"/callbacks/nabla/{TICKET}"), {"POST": Door.ticketed}),
    (re.compile(r"/callbacks/nabla"), {"POST": Door.posted}),
    (re.compile(rf"/files/{TICKET}"), {"GET": Door.file, "HEAD": Door.file}),
    (re.compile(r"/healthz"), {"GET": Door.healthz}),
    (re.compile(r"/readyz"), {"GET": Door.readyz}),
]
