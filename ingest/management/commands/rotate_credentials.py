from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from access import log
from config import secrets
from ingest import accounts
from ingest.models import VendorAccount

BATCH = 100


class Command(BaseCommand):
    help = "Encrypts all vendors' credentials under the first of CREDENTIAL_KEYS. Can be stopped and run again."

    def handle(self, **options: Any) -> None:
        done = looked_at = 0
        unreadable: list[UUID] = []
        for batch in batches():
            for account in batch:
                try:
                    done += accounts.seal_anew(account, by=log.command())
                except secrets.InvalidToken:
                    unreadable.append(account.pk)
            looked_at += len(batch)
            self.stderr.write(f"{looked_at} accounts looked at, {done} encrypted anew.")
        self.stderr.write(f"{done} of {looked_at} were encrypted anew; the others were under the first key already.")
        if unreadable:
            names = " ".join(str(key) for key in unreadable)
            raise CommandError(f"{len(unreadable)} can be decrypted with none of CREDENTIAL_KEYS: {names}")


def batches() -> Iterator[list[VendorAccount]]:
    rows = VendorAccount.objects.order_by("pk").only("pk", "clinic_id")
    last: list[VendorAccount] = list(rows[:BATCH])
    while last:
        yield last
        last = list(rows.filter(pk__gt=last[-1].pk)[:BATCH])
