from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import URLValidator

from access.models import Clinic
from ingest import secrets
from ingest.models import VendorAccount
from vendors import VENDORS

OPTIONS = ("region", "environment", "transport", "partner_url", "streaming_url")


class Command(BaseCommand):
    help = "Gives a clinic its account at a vendor, in place of the one it has."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clinic", help="The clinic's slug.")
        parser.add_argument("vendor", help=f"One of: {', '.join(sorted(VENDORS))}.")
        parser.add_argument("--base-url", help="The vendor's own by default.")
        given = parser.add_mutually_exclusive_group(required=True)
        given.add_argument("--credentials", help="A JSON object, or - to read it from standard input.")
        given.add_argument("--credentials-file", help="A file that holds the JSON object.")
        for name in OPTIONS:
            parser.add_argument(f"--{name.replace('_', '-')}")

    def handle(self, *, clinic: str, vendor: str, **options: Any) -> None:
        owner = Clinic.objects.filter(slug=clinic).first()
        if owner is None:
            raise CommandError(f"There is no clinic {clinic!r}.")
        if vendor not in VENDORS:
            raise CommandError(f"There is no vendor {vendor!r}. Known: {', '.join(sorted(VENDORS))}.")
        credentials = read_credentials(options["credentials"], options["credentials_file"])
        if wrong := VENDORS[vendor].check_credentials(credentials):
            raise CommandError(" ".join(wrong))
        facts = {
            "base_url": check_address("--base-url", options["base_url"] or VENDORS[vendor].default_base_url),
            "options": read_options(options),
            "encrypted_credentials": secrets.encrypt(credentials),
        }
        VendorAccount.objects.update_or_create(clinic=owner, vendor=vendor, defaults=facts)
        self.stderr.write(f"{owner.slug} is connected to {VENDORS[vendor].title} at {facts['base_url']}.")


def read_options(options: Mapping[str, Any]) -> dict[str, str]:
    """The vendor's own options; those not given are left out."""
    given = {name: options[name] for name in OPTIONS if options[name]}
    for name in given.keys() & {"partner_url", "streaming_url"}:
        given[name] = check_address(f"--{name.replace('_', '-')}", given[name], ("http", "https", "ws", "wss"))
    return given


def read_credentials(text: str | None, file: str | None) -> dict[str, Any]:
    """The credentials given; what is wrong with them is said without repeating them."""
    try:
        if file:
            text = Path(file).read_text()
        credentials = json.loads(sys.stdin.read() if text == "-" else text or "")
    except OSError as error:
        raise CommandError(f"The credentials file cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise CommandError("The credentials are not JSON.") from None
    if not isinstance(credentials, dict):
        raise CommandError("The credentials must be a JSON object.")
    return credentials


def check_address(option: str, url: str, schemes: Sequence[str] = ("http", "https")) -> str:
    try:
        URLValidator(schemes=list(schemes))(url)
    except ValidationError:
        raise CommandError(f"{option} must be an address such as https://api.example/v1.") from None
    if len(url) > 500:
        raise CommandError(f"{option} takes 500 characters.")
    return url.rstrip("/")
