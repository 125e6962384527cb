from __future__ import annotations

import re
import time
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from access import log
from access.management.commands._given import clinic_of
from access.models import Clinic
from config.bell import bell
from config.ids import first_id
from ingest import replays
from ingest.models import Callback
from ingest.processing import CAN_GO_AGAIN
from vendors import VENDORS

AGO = re.compile(r"([0-9]{1,4})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
SINCE = "30m, 2h or 3d ago, or a time such as 2026-11-20T08:00Z"
LOOK_SECONDS = 1.0
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
Found = dict[Clinic, dict[str, int]]


class Command(BaseCommand):
    help = "Has callbacks that rest processed again. Can be stopped and run again: it goes on with the rest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        clocks = "A time without an offset is by the clinic's clocks, and UTC where no clinic is named."
        states = f"One of: {', '.join(CAN_GO_AGAIN)}; failed by default. May be given several times."
        parser.add_argument("--clinic", help="The clinic's slug; every clinic by default.")
        parser.add_argument("--vendor", required=True, help=f"One of: {', '.join(sorted(VENDORS))}.")
        parser.add_argument("--since", required=True, help=f"Received since: {SINCE}. {clocks}")
        parser.add_argument("--state", action="append", dest="states", metavar="STATE", help=states)
        parser.add_argument("--dry-run", action="store_true", help="Only says how many there are.")
        parser.add_argument("--wait", action="store_true", help="Follows the workers until they are through.")

    def handle(self, *, clinic: str | None, vendor: str, since: str, states: list[str] | None, **options: Any) -> None:
        owner = clinic_of(clinic) if clinic else None
        self.vendor, self.states, self.since = vendor_of(vendor), states_of(states), read_moment(since, owner)
        clinics = {owner.pk: owner} if owner else Clinic.objects.in_bulk()
        rows = Callback.objects.filter(clinic__in=list(clinics), vendor=vendor, state__in=self.states)
        chosen = rows.filter(pk__gte=first_id(self.since))
        found = {clinics[clinic_id]: numbers for clinic_id, numbers in replays.counted(chosen).items()}
        self.stderr.write(f"{self.words(self.since)} {self.since:%Z}")
        if options["dry_run"]:
            self.tell(found)
            return
        try:
            self.replay(chosen, found, is_followed=options["wait"])
        except KeyboardInterrupt:
            raise CommandError("Stopped. What is due again is processed; run it again for the rest.") from None

    def words(self, since: datetime) -> str:
        return f"{self.vendor}, {' or '.join(self.states)}, since {since:%Y-%m-%d %H:%M}"

    def tell(self, found: Found) -> None:
        for clinic, numbers in found.items():
            self.stdout.write(f"{clinic.slug}: {listed(numbers)}")
        self.stdout.write(f"{total_of(found):,} would be processed again. Nothing was changed.")

    def replay(self, chosen: replays.Chosen, found: Found, *, is_followed: bool) -> None:
        """One replay a clinic."""
        totals: dict[UUID, int] = {}
        for clinic in found:
            words = self.words(self.since.astimezone(ZoneInfo(clinic.time_zone)))
            for made in replays.replay(clinic.pk, chosen, words, log.command()):
                totals[made.pk] = made.total
                self.report(sum(totals.values()), total_of(found), "are due again")
        bell.stop()  # its thread would end with this process, unrung
        if not totals:
            self.stderr.write("There is nothing to process again.")
        elif is_followed:
            self.follow(list(totals), sum(totals.values()))

    def follow(self, ids: list[UUID], total: int) -> None:
        """Until no worker has anything left to do, and then what came of it."""
        waiting, before = Callback.objects.filter(replay__in=ids, state=Callback.State.STORED), -1
        while (processed := total - waiting.count()) < total:
            if processed != before:
                self.report(processed, total, "are processed")
            before = processed
            time.sleep(LOOK_SECONDS)
        self.report(total, total, "are processed")
        self.stderr.write(f"{listed(replays.by_state(ids))}.")

    def report(self, done: int, total: int, what: str) -> None:
        self.stderr.write(f"{done:,} of {max(done, total):,} {what}.")  # more may have failed since they were counted


def listed(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {state}" for state, number in numbers.items())


def total_of(found: Found) -> int:
    return sum(sum(numbers.values()) for numbers in found.values())


def vendor_of(name: str) -> str:
    if name not in VENDORS:
        raise CommandError(f"There is no vendor {name!r}. Known: {', '.join(sorted(VENDORS))}.")
    return name


def states_of(given: list[str] | None) -> list[str]:
    """Each once, `failed` where none is given."""
    for state in given or []:
        if state not in CAN_GO_AGAIN:
            raise CommandError(f"{state!r} is no state to process again from. Give one of: {', '.join(CAN_GO_AGAIN)}.")
    return list(dict.fromkeys(given or [str(Callback.State.FAILED)]))


def read_moment(text: str, clinic: Clinic | None) -> datetime:
    """Raises CommandError for what is no moment of the past."""
    now = timezone.now()
    if ago := AGO.fullmatch(text):
        return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--since takes {SINCE}, not {text!r}.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(clinic.time_zone) if clinic else UTC)
    if not EARLIEST <= moment <= now:
        raise CommandError(f"--since takes a time of the past: {SINCE}.")
    return moment
