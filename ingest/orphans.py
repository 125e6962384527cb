"""Answers that do not come to the address of one try: which try each is for, and those whose request is not there yet.

An orphan is applied when its request appears. Both sides look again after their own commit: neither misses the other.
A webhook that several clinics of a partner share is of no clinic until its try is found among theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, Value
from django.db.models.functions import Upper
from django.utils import timezone

from config import leases
from ingest import tasks
from ingest.models import Callback, Submission, VendorAccount

State = Callback.State

#: Where the try of a callback is looked for.
CLINICS = """
    SELECT {row}.clinic_id AS id WHERE {row}.clinic_id IS NOT NULL
    UNION ALL SELECT account.clinic_id FROM ingest_vendoraccount AS proven
        JOIN ingest_vendoraccount AS account USING (vendor, partner)
        WHERE {row}.clinic_id IS NULL AND proven.id = {row}.proven_id"""
NAMED = f"""
SELECT named.place, found.id, found.request_id, found.clinic_id
FROM unnest(%s::int[], %s::uuid[], %s::uuid[], %s::text[], %s::text[])
    AS named (place, clinic_id, proven_id, vendor, name)
CROSS JOIN LATERAL (
    SELECT submission.id, submission.request_id, submission.clinic_id
    FROM ({CLINICS.format(row="named")}) AS clinic
    JOIN ingest_submission AS submission ON submission.clinic_id = clinic.id
    JOIN ingest_asyncrequest AS request ON request.id = submission.request_id
    WHERE request.vendor = named.vendor AND {{condition}}
    ORDER BY submission.id LIMIT 1) AS found
"""  # noqa: S608 (our own names)
BY_OUR_NAME = NAMED.format(condition="submission.client_request_id = named.name")
BY_VENDORS_NAME = NAMED.format(condition="upper(submission.vendor_request_id) = upper(named.name)")
RECALL = f"""
UPDATE ingest_callback AS orphan
SET state = '{State.STORED}', attempts = 0, problem = '', next_attempt_at = now(), lease_until = NULL,
    lease_token = NULL
WHERE state = '{State.ORPHAN}' AND named_request <> '' AND EXISTS (
    SELECT FROM ({CLINICS.format(row="orphan")}) AS clinic
    JOIN ingest_submission AS submission ON submission.clinic_id = clinic.id AND (
        submission.client_request_id = orphan.named_request
        OR upper(submission.vendor_request_id) = upper(orphan.named_request))
    JOIN ingest_asyncrequest AS request ON request.id = submission.request_id AND request.vendor = orphan.vendor)
"""  # noqa: S608 (our own names)


class Addressee(NamedTuple):
    """The try that an answer is for."""

    submission_id: UUID
    request_id: UUID
    clinic_id: UUID


class Name(NamedTuple):
    """What an answer calls its try: by `client_request_id`; one without it, by the vendor's own id, which may be ours.

    `clinic_id` None: of one of the clinics whose accounts share their webhooks with the account `proven_id`.
    """

    clinic_id: UUID | None
    proven_id: UUID
    vendor: str
    client_request_id: str | None
    ref: str | None


def addressees(names: Sequence[Name]) -> list[Addressee | None]:
    """The tries of the clinics that these names mean, each in its place; None for nobody's."""
    ours = {place: name.client_request_id for place, name in enumerate(names) if name.client_request_id is not None}
    theirs = {place: name.ref for place, name in enumerate(names) if place not in ours and name.ref}
    found: dict[int, Addressee] = {}
    # Last, the vendor's own id may be our name: a session that it made under that, without our hearing of it.
    for statement, called in ((BY_OUR_NAME, ours), (BY_VENDORS_NAME, theirs), (BY_OUR_NAME, theirs)):
        wanted = [(place, *names[place][:3], name) for place, name in called.items() if place not in found]
        if wanted:
            found |= _look_up(statement, wanted)
    return [found.get(place) for place in range(len(names))]


def _look_up(statement: str, wanted: Sequence[tuple[object, ...]]) -> dict[int, Addressee]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in zip(*wanted, strict=True)])
        return {place: Addressee(*ids) for place, *ids in cursor.fetchall()}


def is_anothers(submission: Submission, ref: str) -> bool:
    """Whether an answer under this id of the vendor's might be taken for another request's, also another clinic's.

    Called in the transaction that gives the id to the try: of two that do so at once, the second one finds the first.
    """
    vendor = submission.request.vendor
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(upper(%s), 2))", [f"{vendor} {ref}"])
    tries = Submission.objects.filter(clinic__in=sharing(submission), request__vendor=vendor)
    called = tries.annotate(name=Upper("vendor_request_id")).filter(name=Upper(Value(ref)))
    return bool(called.exclude(request=submission.request_id).exists())


def sharing(submission: Submission) -> list[UUID]:
    """The clinics whose accounts share their webhooks with that of the try: its own at least."""
    account = submission.request.account
    if account is None or not account.partner:
        return [submission.clinic_id]
    accounts = VendorAccount.objects.filter(vendor=account.vendor, partner=account.partner)
    return list(accounts.values_list("clinic", flat=True))


def look_again(names: Sequence[Name]) -> None:
    """After orphans of these names were set aside: their requests may have come while that was done."""
    if any(addressees(names)):
        recall_all()


def recall(clinic_id: UUID, name: str) -> None:
    """The orphans that name this try are processed now. Called after the commit that made it."""
    theirs = Q(clinic=clinic_id) | Q(clinic=None)
    orphans = Callback.objects.filter(theirs, state=State.ORPHAN, named_request=name)
    if orphans.update(state=State.STORED, attempts=0, problem="", **leases.due_again(timezone.now())):
        transaction.on_commit(tasks.ring_callbacks)


def recall_all() -> None:
    """Whatever was missed: the process ended between the commit that made a try and the look after it."""
    with connection.cursor() as cursor:
        cursor.execute(RECALL)
        if cursor.rowcount:
            transaction.on_commit(tasks.ring_callbacks)
