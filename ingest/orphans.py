"""Answers that partner systems pass on: which request each is for, and those whose request is not there yet.

An orphan is applied when its request appears. Both sides look again after their own commit: neither misses the other.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from config import leases
from ingest import tasks
from ingest.models import Callback, Submission
from vendors.base import Result

State = Callback.State


def addressee(callback: Callback, result: Result) -> Submission | None:
    """The try that an answer is for: its ticket's, else the one of the clinic that it names."""
    if callback.submission_id is not None:
        return Submission.objects.get(pk=callback.submission_id)
    return named(callback.clinic_id, callback.vendor, result)


def named(clinic_id: UUID, vendor: str, result: Result) -> Submission | None:
    """By `client_request_id`; an answer without one is for whom the vendor's own id names."""
    tries = Submission.objects.filter(clinic=clinic_id, request__vendor=vendor)
    if result.client_request_id is not None:
        return tries.filter(client_request_id=result.client_request_id).first()
    return tries.filter(vendor_request_id__iexact=result.ref).first() if result.ref else None


def look_again(callback: Callback, result: Result) -> None:
    """After an orphan was set aside: its request may have come while that was done."""
    name = result.client_request_id
    if callback.submission_id is None and name and named(callback.clinic_id, callback.vendor, result):
        recall(callback.clinic_id, name)


def recall(clinic_id: UUID, client_request_id: str) -> None:
    """The orphans that name this try are processed now. Called after the commit that made it."""
    waiting = Callback.objects.filter(clinic=clinic_id, state=State.ORPHAN, named_request=client_request_id)
    if waiting.update(state=State.STORED, attempts=0, problem="", **leases.due_again(timezone.now())):
        transaction.on_commit(tasks.ring_callbacks)


def recall_all() -> None:
    """Whatever was missed: the process ended between the commit that made a try and the look after it."""
    tries = Submission.objects.filter(
        clinic=OuterRef("clinic"), client_request_id=OuterRef("named_request"), request__vendor=OuterRef("vendor")
    )
    found = Callback.objects.filter(Exists(tries), state=State.ORPHAN).exclude(named_request="")
    if found.update(state=State.STORED, attempts=0, problem="", **leases.due_again(timezone.now())):
        tasks.ring_callbacks()
