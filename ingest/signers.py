"""Whose proof a webhook at an account's address has to bear: the vendors' accounts, as the door last heard."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

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
        """Several while they are rotated. Raises secrets.InvalidToken where CREDENTIAL_KEYS no longer open them."""
        credentials = secrets.decrypt(self.encrypted_credentials)
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
        self._turn = asyncio.Lock()
        #: The question that gathers who is wanted. One that is on its way takes nobody in any more.
        self._next: asyncio.Task[None] | None = None

    async def find(self, vendor: str, account_id: UUID, *, since: float | None = None) -> Signer | None:
        """As the row was `since` then on the clock of time.monotonic, or OLD_SECONDS ago. Raises Unavailable."""
        since = time.monotonic() - self.OLD_SECONDS if since is None else since
        signer, asked_at = self._known.get(account_id, (None, float("-inf")))
        if asked_at < since:
            self._wanted.add(account_id)
            self._next = self._next or asyncio.create_task(self._ask())
            await asyncio.shield(self._next)
            signer, _ = self._known.get(account_id, (None, 0.0))
        return signer if signer and signer.vendor == vendor else None

    async def _ask(self) -> None:
        async with self._turn:
            await asyncio.sleep(self._asked_at + self.PAUSE_SECONDS - time.monotonic())
            asked, self._wanted, self._next = self._wanted, set(), None
            self._asked_at = time.monotonic()
            rows = await self.connections.rows(ACCOUNTS, list(asked))
            for gone in asked - {row["id"] for row in rows}:
                self._known.pop(gone, None)
            self._known |= {row["id"]: (Signer(**row), self._asked_at) for row in rows}
