from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from access import log, programs
from access.management.commands._given import key_of


class Command(BaseCommand):
    help = "Revokes an API key: whoever uses it is refused from now on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="The key's prefix: the 12 characters after 'lp_'.")

    def handle(self, *, prefix: str, **options: Any) -> None:
        programs.revoke(key_of(prefix), by=log.command())
        self.stderr.write(f"API key {prefix} is revoked.")
