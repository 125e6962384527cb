"""The door: all that the internet must reach. A bare ASGI app that reads, proves, stores and answers.

It touches no ORM and no session: proofs are checked by arithmetic where they can be, receipt is part of one statement
for many (ingest/inbox.py), and what a callback means is decided later, elsewhere (ingest/processing.py).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

from django.conf import settings

from access import bearer
from config import metrics as exposed
from config.bell import Bell
from config.bodies import Receive, Scope, Send, header
from ingest import metrics
from ingest.answers import CLOSE, RETRY, NotTaken, answer, refuse, reply
from ingest.callbacks import Callbacks
from ingest.connections import Connections
from ingest.downloads import Downloads
from ingest.inbox import Inbox
from ingest.signers import VENDORS_THAT_SIGN

logger = logging.getLogger(__name__)

Handler = Callable[..., Awaitable[None]]


def no_such_door() -> NotTaken:
    return NotTaken(404, "no such door", "address", CLOSE)


class Door:
    def __init__(self, database: str, bell: Bell) -> None:
        """`database`: a libpq connection string."""
        self.bell = bell
        self.connections = Connections(database)
        self.inbox = Inbox(self.connections, lambda: bell.ring("ingest.process"))
        self.callbacks = Callbacks(self.connections, self.inbox)
        self.downloads = Downloads(self.connections)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.live(receive, send)
        if scope["type"] != "http":
            return None
        try:
            return await self.answer(scope, receive, send)
        except NotTaken as refusal:
            if scope["path"].startswith("/callbacks"):
                metrics.REFUSED.labels(refusal.reason).inc()
            return await refuse(send, refusal)
        except Exception:  # the server would print it whole, and an error's text can quote a callback
            logger.exception("the door failed")
            with suppress(Exception):  # an answer may have begun
                await refuse(send, NotTaken(503, "try again", "failed", RETRY, CLOSE))

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        for pattern, handlers in ROUTES:
            if match := pattern.fullmatch(scope["path"]):
                handler = handlers.get(scope["method"])
                if handler is None:
                    allow = (b"allow", ", ".join(handlers).encode())
                    raise NotTaken(405, "method not allowed", "method", allow, CLOSE)
                return await handler(self, scope, receive, send, *match.groups())
        raise no_such_door()

    async def live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.inbox.open()
            else:
                await self.inbox.close()
                await asyncio.to_thread(self.bell.stop)
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def healthz(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, 200, {"status": "ok"})

    async def readyz(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not (self.inbox.works() and await self.connections.answers()):
            raise NotTaken(503, "PostgreSQL does not answer", "unready", RETRY)
        await answer(send, 200, {"status": "ok"})

    async def metrics(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What this door's workers counted, for whoever holds METRICS_TOKEN."""
        if not settings.METRICS_TOKEN:
            raise no_such_door()
        if not exposed.may_read(header(scope, b"authorization")):
            challenge = (b"www-authenticate", bearer.challenge("invalid_token").encode())
            raise NotTaken(401, "send METRICS_TOKEN as Authorization: Bearer ...", "metrics_token", challenge, CLOSE)
        body, content_type = await asyncio.to_thread(exposed.exposition)
        await reply(send, 200, body, (b"content-type", content_type.encode()))

    async def ticketed(self, scope: Scope, receive: Receive, send: Send, ticket: str) -> None:
        await self.callbacks.ticketed(scope, receive, send, ticket)

    async def posted(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.callbacks.posted(scope, receive, send)

    async def webhook(self, scope: Scope, receive: Receive, send: Send, vendor: str, account: str) -> None:
        await self.callbacks.webhook(scope, receive, send, vendor, account)

    async def handshake(self, scope: Scope, receive: Receive, send: Send, vendor: str, account: str) -> None:
        await self.callbacks.handshake(scope, receive, send, vendor, account)

    async def file(self, scope: Scope, receive: Receive, send: Send, ticket: str) -> None:
        await self.downloads.file(scope, receive, send, ticket)


TICKET = r"([A-Za-z0-9_-]{1,200})"
UUID = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
SIGNING = f"({'|'.join(VENDORS_THAT_SIGN)})"
ROUTES: list[tuple[re.Pattern[str], dict[str, Handler]]] = [
    (re.compile(rf"/callbacks/nabla/{TICKET}"), {"POST": Door.ticketed}),
    (re.compile(r"/callbacks/nabla"), {"POST": Door.posted}),
    (re.compile(rf"/callbacks/{SIGNING}/accounts/{UUID}"), {"POST": Door.webhook, "OPTIONS": Door.handshake}),
    (re.compile(rf"/files/{TICKET}"), {"GET": Door.file, "HEAD": Door.file}),
    (re.compile(r"/healthz"), {"GET": Door.healthz}),
    (re.compile(r"/readyz"), {"GET": Door.readyz}),
    (re.compile(r"/metrics"), {"GET": Door.metrics}),
]
