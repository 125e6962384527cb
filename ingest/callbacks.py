"""Callbacks at the door: each way in proves its sender first, then reads the body, and answers once it is kept."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings

from access import limits, log
from access.issuers import Unreachable
from access.programs import UNKNOWABLE, Refused
from config.bodies import Receive, Scope, Send, header, headers
from ingest import metrics, tickets
from ingest.answers import CLOSE, NotTaken, answer, not_stored
from ingest.connections import Connections, Unavailable
from ingest.gate import sender, slow_down, turned_away, unproven
from ingest.inbox import Inbox
from ingest.letters import Letter, Proof, Receipt
from ingest.partners import Partners
from ingest.rooms import Room, at_length, read
from ingest.signers import Signers
from vendors import VENDORS
from vendors.base import Rejected

PROVEN_BYTES, UNPROVEN_BYTES = 128 * 1024 * 1024, 96 * 1024 * 1024


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
            raise not_stored("unavailable", CLOSE) from None
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
            raise not_stored("unavailable", CLOSE) from None
        event, clinic_id = await at_length(body, vendor.event_id, headers(scope), body) or "", signer.clinic_id
        kept = Letter(name, body, content_type(scope), Proof.ACCOUNT, signer.id, clinic_id=clinic_id, event_id=event)
        await self.keep(kept, send)

    async def keep(self, letter: Letter, send: Send) -> None:
        try:
            receipt = await self.inbox.receive(letter)
        except Unavailable:
            raise not_stored("unavailable") from None
        if receipt is Receipt.UNKNOWN:
            raise NotTaken(404, "no such door", "unknown")
        if receipt is Receipt.TOO_MANY:
            raise NotTaken(429, "too many different bodies", "too_many", (b"retry-after", b"3600"))
        outcome = "stored" if receipt is Receipt.STORED else "duplicate"
        metrics.CALLBACKS.labels(letter.vendor, outcome).inc()
        await answer(send, 200, {"status": outcome})


def content_type(scope: Scope) -> str:
    return header(scope, b"content-type")
