"""How far a submission has come, kept in its rows while a worker is at it: whoever follows goes on from there."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from ingest import inquiries, orphans
from ingest.models import Submission, Utterance
from vendors.base import Superseded

#: Of a worker that says how far it is: longer than any single wait for the vendor.
LEASE = timedelta(seconds=60)
#: What may still change is written no more often than somebody could read it.
PARTIAL_SECONDS = 0.5


class Progress:
    """The `Progress` of vendors.base. Each step renews the lease, and ends the work where it was lost."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        self.ref = submission.vendor_request_id or None
        self.sent_ms = submission.sent_ms
        self._said = len(self.finals())
        self._partial_at = float("-inf")

    def opened(self, ref: str) -> None:
        with transaction.atomic():
            self._keep(vendor_request_id=ref)
            inquiries.begin(self.submission)
        self.ref = ref
        orphans.recall(self.submission.clinic_id, ref)

    def sending(self, until_ms: int) -> None:
        self._keep(sent_ms=until_ms)
        self.sent_ms = until_ms

    def finals(self) -> list[str]:
        return list(self.submission.utterances.filter(is_final=True).order_by("number").values_list("text", flat=True))

    def heard(self, text: str, *, is_final: bool) -> None:
        if not is_final and time.monotonic() - self._partial_at < PARTIAL_SECONDS:
            return
        self._keep()
        Utterance.objects.update_or_create(
            submission=self.submission,
            number=self._said + 1,
            defaults={"text": text, "is_final": is_final},
            create_defaults={"text": text, "is_final": is_final, "clinic_id": self.submission.clinic_id},
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
