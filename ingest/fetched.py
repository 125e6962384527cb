"""Answers that do not come by the door: fetched from a vendor, or the last word of a stream. They go the same way."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from ingest import tasks
from ingest.models import Callback, Submission

#: Of one try: a vendor that says something else each time it is asked fills no table.
MOST_UNREADABLE = 20


def is_full(submission: Submission) -> bool:
    """Whether as much that cannot be read has been fetched for it as is kept."""
    junk = Callback.objects.filter(submission=submission, proven_by=Callback.Proof.POLLED, state=Callback.State.JUNK)
    return junk[:MOST_UNREADABLE].count() == MOST_UNREADABLE


def keep(submission: Submission, bodies: Sequence[bytes], proof: Callback.Proof) -> None:
    """Makes callbacks of them, to be processed soon; a body that is there already changes nothing."""
    Callback.objects.bulk_create([_callback(submission, body, proof) for body in bodies], ignore_conflicts=True)
    transaction.on_commit(tasks.ring_callbacks)


def _callback(submission: Submission, body: bytes, proof: Callback.Proof) -> Callback:
    now, digest = timezone.now(), hashlib.sha256(body).digest()
    return Callback(
        clinic_id=submission.clinic_id,
        vendor=submission.request.vendor,
        proven_by=proof,
        proven_id=submission.pk,
        event_id=f"sha256:{digest.hex()}",
        submission=submission,
        request_id=submission.request_id,
        body=body,
        size=len(body),
        digest=digest,
        content_type="application/json",
        received_at=now,
        next_attempt_at=now,
    )
