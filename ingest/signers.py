"""Whose signature a webhook at an account's address has to bear: the vendors' accounts, as the door last heard."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.fernet import InvalidToken

from config import secrets
from ingest.connections import Connections
from vendors import VENDORS

#: One whose webhooks come for several clinics proves none of them.
ACCOUNTS = """
SELECT id, vendor, encrypted_credentials, CASE WHEN NOT EXISTS (
    SELECT FROM ingest_vendoraccount AS other
    WHERE other.partner <> '' AND other.vendor = own.vendor AND other.partner = own.partner AND other.id <> own.id
) THEN clinic_id END AS clinic_id
FROM ingest_vendoraccount AS own WHERE id = ANY(%s)
"""
VENDORS_THAT_SIGN = [name for name, vendor in VENDORS.items() if vendor.signs_webhooks]


@dataclass(frozen=True, slots=True)
class Signer:
    """`clinic_id`: None where the account shares its webhooks with those of other clinics."""

    id: UUID
    clinic_id: UUID | None
    vendor: str
    encrypted_credentials: bytes = field(repr=False)

    def webhook_secrets(self) -> list[str]:
        """Several while they are rotated; none where CREDENTIAL_KEYS no longer open them."""
        try:
            credentials = secrets.decrypt(self.encrypted_credentials)
        except InvalidToken:
            return []
        return list(VENDORS[self.vendor].webhook_secrets(credentials))


class Signers:
    """Asked for together, ten times a second at most: so made-up accounts cost no more, however many they are.

    Whoever names one that is not known waits for that. A secret that was taken away is accepted for OLD_SECONDS more.
    """

    OLD_SECONDS, PAUSE_SECONDS = 10.0, 0.1

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self._known: dict[UUID, tuple[Signer, float]] = {}
        self._wanted: set[UUID] = set()
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def find(self, vendor: str, account_id: UUID) -> Signer | None:
        """Raises Unavailable."""
        signer, heard_at = self._known.get(account_id, (None, float("-inf")))
        if time.monotonic() - heard_at > self.OLD_SECONDS:
            self._wanted.add(account_id)
            while account_id in self._wanted:
                if self._asking is None or self._asking.done():
                    self._asking = asyncio.create_task(self._ask())
                await asyncio.shield(self._asking)
            signer, _ = self._known.get(account_id, (None, 0.0))
        return signer if signer and signer.vendor == vendor else None

    async def _ask(self) -> None:
        await asyncio.sleep(self._asked_at + self.PAUSE_SECONDS - time.monotonic())
        self._asked_at, asked = time.monotonic(), set(self._wanted)
        try:
            rows = await self.connections.rows(ACCOUNTS, list(asked))
        finally:
            self._wanted -= asked
        for gone in asked - {row["id"] for row in rows}:
            self._known.pop(gone, None)
        self._known |= {row["id"]: (Signer(**row), time.monotonic()) for row in rows}
