"""Callbacks at the door: each way in proves its sender first, then reads the body, and answers once it is kept."""

from __future__ import annotations

import asyncio
import io
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings

from access import limits, log
from access.issuers import Unreachable
from access.programs import UNKNOWABLE, Refused
from config.bodies import Gone, Receive, Scope, Send, TooLarge, TooSlow, gather, header, headers
from ingest import metrics, tickets
from ingest.answers import CLOSE, RETRY, NotTaken, answer
from ingest.connections import Connections, Unavailable
from ingest.gate import sender, slow_down, turned_away, unproven
from ingest.inbox import Inbox
from ingest.letters import Letter, Proof, Receipt
from ingest.partners import Partners
from ingest.signers import Signers
from vendors import VENDORS
from vendors.base import Rejected

PROVEN_BYTES, UNPROVEN_BYTES = 128 * 1024 * 1024, 96 * 1024 * 1024
#: Hashing and reading more than this takes longer than others should wait for the event loop.
LONG = 256 * 1024
NOT_STORED = "not stored, try again"
Found = TypeVar("Found")


class Callbacks:
    def __init__(self, connections: Connections, inbox: Inbox) -> None:
        self.inbox = inbox
        self.partners, self.signers = Partners(connections), Signers(connections)
        # Bodies that are being read. One that proves itself only when it is whole must not keep out those that have,
        # nor those at one account's address those at another's.
        self.proven, self.unproven = Room(PROVEN_BYTES), Room(UNPROVEN_BYTES)
        self.accounts: defaultdict[UUID, Room] = defaultdict(lambda: Room(2 * settings.DOOR_MAX_BYTES))

    async def ticketed(self, scope: Scope, receive: Receive, send: Send, ticket: str) -> None:
        """POST /callbacks/nabla/<ticket>: a vendor's answer, at the address made for one submission."""
        submission_id = tickets.read_callback(ticket)
        if submission_id is None:
            raise unproven(scope, "ticket")
        body = await read(scope, receive, self.proven)
        await self.keep(Letter("nabla", body, content_type(scope), Proof.TICKET, submission_id), send)

    async def posted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """POST /callbacks/nabla: an answer that a partner system of the clinic passes on."""
        try:
            program = await self.partners.identify(scope)
        except Refused as refusal:
            raise turned_away(scope, refusal) from None
        except Unreachable:
            raise turned_away(scope, UNKNOWABLE) from None
        except Unavailable:
            raise NotTaken(503, NOT_STORED, "unavailable", RETRY, CLOSE) from None
        if wait := await limits.admit(program.pk):
            raise slow_down(wait)
        body = await read(scope, receive, self.proven)
        who, clinic_id = log.of_program(program, sender(scope)), program.clinic_id
        kept = Letter("nabla", body, content_type(scope), who.kind, clinic_id, clinic_id=clinic_id, sender=who)
        await self.keep(kept, send)

    async def signed(self, scope: Scope, receive: Receive, send: Send, name: str, account: str) -> None:
        """POST /callbacks/<vendor>/accounts/<account>: a vendor's webhook, signed under that account's secrets."""
        vendor = VENDORS[name]
        try:
            signature = vendor.read_signature(headers(scope), datetime.now(UTC))
            signer = await self.signers.find(name, UUID(account))
            if signer is None:
                raise unproven(scope, "account")
            body = await read(scope, receive, self.unproven, self.accounts[signer.id])
            await at_length(body, signature.verify, body, signer.webhook_secrets())
        except Rejected as rejection:
            raise unproven(scope, rejection.code) from None
        except Unavailable:
            raise NotTaken(503, NOT_STORED, "unavailable", RETRY, CLOSE) from None
        event, clinic_id = await at_length(body, vendor.event_id, body) or "", signer.clinic_id
        kept = Letter(name, body, content_type(scope), Proof.ACCOUNT, signer.id, clinic_id=clinic_id, event_id=event)
        await self.keep(kept, send)

    async def keep(self, letter: Letter, send: Send) -> None:
        try:
            receipt = await self.inbox.receive(letter)
        except Unavailable:
            raise NotTaken(503, NOT_STORED, "unavailable", RETRY) from None
        if receipt is Receipt.UNKNOWN:
            raise NotTaken(404, "no such door", "unknown")
        if receipt is Receipt.TOO_MANY:
            raise NotTaken(429, "too many different bodies", "too_many", (b"retry-after", b"3600"))
        outcome = "stored" if receipt is Receipt.STORED else "duplicate"
        metrics.CALLBACKS.labels(letter.vendor, outcome).inc()
        await answer(send, 200, {"status": outcome})


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


async def at_length(body: bytes, work: Callable[..., Found], *arguments: Any) -> Found:
    """What `work` gives, on a thread where the body is long."""
    return await asyncio.to_thread(work, *arguments) if len(body) > LONG else work(*arguments)


async def read(scope: Scope, receive: Receive, *rooms: Room) -> bytes:
    """The whole body. Raises NotTaken."""
    with Body(*rooms) as body:
        try:
            await gather(scope, receive, body, limit=settings.DOOR_MAX_BYTES, seconds=settings.DOOR_BODY_SECONDS)
        except TooLarge:
            raise NotTaken(413, f"larger than {settings.DOOR_MAX_BYTES} bytes", "too_large", CLOSE) from None
        except TooSlow:
            raise NotTaken(408, "the body did not come in time", "too_slow", CLOSE) from None
        except Gone:  # or its chunks are malformed; whoever still listens is told
            raise NotTaken(400, "the body broke off", "broken_off", CLOSE) from None
        except Full:
            raise NotTaken(503, NOT_STORED, "full", RETRY, CLOSE) from None
        return body.getvalue()


def content_type(scope: Scope) -> str:
    return header(scope, b"content-type")
