"""Answers that do not come to the address of one try: which try each is for, and those whose request is not there yet.

An orphan is applied when its request appears. Both sides look again after their own commit: neither misses the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from config import leases
from ingest import tasks
from ingest.models import Callback, Submission

State = Callback.State

NAMED = """
SELECT named.place, found.id, found.request_id
FROM unnest(%s::int[], %s::uuid[], %s::text[], %s::text[]) AS named (place, clinic_id, vendor, name)
CROSS JOIN LATERAL (
    SELECT submission.id, submission.request_id
    FROM ingest_submission AS submission JOIN ingest_asyncrequest AS request ON request.id = submission.request_id
    WHERE submission.clinic_id = named.clinic_id AND request.vendor = named.vendor AND {condition}
    ORDER BY submission.id LIMIT 1) AS found
"""
BY_OUR_NAME = NAMED.format(condition="submission.client_request_id = named.name")
BY_VENDORS_NAME = NAMED.format(condition="upper(submission.vendor_request_id) = upper(named.name)")


class Addressee(NamedTuple):
    """The try that an answer is for."""

    submission_id: UUID
    request_id: UUID


class Name(NamedTuple):
    """What an answer calls its try: by `client_request_id`; one without it, by the vendor's own id."""

    clinic_id: UUID
    vendor: str
    client_request_id: str | None
    ref: str | None


def addressees(names: Sequence[Name]) -> list[Addressee | None]:
    """The tries of the clinics that these names mean, each in its place; None for nobody's."""
    ours = {place: name.client_request_id for place, name in enumerate(names) if name.client_request_id is not None}
    theirs = {place: name.ref for place, name in enumerate(names) if place not in ours and name.ref}
    found: dict[int, Addressee] = {}
    for statement, called in ((BY_OUR_NAME, ours), (BY_VENDORS_NAME, theirs)):
        if called:
            wanted = [(place, names[place].clinic_id, names[place].vendor, name) for place, name in called.items()]
            found |= _look_up(statement, wanted)
    return [found.get(place) for place in range(len(names))]


def _look_up(statement: str, wanted: Sequence[tuple[object, ...]]) -> dict[int, Addressee]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in zip(*wanted, strict=True)])
        return {place: Addressee(*ids) for place, *ids in cursor.fetchall()}


def look_again(names: Sequence[Name]) -> None:
    """After orphans of these names were set aside: their requests may have come while that was done."""
    named = [name for name in names if name.client_request_id]
    for name, found in zip(named, addressees(named), strict=True):
        if found:
            recall(name.clinic_id, name.client_request_id or "")


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
