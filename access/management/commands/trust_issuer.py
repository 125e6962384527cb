from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from access import log, partners
from access.management.commands._given import issuer_of, text_of


class Command(BaseCommand):
    help = "Trusts the tokens of an identity provider, or no longer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="Exactly as its tokens name it in 'iss'.")
        wanted = parser.add_mutually_exclusive_group(required=True)
        wanted.add_argument("--name", help="How people call it.")
        wanted.add_argument("--revoke", action="store_true", help="Refuse its tokens from now on.")

    def handle(self, *, url: str, name: str | None, revoke: bool, **options: Any) -> None:
        if revoke:
            partners.distrust(issuer_of(url), by=log.command())
            self.stderr.write(f"{url} is no longer trusted.")
            return
        try:
            partners.check_url(url)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        partners.trust(url, name=text_of("--name", name, 100), by=log.command())
        self.stderr.write(f"{url} is trusted. Its applications may call once they are allowed: allow_application.")
