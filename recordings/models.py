"""The original audio as a vendor keeps it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from access.models import ClinicOwned
from config.leases import Leased


class Recording(ClinicOwned, Leased):
    """A session's recording at its vendor: links to it expire, and after `available_until` it is gone there.

    Due (`next_attempt_at`) while a copy of ours is wanted.
    """

    class State(models.TextChoices):
        PENDING = "pending", "the vendor is still processing it"
        AVAILABLE = "available", "at the vendor, not yet copied"
        ARCHIVED = "archived", "copied"
        LOST = "lost", "gone at the vendor before it was copied"

    session = models.ForeignKey("ingest.Session", on_delete=models.PROTECT, related_name="recordings")
    account = models.ForeignKey("ingest.VendorAccount", on_delete=models.PROTECT, related_name="+")
    vendor = models.CharField(max_length=20)
    vendor_ref = models.CharField(max_length=200, help_text="The vendor's own id of the recorded session.")
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    available_until = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    storage_key = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    parts = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            Leased.due_index("recording_due"),
            models.Index(fields=["clinic", "-id"], name="recording_list"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "vendor_ref"], name="recording_once_an_account"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "available", "archived", "lost"]), name="recording_state_known"
            ),
        ]
