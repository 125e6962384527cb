"""Callbacks at the door: each way in proves its sender first, then reads the body, and answers once it is kept."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings

from access import limits, log
from access.issuers import Unreachable
from access.programs import UNKNOWABLE, Refused
from config.bodies import Receive, Scope, Send, header, headers, query
from ingest import metrics, tickets
from ingest.answers import CLOSE, NotTaken, answer, not_stored, reply
from ingest.connections import Connections, Unavailable
from ingest.gate import nobody_there, sender, slow_down, turned_away, unproven
from ingest.inbox import Inbox
from ingest.letters import Letter, Proof, Receipt
from ingest.partners import Partners
from ingest.rooms import Room, at_length, held, read
from ingest.signers import Signer, Signers
from vendors import VENDORS
from vendors.base import Proof as Proven
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
        # And those that are looked at a second time must not keep out any that are good at the first.
        self.doubted = Room(4 * settings.DOOR_MAX_BYTES)

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

    async def webhook(self, scope: Scope, receive: Receive, send: Send, name: str, account: str) -> None:
        """POST /callbacks/<vendor>/accounts/<account>: a vendor's webhook, proven under that account's secrets."""
        vendor = VENDORS[name]
        try:
            proof = vendor.read_proof(headers(scope), query(scope), datetime.now(UTC))
            signer = await self.signers.find(name, UUID(account))
            if signer is None:
                raise unproven(scope, "account")
            body = await read(scope, receive, self.unproven, self.accounts[signer.id])
            signer = await self.prove(proof, body, signer)
        except Rejected as rejection:
            raise unproven(scope, rejection.code) from None
        except Unavailable:
            raise not_stored("unavailable", CLOSE) from None
        except InvalidToken:  # ours to mend, by CREDENTIAL_KEYS: the sender is to come again
            raise not_stored("credentials", CLOSE) from None
        event, clinic_id = await at_length(body, vendor.event_id, headers(scope), body) or "", signer.clinic_id
        kept = Letter(name, body, content_type(scope), Proof.ACCOUNT, signer.id, clinic_id=clinic_id, event_id=event)
        await self.keep(kept, send)

    async def prove(self, proof: Proven, body: bytes, signer: Signer) -> Signer:
        """Who it proves to come from; what does not prove it may under secrets that the account was given just now.

        To some senders a refusal is final, and one who has the newer secret is right. Raises Rejected, Unavailable and
        InvalidToken.
        """
        try:
            await at_length(body, proof.verify, body, signer.webhook_secrets())
        except (Rejected, InvalidToken):
            with held(body, self.doubted):
                now = await self.signers.find(signer.vendor, signer.id, since=time.monotonic())
            if now is None or now.encrypted_credentials == signer.encrypted_credentials:
                raise
            await at_length(body, proof.verify, body, now.webhook_secrets())
            return now
        return signer

    async def handshake(self, scope: Scope, receive: Receive, send: Send, name: str, account: str) -> None:
        """OPTIONS /callbacks/<vendor>/accounts/<account>: whether a vendor's webhooks may come there."""
        allowed = VENDORS[name].handshake(headers(scope))
        if allowed is None:
            raise NotTaken(405, "method not allowed", "method", (b"allow", b"POST"), CLOSE)
        try:
            signer = await self.signers.find(name, UUID(account))
        except Unavailable:
            raise not_stored("unavailable", CLOSE) from None
        if signer is None:
            raise nobody_there(scope)
        await reply(
            send, 200, b"", *((key.encode("latin-1"), value.encode("latin-1")) for key, value in allowed.items())
        )

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
