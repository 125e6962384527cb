"""Asking vendors whether they have an answer, and fetching what they have announced."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from access.models import ClinicOwned
from config.leases import Leased
from ingest.models.callback import Callback
from ingest.models.request import Submission


class Inquiry(ClinicOwned, Leased):
    """A vendor that can be asked is asked for the answer to a submission, until it is there.

    Its webhooks may be lost, and where they come they say no more than that there is something: that makes it due.
    One with a `callback` asks for what is behind the link of that notice; a submission may have several of these.
    """

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="inquiries")
    callback = models.OneToOneField(Callback, on_delete=models.PROTECT, related_name="inquiry", null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True, help_text="Why the vendor did not say, the last time.")
    error_message = models.CharField(max_length=500, blank=True)
    call_id = models.CharField(
        max_length=64, blank=True, db_default="", help_text="By which the vendor's support finds that call."
    )

    class Meta:
        indexes = [Leased.due_index("inquiry_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["submission"], condition=Q(callback__isnull=True), name="inquiry_one_asks_for_a_submission"
            )
        ]
