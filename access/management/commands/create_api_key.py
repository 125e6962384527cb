from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from access import keys, log
from access.management.commands._given import clinic_of, expiry_of, scopes_of, take_program, text_of


class Command(BaseCommand):
    help = "Creates an API key of a clinic. The key alone goes to standard output; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clinic", help="The clinic's slug.")
        take_program(parser)

    def handle(self, *, clinic: str, name: str, scope: list[str], days: int | None, **options: Any) -> None:
        owner, scopes = clinic_of(clinic), scopes_of(scope)
        name, expires_at = text_of("--name", name, 100), expiry_of(days)
        key, token = keys.create(owner, name=name, scopes=scopes, expires_at=expires_at, by=log.command())
        self.stderr.write(f"API key {key.prefix} of {owner.slug}: {', '.join(key.scopes)}. It is shown this once.")
        self.stdout.write(token)
