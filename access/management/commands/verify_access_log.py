from __future__ import annotations

import re
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from access import sealing
from access.management.commands._given import NO_CLINIC, all_clinics, clinic_or_none
from access.verification import Verification

HEAD = re.compile(r"(?P<clinic>[^=]+)=(?P<number>[1-9][0-9]{0,9}):(?P<mac>[0-9a-f]{64})")
Heads = dict[str, dict[int, bytes]]


class Command(BaseCommand):
    help = (
        "Finds rows of the access log that were removed, changed or inserted: a line each, and exit code 1. "
        "Prints each clinic's head, to be noted elsewhere: with --head it is found out later whether the end was cut."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--clinic", help=f"Its slug, or {NO_CLINIC}; all by default.")
        parser.add_argument("--seal", action="store_true", help="First seal what is not sealed yet.")
        parser.add_argument("--head", action="append", default=[], help="A head as printed: <clinic>=<number>:<hex>.")

        parser.add_argument(
            "--lost-key", action="append", type=int, default=[], help="A version of TICKET_KEYS that is gone for good."
        )

    def handle(self, *, clinic: str | None, seal: bool, head: list[str], lost_key: list[int], **options: Any) -> None:
        self.lost_keys = lost_key
        known = all_clinics()
        noted = read_heads(head, {clinic: known.get(clinic)} if clinic else known)
        if clinic:
            found = clinic_or_none(clinic)
            known = {clinic: found.pk if found else None}
        if seal:
            self.stderr.write(f"{sealing.seal()} rows sealed.")
        wrong = sum(self.verify(name, clinic_id, noted.get(name, {})) for name, clinic_id in known.items())
        if wrong:
            raise CommandError(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong with the access log.")

    def verify(self, name: str, clinic_id: UUID | None, heads: dict[int, bytes]) -> int:
        """Prints what it finds of one clinic; returns how much is wrong."""
        wrong = 0
        checked = Verification(clinic_id, heads, lambda rows: self.tell(f"{name}: {rows} rows"), self.lost_keys)
        for finding in checked.findings():
            wrong += finding.is_wrong
            self.stdout.write(f"{name}: {finding.text}")
        head = f"{name}={checked.head[0]}:{checked.head[1].hex()}" if checked.head else "none"
        self.stdout.write(
            f"{name}: {checked.rows} rows in {checked.seals} seals checked, {checked.unsealed} rows not sealed yet. "
            f"Head: {head}"
        )
        return wrong

    def tell(self, line: str) -> None:
        self.stderr.write(line)


def read_heads(texts: list[str], known: dict[str, Any]) -> Heads:
    """Macs by clinic and number. Raises CommandError."""
    heads: Heads = {}
    for text in texts:
        match = HEAD.fullmatch(text)
        if not match or match["clinic"] not in known:
            raise CommandError(f"--head takes <clinic>=<number>:<hex> of a clinic that is verified, not {text!r}.")
        heads.setdefault(match["clinic"], {})[int(match["number"])] = bytes.fromhex(match["mac"])
    return heads
