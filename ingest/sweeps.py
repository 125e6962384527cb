"""What a lost bell missed. Every few seconds, one sweep at a time, a bounded number of bells."""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction

from config import leases
from ingest import asking, inquiries, orphans, submission, tasks
from ingest.models import Callback
from notes import quiet
from recordings import archive, links, waveforms
from recordings.tasks import ring_archive, ring_links

SWEEP_LOCK = 0x11570
MOST_SUBMISSIONS = 50


def sweep() -> None:
    """Rings for whatever waits and a lost bell may have left; asks again for what is overdue where wished."""
    with transaction.atomic():
        if not alone():
            return
        orphans.recall_all()
        submissions = [*submission.due("link", MOST_SUBMISSIONS), *submission.due("stream", 1)]
        is_due = leases.due_ids(Callback, 1) or quiet.is_due()
    for submission_id, vendor in submissions:
        tasks.ring_submission(submission_id, vendor)
    if inquiries.is_due():
        tasks.ring_inquiries()
    if is_due:
        tasks.ring_callbacks()
    if waveforms.is_due():
        tasks.ring_waveforms()
    if archive.is_due():
        ring_archive()
    if links.is_due():
        ring_links()
    if settings.CALLBACK_ASK_AGAIN:
        asking.ask_overdue_again(MOST_SUBMISSIONS)


def alone() -> bool:
    """Whether no other sweep runs at this moment: two beats must do no harm."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SWEEP_LOCK])
        return bool(cursor.fetchone()[0])
