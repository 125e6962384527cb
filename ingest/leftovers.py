"""What removing sessions leaves to be done: their files, and callbacks that have no session to be removed with."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When

from access import log as access_log
from access.log import Actor
from access.models import AccessEntry, Clinic
from config import leases
from config.ids import first_id
from ingest.models import Callback, RemovedFile
from ingest.models.callback import PROBLEMS

log = logging.getLogger(__name__)

CHUNK = 1000
EMPTIED = "Nothing came of it, and its body was removed."
State = Callback.State
#: Nobody has to look at these any more, and none is processed again: there is nothing to process.
IN_QUESTION = [*PROBLEMS, State.STORED, State.NOTICE]


# --- Files
def delete_files(clinic: Clinic) -> list[str]:
    """Deletes the files of what was removed. Returns those that the storage did not delete: they stay listed here."""
    left: list[str] = []
    files = RemovedFile.objects.for_clinic(clinic).order_by("pk")
    chunk = list(files[:CHUNK])
    while chunk:
        left += [file.storage_key for file in chunk if not _deleted(file)]
        chunk = list(files.filter(pk__gt=chunk[-1].pk)[:CHUNK])
    return left


def _deleted(file: RemovedFile) -> bool:
    try:
        default_storage.delete(file.storage_key)
    except Exception as error:  # whatever the storage raises: the row remembers the file
        log.warning("file %s of what was removed is still there: %s", file.pk, type(error).__name__)
        return False
    RemovedFile.objects.filter(pk=file.pk).delete()
    return True


# --- Callbacks
def empty(callbacks: QuerySet[Callback], why: str) -> int:
    """Takes their bodies and whatever leads to others; the key and the digest stay. Returns how many there were."""
    rest = Case(When(state__in=IN_QUESTION, then=Value(State.NOT_APPLIED)), default=F("state"))
    facts = {"body": None, "submission": None, "request": None, "named_request": "", "problem": why, "state": rest}
    return callbacks.update(**facts, **leases.finished())


def empty_strays(clinic: Clinic, moment: datetime, by: Actor) -> Iterator[int]:
    """Takes the bodies of what was received before and belongs to no session. Yields how many, a chunk at a time."""
    while ids := _empty_some(clinic, moment, by):
        yield len(ids)


@transaction.atomic
def _empty_some(clinic: Clinic, moment: datetime, by: Actor) -> list[UUID]:
    free = strays(clinic, moment).select_for_update(skip_locked=True, no_key=True).order_by("pk")
    ids = list(free.values_list("pk", flat=True)[:CHUNK])
    if ids:
        empty(Callback.objects.filter(pk__in=ids), EMPTIED)
        changed = AccessEntry.Action.CHANGED
        access_log.note(by, changed, clinic.pk, "callback", [str(key) for key in ids], mode="emptied")
    return ids


def strays(clinic: Clinic, moment: datetime) -> QuerySet[Callback]:
    """Orphans, junk and the like that were received before. What is still to be processed is none of them."""
    found = Callback.objects.for_clinic(clinic).filter(pk__lt=first_id(moment), request=None, submission=None)
    rest: QuerySet[Callback] = found.filter(body__isnull=False).exclude(state=State.STORED)
    return rest
