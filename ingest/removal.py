"""Removing sessions whole, as the database's owner: a session a transaction. Its files go after it: leftovers.py.

What stays: the access log, events that hold ids alone, and of each callback its key and digest, so that an old repeat
is still a duplicate. Other answers that come later find nobody: the ticket's submission is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from access import log as access_log
from access.log import Actor
from access.models import AccessEntry, Clinic
from config import rows
from config.ids import first_id
from ingest import leftovers
from ingest.models import AsyncRequest, Audio, Callback, Inquiry, RemovedFile, Session, Submission, Utterance
from notes import removal as notes
from recordings import downloads
from recordings import removal as recordings

CHUNK = 500
UNFINISHED = ("queued", "submitting", "waiting")
AT_WORK = "somebody is at it at this moment: run this again"
REMOVED = "Its session was removed, and its body with it."


class Kept(Exception):
    """The session was not removed. The text says why."""


# --- Which
def older_than(clinic: Clinic, moment: datetime) -> QuerySet[Session]:
    """The clinic's sessions that were opened before."""
    found: QuerySet[Session] = Session.objects.for_clinic(clinic).filter(pk__lt=first_id(moment))
    return found


def chunks(sessions: QuerySet[Session]) -> Iterator[list[UUID]]:
    """Their ids, the oldest first."""
    ids = sessions.order_by("pk").values_list("pk", flat=True)
    chunk = list(ids[:CHUNK])
    while chunk:
        yield chunk
        chunk = list(ids.filter(pk__gt=chunk[-1])[:CHUNK])


def in_progress(session_ids: Collection[UUID]) -> dict[UUID, str]:
    """Why some of the sessions are not to be removed unless somebody insists."""
    asked = AsyncRequest.objects.filter(session__in=session_ids)
    unprocessed = asked.filter(callbacks__state=Callback.State.STORED)
    return {
        **dict.fromkeys(recordings.uncopied(session_ids), "a recording is still to be copied"),
        **dict.fromkeys(notes.under_review(session_ids), "somebody has its note in hand"),
        **dict.fromkeys(unprocessed.values_list("session", flat=True), "an answer is not processed yet"),
        **dict.fromkeys(
            asked.filter(state__in=UNFINISHED).values_list("session", flat=True), "a request is not finished"
        ),
    }


# --- One session
def remove(session_id: UUID, *, by: Actor, is_forced: bool = False) -> Counter[str]:
    """Removes a session and all that is below it; says how many rows there were of what. Raises Kept.

    leftovers.delete_files deletes its files.
    """
    try:
        with transaction.atomic():
            return _remove(session_id, by, is_forced)
    except OperationalError as error:  # it waited too long for somebody else, or each for the other
        if connection.is_usable():
            raise Kept(AT_WORK) from error
        raise


def _remove(session_id: UUID, by: Actor, is_forced: bool) -> Counter[str]:
    # Requests before their session, as whoever applies an answer does. Not by a weaker lock: the door, which stores
    # callbacks that refer to them, has to wait, and then finds nobody.
    request_ids = _locked(AsyncRequest.objects.filter(session=session_id))
    session = Session.objects.select_for_update().filter(pk=session_id).first()
    if session is None:
        return Counter()
    submission_ids = _locked(Submission.objects.filter(request__in=request_ids))
    notes.hold(session_id)
    if _is_held(session_id, request_ids, submission_ids):
        raise Kept(AT_WORK)
    if not is_forced and (why := in_progress([session_id])):
        raise Kept(why[session_id])
    copies = recordings.copies(session_id)
    keys = [*Audio.objects.filter(session=session_id).values_list("storage_key", flat=True), *copies.keys]
    RemovedFile.objects.bulk_create(RemovedFile(clinic_id=session.clinic_id, storage_key=key) for key in keys)
    transaction.on_commit(partial(downloads.forget, copies.part_ids))
    access_log.record(by, AccessEntry.Action.CHANGED, [session], mode="removed")
    return _delete(session_id, request_ids, submission_ids)


def _locked(found: QuerySet[Any]) -> list[UUID]:
    return list(found.select_for_update().order_by("pk").values_list("pk", flat=True))


def _is_held(session_id: UUID, request_ids: list[UUID], submission_ids: list[UUID]) -> bool:
    """Whether a worker is at any of it, or a request came while the others were being locked."""
    of_these = Q(submission__in=submission_ids)
    leased = Q(lease_until__gt=timezone.now())
    return (
        AsyncRequest.objects.filter(session=session_id).exclude(pk__in=request_ids).exists()
        or Submission.objects.filter(leased, pk__in=submission_ids).exists()
        or Inquiry.objects.filter(leased & of_these).exists()
        or Callback.objects.filter(leased & (of_these | Q(request__in=request_ids))).exists()
        or recordings.is_held(session_id)
    )


def _delete(session_id: UUID, request_ids: list[UUID], submission_ids: list[UUID]) -> Counter[str]:
    removed = notes.remove(session_id) + recordings.remove(session_id)
    rows.delete(Inquiry.objects.filter(submission__in=submission_ids))
    rows.delete(Utterance.objects.filter(submission__in=submission_ids))
    callbacks = Callback.objects.filter(Q(submission__in=submission_ids) | Q(request__in=request_ids))
    removed["callbacks"] = leftovers.empty(callbacks, REMOVED)
    rows.delete(Submission.objects.filter(pk__in=submission_ids))
    removed["requests"] = rows.delete(AsyncRequest.objects.filter(pk__in=request_ids))
    removed["audio"] = rows.delete(Audio.objects.filter(session=session_id))
    removed["sessions"] = rows.delete(Session.objects.filter(pk=session_id))
    return removed
