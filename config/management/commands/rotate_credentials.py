from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from access import log
from access.log import Actor
from config import secrets
from feed.models import Endpoint
from feed.webhooks import endpoints
from ingest import accounts
from ingest.models import VendorAccount

BATCH = 100
#: Of each kind of row: what puts its secrets under the newest key, and says whether they were not.
SEALED: list[tuple[Any, Callable[..., bool]]] = [
    (VendorAccount, accounts.seal_anew),
    (Endpoint, endpoints.seal_anew),
]


class Command(BaseCommand):
    help = (
        "Encrypts all vendors' credentials and webhooks' secrets under the first of CREDENTIAL_KEYS. Can be stopped "
        "and run again."
    )

    def handle(self, **options: Any) -> None:
        done = looked_at = 0
        unreadable: list[UUID] = []
        for model, seal_anew in SEALED:
            for batch in batches(model):
                done += sum(sealed(row, seal_anew, log.command(), unreadable) for row in batch)
                looked_at += len(batch)
                self.stderr.write(f"{looked_at} accounts and webhooks looked at, {done} encrypted anew.")
        self.stderr.write(f"{done} of {looked_at} were encrypted anew; the others were under the first key already.")
        if unreadable:
            names = " ".join(str(key) for key in unreadable)
            raise CommandError(f"{len(unreadable)} can be decrypted with none of CREDENTIAL_KEYS: {names}")


def sealed(row: Any, seal_anew: Callable[..., bool], by: Actor, unreadable: list[UUID]) -> bool:
    try:
        return seal_anew(row, by=by)
    except secrets.InvalidToken:
        unreadable.append(row.pk)
        return False


def batches(model: Any) -> Iterator[list[Any]]:
    rows = model.objects.order_by("pk").only("pk", "clinic_id")
    last: list[Any] = list(rows[:BATCH])
    while last:
        yield last
        last = list(rows.filter(pk__gt=last[-1].pk)[:BATCH])
