from __future__ import annotations

import os
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from access.models import Clinic, Membership
from notes.indexing import index_due
from notes.management.making import MADE, POOL, Making
from notes.models import Note

BATCH = 2000


class Command(BaseCommand):
    help = (
        "Makes consultations with transcripts and notes up, to try the service at its full size. Not for real clinics."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clinic", help="The clinic's slug.")
        parser.add_argument("--count", type=int, default=1_000_000, help="How many there are in the end.")
        parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="How many at once.")

    def handle(self, *, clinic: str, count: int, jobs: int, **options: Any) -> None:
        owner = Clinic.objects.filter(slug=clinic).first()
        if owner is None:
            raise CommandError(f"There is no clinic {clinic!r}.")
        if Note.objects.filter(clinic=owner).exclude(session__encounter_ref__startswith=MADE).exists():
            raise CommandError(f"{clinic} has notes that were not made here. Make a clinic of its own for these.")
        making = Making(owner.pk, count, reviewers(owner), timezone.now())
        begun, made = time.monotonic(), 0
        for done, new in self.batches(making, jobs):
            made += new
            if new or done == count:
                self.tell(done, count, made / (time.monotonic() - begun))

    def batches(self, making: Making, jobs: int) -> Iterator[tuple[int, int]]:
        """How many are there after each batch, and how many it made. All texts are indexed before any is copied."""
        own, copies = min(POOL, making.count), range(POOL, making.count, BATCH)
        yield own, making.make(range(own))
        while index_due():
            pass
        with ThreadPoolExecutor(jobs) as threads:
            running = [threads.submit(self.batch, making, range(at, min(at + BATCH, making.count))) for at in copies]
            try:
                for place, done in enumerate(as_completed(running), start=1):
                    yield min(own + place * BATCH, making.count), done.result()
            finally:
                threads.shutdown(cancel_futures=True)

    def batch(self, making: Making, numbers: range) -> int:
        """One thread's, on a connection that it closes."""
        try:
            return making.make(numbers)
        finally:
            connection.close()

    def tell(self, done: int, count: int, rate: float) -> None:
        left = f", {(count - done) / rate / 60:.0f} minutes left" if rate and done < count else ""
        self.stderr.write(f"{done:,} of {count:,} notes, {rate:,.0f} made a second{left}")


def reviewers(clinic: Clinic) -> list[int]:
    """Who has signed what is made. Raises CommandError where there is nobody."""
    people = Membership.objects.filter(clinic=clinic).exclude(role=Membership.Role.VIEWER).order_by("user")
    if not people:
        raise CommandError(f"Nobody signs notes at {clinic.slug}: make a reviewer with create_staff.")
    return list(people.values_list("user", flat=True))
