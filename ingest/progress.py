"""How far a submission has come, kept in its rows while a worker is at it: whoever follows goes on from there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from ingest import inquiries, orphans
from ingest.models import Submission, Utterance
from vendors.base import Superseded, VendorError

#: Of a worker that says how far it is: longer than any single wait for the vendor.
LEASE = timedelta(seconds=60)
#: What may still change is written no more often than somebody could read it.
PARTIAL_SECONDS = 0.5
MOST_BREAKS = 100
TAKEN = (
    "The vendor's session of that id is another request's: no audio was sent. Retry makes a session under an id of its "
    "own."
)


class Progress:
    """The `Progress` of vendors.base. Each step renews the lease, and ends the work where it was lost."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        self.ref = submission.vendor_request_id or None
        self.sent_ms = submission.sent_ms
        self.heard_ms = submission.heard_ms
        self.place: Mapping[str, int] = submission.place
        self._said = len(self.finals())
        self._partial_at = float("-inf")

    def opened(self, ref: str) -> None:
        with transaction.atomic():
            if orphans.is_anothers(self.submission, ref):
                raise VendorError(TAKEN, permanent=True, code="session_taken")
            # Also where it is cancelled, or another worker's: what was made has to be ended.
            Submission.objects.filter(pk=self.submission.pk, vendor_request_id="").update(vendor_request_id=ref)
            inquiries.begin(self.submission)
        self._keep(vendor_request_id=ref)
        self.ref = ref
        orphans.recall(self.submission.clinic_id, ref)

    def sending(self, until_ms: int) -> None:
        self._keep(sent_ms=until_ms)
        self.sent_ms = until_ms

    def reached(self, place: Mapping[str, int], until_ms: int) -> None:
        self._keep(place=dict(place), sent_ms=until_ms)
        self.place, self.sent_ms = place, until_ms

    def broke(self) -> None:
        known = self.submission.broke_at_ms
        if self.sent_ms not in known and len(known) < MOST_BREAKS:
            self.submission.broke_at_ms = sorted([*known, self.sent_ms])
            self._keep(broke_at_ms=self.submission.broke_at_ms)

    def heard_out(self, until_ms: int) -> None:
        self._keep(heard_ms=until_ms)
        self.heard_ms = until_ms

    def finals(self) -> list[str]:
        return list(self.submission.utterances.filter(is_final=True).order_by("number").values_list("text", flat=True))

    def heard(self, text: str, *, is_final: bool) -> None:
        if not is_final and time.monotonic() - self._partial_at < PARTIAL_SECONDS:
            return
        said = {"text": text, "is_final": is_final}
        with transaction.atomic():
            self._keep()
            Utterance.objects.update_or_create(
                submission=self.submission,
                number=self._said + 1,
                defaults=said,
                create_defaults={**said, "clinic_id": self.submission.clinic_id},
            )
        self._said += is_final
        self._partial_at = float("-inf") if is_final else time.monotonic()

    def _keep(self, **columns: Any) -> None:
        until = timezone.now() + LEASE
        mine = Submission.objects.filter(
            pk=self.submission.pk, state=Submission.State.SUBMITTING, lease_token=self.submission.lease_token
        )
        if not mine.update(**columns, lease_until=until, next_attempt_at=until):
            raise Superseded
