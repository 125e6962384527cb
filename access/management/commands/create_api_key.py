from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from access import keys, log
from access.models import Clinic, Scope


class Command(BaseCommand):
    help = "Creates an API key of a clinic. The key alone goes to standard output; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clinic", help="The clinic's slug.")
        parser.add_argument("--name", required=True, help="What uses it, such as 'EHR'.")
        parser.add_argument("--scope", required=True, nargs="+", action="extend", help="What it may do.")
        parser.add_argument("--days", type=int, help="How long it lives; until it is revoked by default.")

    def handle(self, *, clinic: str, name: str, scope: list[str], days: int | None, **options: Any) -> None:
        owner = Clinic.objects.filter(slug=clinic).first()
        if owner is None:
            raise CommandError(f"There is no clinic {clinic!r}.")
        if unknown := sorted(set(scope) - set(Scope.values)):
            raise CommandError(f"Unknown: {', '.join(unknown)}. Known scopes: {', '.join(Scope.values)}.")
        if not 0 < len(name) <= 100:
            raise CommandError("--name takes 1 to 100 characters.")
        if days is not None and not 0 < days < 36_500:
            raise CommandError("--days must be above zero and below 36500.")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        key, token = keys.create(owner, name=name, scopes=sorted(set(scope)), expires_at=expires_at, by=log.command())
        self.stderr.write(f"API key {key.prefix} of {owner.slug}: {', '.join(key.scopes)}. It is shown this once.")
        self.stdout.write(token)
