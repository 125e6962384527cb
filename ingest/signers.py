"""Whose signature a webhook at an account's address has to bear: the vendors' accounts, as the door last heard."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.fernet import InvalidToken

from ingest import secrets
from ingest.connections import Connections
from vendors import VENDORS

ACCOUNTS = "SELECT id, clinic_id, vendor, encrypted_credentials FROM ingest_vendoraccount WHERE vendor = ANY(%s)"
VENDORS_THAT_SIGN = [name for name, vendor in VENDORS.items() if vendor.signs_webhooks]


@dataclass(frozen=True, slots=True)
class Signer:
    id: UUID
    clinic_id: UUID
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
    """All of them at once: made-up accounts cost ten queries a second, however many they are.

    Whoever names one that is not known waits for the next of them. A secret that was taken away is still accepted for
    OLD_SECONDS.
    """

    OLD_SECONDS, DOUBTFUL_SECONDS = 10.0, 0.1

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self._known: dict[UUID, Signer] = {}
        self._heard_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def find(self, vendor: str, account_id: UUID) -> Signer | None:
        """Raises Unavailable."""
        if account_id not in self._known:
            await asyncio.sleep(self._heard_at + self.DOUBTFUL_SECONDS - time.monotonic())
            await self._hear()
        elif time.monotonic() - self._heard_at > self.OLD_SECONDS:
            await self._hear()
        signer = self._known.get(account_id)
        return signer if signer and signer.vendor == vendor else None

    async def _hear(self) -> None:
        """One query, for all who want to know at this moment."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        await asyncio.shield(self._asking)

    async def _ask(self) -> None:
        rows = await self.connections.rows(ACCOUNTS, VENDORS_THAT_SIGN)
        self._known = {row["id"]: Signer(**row) for row in rows}
        self._heard_at = time.monotonic()
