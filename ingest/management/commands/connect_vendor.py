from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import log
from access.models import Clinic
from ingest import accounts
from ingest.models import VendorAccount
from vendors import VENDORS, origins
from vendors.base import VendorError

OPTIONS = (
    *("region", "environment", "transport", "pace", "recordings_per_second"),
    *("partner_url", "streaming_url", "streaming_api_version", "chunk_kib"),
)
#: What some of them may be, and how that is said.
FORMS = {
    "pace": ("real_time|fast", "real_time or fast"),
    "streaming_api_version": ("[0-9.-]{1,20}|none", "a version such as 1, or none"),
    "chunk_kib": ("[1-9][0-9]{0,3}", "a number of KiB below 10000, such as 64"),
    "recordings_per_second": (r"[0-9]{1,3}(\.[0-9])?", "a number below 1000, such as 5 or 0.5"),
}


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
            parser.add_argument(flag(name))
        parser.add_argument("--subscribe", action="store_true", help="Tell the vendor to send its webhooks here.")

    def handle(self, *, clinic: str, vendor: str, **options: Any) -> None:
        owner = Clinic.objects.filter(slug=clinic).first()
        if owner is None:
            raise CommandError(f"There is no clinic {clinic!r}.")
        if vendor not in VENDORS:
            raise CommandError(f"There is no vendor {vendor!r}. Known: {', '.join(sorted(VENDORS))}.")
        chosen = read_options(options)
        if wrong := VENDORS[vendor].check_options(chosen):
            raise CommandError(" ".join(wrong))
        if options["subscribe"] and not VENDORS[vendor].subscribes:
            raise CommandError(f"{VENDORS[vendor].title} cannot be told where to send webhooks: leave --subscribe out.")
        address = check_address("--base-url", options["base_url"] or VENDORS[vendor].home(chosen))
        facts: dict[str, Any] = {"base_url": address, "options": chosen}
        before = VendorAccount.objects.filter(clinic=owner, vendor=vendor).first()
        try:
            credentials = accounts.read(read_text(options["credentials"], options["credentials_file"]))
            account = accounts.connect(owner, vendor, credentials, **facts, by=log.command())
        except accounts.Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stderr.write(f"{owner.slug} is connected to {VENDORS[vendor].title} at {address}.")
        if gone := before and before.options.keys() - chosen.keys():
            named = ", ".join(f"{flag(name)} {before.options[name]}" for name in sorted(gone))
            self.stderr.write(f"It no longer has {named}: each time, give all that is to hold.")
        if options["subscribe"]:
            self.subscribe(account)
        if url := accounts.webhook_url(account):
            self.stderr.write("Its webhooks, where the vendor is told to send them, come to:")
            self.stdout.write(url)

    def subscribe(self, account: VendorAccount) -> None:
        """The account is kept whatever comes of it: it can be tried again."""
        try:
            account.connected().subscribe(accounts.webhook_url(account))
        except VendorError as error:
            call = f" The call's id, for its support: {error.call_id}." if error.call_id else ""
            raise CommandError(f"It is not subscribed: {error.message}{call}") from None
        self.stderr.write("It is subscribed.")


def flag(option: str) -> str:
    """As it is given."""
    return f"--{option.replace('_', '-')}"


def read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The vendor's own options; those not given are left out."""
    given: dict[str, Any] = {name: options[name] for name in OPTIONS if options[name]}
    for name in given.keys() & FORMS.keys():
        form, words = FORMS[name]
        if not re.fullmatch(form, given[name]):
            raise CommandError(f"{flag(name)} is {words}.")
    if "recordings_per_second" in given:
        given["recordings_per_second"] = float(given["recordings_per_second"])
    if "chunk_kib" in given:
        given["chunk_kib"] = int(given["chunk_kib"])
    for name in given.keys() & {"partner_url", "streaming_url"}:
        given[name] = check_address(flag(name), given[name], streams=True)
    return given


def read_text(text: str | None, file: str | None) -> str:
    try:
        return Path(file).read_text() if file else sys.stdin.read() if text == "-" else text or ""
    except OSError as error:
        raise CommandError(f"The credentials file cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError("The credentials are not JSON.") from None


def check_address(option: str, url: str, *, streams: bool = False) -> str:
    """As the guarded client will read it. `streams`: ws and wss are fit too."""
    plain = re.sub(r"(?i)^ws(s?):", r"http\1:", url) if streams else url
    try:
        origins.read(plain)
    except VendorError:
        raise CommandError(f"{option} must be an address such as https://api.example/v1.") from None
    if len(url) > 500:
        raise CommandError(f"{option} takes 500 characters.")
    return url.rstrip("/")
