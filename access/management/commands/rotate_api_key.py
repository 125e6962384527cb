from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import keys, log
from access.management.commands._given import key_of

MOST = int(keys.LONGEST_OVERLAP / timedelta(hours=1))


class Command(BaseCommand):
    help = "Makes a new key in place of one that goes on for a while. The new key alone goes to standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="The old key's prefix: the 12 characters after 'lp_'.")
        parser.add_argument("--hours", type=int, default=24, help="How long the old key goes on; 24 by default.")

    def handle(self, *, prefix: str, hours: int, **options: Any) -> None:
        if not 0 <= hours <= MOST:
            raise CommandError(f"--hours must be 0 to {MOST}.")
        try:
            key, token = keys.rotate(key_of(prefix), by=log.command(), overlap=timedelta(hours=hours))
        except keys.NotLive as refusal:
            raise CommandError(str(refusal)) from None
        self.stderr.write(f"API key {key.prefix} is in place of {prefix}, which ends in {hours} h or before.")
        self.stdout.write(token)
