"""Asking vendors whether they have an answer."""

from __future__ import annotations

from django.db import models

from access.models import ClinicOwned
from config.leases import Leased
from ingest.models.request import Submission


class Inquiry(ClinicOwned, Leased):
    """A vendor that can be asked is asked for the answer to a submission, until it is there.

    Its webhooks may be lost, and where they come they say no more than that there is something: that makes it due.
    """

    submission = models.OneToOneField(Submission, on_delete=models.PROTECT, related_name="inquiry")
    error_code = models.CharField(max_length=64, blank=True, help_text="Why the vendor did not say, the last time.")

    class Meta:
        indexes = [Leased.due_index("inquiry_due")]
