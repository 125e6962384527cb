from __future__ import annotations

import contextlib
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from access import entries, log
from access.management.commands._given import NO_CLINIC, clinic_or_none
from access.models import AccessEntry, Clinic


class Command(BaseCommand):
    help = "Writes a clinic's access log for an auditor, oldest row first. That it was exported goes into the log too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clinic", help=f"The clinic's slug; {NO_CLINIC}: before a clinic was known.")
        parser.add_argument("--since", help="The first moment, such as 2026-03-01 or 2026-03-01T08:00:00+01:00.")
        parser.add_argument("--until", help="The moment after the last. Without an offset: by the clinic's clocks.")
        parser.add_argument("--format", choices=entries.FORMATS, default="csv", dest="file_format")
        parser.add_argument("--output", help="A file that is not there yet; standard output by default.")

    def handle(self, *, clinic: str, since: str | None, until: str | None, file_format: str, **options: Any) -> None:
        owner = clinic_or_none(clinic)
        rows = AccessEntry.objects.all()
        if since:
            rows = rows.filter(created_at__gte=read_time("--since", since, owner))
        if until:
            rows = rows.filter(created_at__lt=read_time("--until", until, owner))
        count = 0
        with opened(options["output"], self.stdout) as file:
            if head := entries.header(file_format):
                file.write(head)
            for line in entries.export(rows, owner, log.command(), file_format):
                file.write(line)
                count += 1
        self.stderr.write(f"{count} rows of {clinic} exported.")


def read_time(option: str, text: str, clinic: Clinic | None) -> datetime:
    """Raises CommandError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option} takes a time such as 2026-03-01T08:00:00+01:00, not {text!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(clinic.time_zone if clinic else "UTC"))


@contextlib.contextmanager
def opened(path: str | None, standard: Any) -> Iterator[Any]:
    """A new file that nobody else may read, or standard output. Raises CommandError."""
    if path is None:
        yield standard
        return
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
    with open(file, "w", encoding="utf-8", newline="") as text:
        yield text
