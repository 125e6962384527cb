from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from access import log
from access.management.commands._given import clinic_of
from access.models import Clinic
from ingest import leftovers, removal
from ingest.models import Session

EARLIEST = date(2000, 1, 1)
NOT_OWNER = "This database role may not delete notes. Run it as the database's owner: DATABASE_URL=<the owner's>."


class Command(BaseCommand):
    help = (
        "Removes sessions with their audio, requests, transcripts, notes and recordings, as the database's owner. The"
        " access log stays. Can be stopped and run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clinic", help="The clinic's slug.")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--before", help="Sessions opened before this day of the clinic's, such as 2020-01-01.")
        which.add_argument("--session", nargs="+", type=UUID, dest="ids", metavar="ID", help="These sessions.")
        parser.add_argument("--dry-run", action="store_true", help="Only says how many there are.")
        parser.add_argument("--force", action="store_true", help="Also what is in progress: nothing more comes of it.")

    def handle(self, *, clinic: str, before: str | None, ids: list[UUID] | None, **options: Any) -> None:
        owner = clinic_of(clinic)
        moment = first_moment(before, owner) if before else None
        sessions = removal.older_than(owner, moment) if moment else named(owner, ids or [])
        if options["dry_run"]:
            self.tell(owner, moment, sessions)
            return
        if not may_delete():
            raise CommandError(NOT_OWNER)
        try:
            kept = self.remove(owner, sessions, is_forced=options["force"])
            self.empty(owner, moment)
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run it again for the rest.") from None
        self.conclude(kept, leftovers.delete_files(owner))

    def tell(self, clinic: Clinic, moment: datetime | None, sessions: QuerySet[Session]) -> None:
        waiting = Counter(why for chunk in removal.chunks(sessions) for why in removal.in_progress(chunk).values())
        strays = leftovers.strays(clinic, moment).count() if moment else 0
        self.stdout.write(f"{sessions.count():,} sessions would be removed, and {strays:,} stray callbacks emptied.")
        for why, number in waiting.items():
            self.stdout.write(f"{number:,} of them only by --force: {why}.")
        self.stdout.write("Nothing was changed.")

    def remove(self, clinic: Clinic, sessions: QuerySet[Session], *, is_forced: bool) -> dict[UUID, str]:
        """Why some are kept."""
        total, kept, removed = sessions.count(), dict[UUID, str](), Counter[str]()
        for chunk in removal.chunks(sessions):
            for session_id in chunk:
                try:
                    removed += removal.remove(session_id, by=log.command(), is_forced=is_forced)
                except removal.Kept as error:
                    kept[session_id] = str(error)
            leftovers.delete_files(clinic)
            self.stderr.write(f"{removed['sessions']:,} of {total:,} sessions are removed.")
        self.stderr.write(f"Removed: {listed(removed)}.")
        return kept

    def empty(self, clinic: Clinic, moment: datetime | None) -> None:
        if moment:
            emptied = sum(leftovers.empty_strays(clinic, moment, log.command()))
            self.stderr.write(f"{emptied:,} stray callbacks are emptied.")

    def conclude(self, kept: dict[UUID, str], files: list[str]) -> None:
        """Raises CommandError where not all is gone."""
        for session_id, why in kept.items():
            self.stdout.write(f"{session_id} is kept: {why}.")
        for key in files:
            self.stdout.write(f"{key} is still in the storage.")
        if kept or files:
            raise CommandError(
                f"{len(kept):,} sessions are kept and {len(files):,} files still there. Run it again for these."
            )


def listed(removed: Counter[str]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in sorted(removed.items())) or "nothing"


def named(clinic: Clinic, ids: Iterable[UUID]) -> QuerySet[Session]:
    """Raises CommandError where one is not the clinic's."""
    found: QuerySet[Session] = Session.objects.for_clinic(clinic).filter(pk__in=ids)
    if unknown := set(ids) - set(found.values_list("pk", flat=True)):
        raise CommandError(f"{clinic.slug} has no session {', '.join(map(str, sorted(unknown)))}.")
    return found


def first_moment(text: str, clinic: Clinic) -> datetime:
    """Of the day, by the clinic's clocks. Raises CommandError for what is no day of the past."""
    zone = ZoneInfo(clinic.time_zone)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--before takes a day such as 2020-01-01, not {text!r}.") from None
    if not EARLIEST <= day <= timezone.now().astimezone(zone).date():
        raise CommandError("--before takes a day since 2000, today at the latest.")
    return datetime.combine(day, time.min, zone)


def may_delete() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('notes_note', 'DELETE')")
        return bool(cursor.fetchone()[0])
