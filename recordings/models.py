"""The original audio as a vendor keeps it; what is drawn of an audio, and who listened to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from access.models import ClinicOwned, ClinicOwnedQuerySet, User
from config.leases import Leased

SOON = timedelta(days=1)


class RecordingQuerySet(ClinicOwnedQuerySet):
    def expiring(self) -> Self:
        """Those that their vendors delete within SOON, and of which there is no copy."""
        return self.filter(state=Recording.State.AVAILABLE, available_until__lt=timezone.now() + SOON)


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

    objects: ClassVar[Any] = RecordingQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["clinic", "available_until"], name="recording_expiring", condition=Q(state="available")
            ),
            Leased.due_index("recording_due"),
            models.Index(fields=["clinic", "-id"], name="recording_list"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "vendor_ref"], name="recording_once_an_account"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "available", "archived", "lost"]), name="recording_state_known"
            ),
        ]


class Waveform(ClinicOwned, Leased):
    """How loud an audio is along its length, to be drawn beside its player. Due until it has `peaks` or a `problem`.

    `peaks`: the loudest moment of each of 600 equal parts, in hundredths of the loudest of all.
    """

    class Problem(models.TextChoices):
        MISSING = "missing", "the bytes are not in the storage"
        UNREADABLE = "unreadable", "the bytes could not be decoded"

    PARTS = 600

    audio = models.OneToOneField("ingest.Audio", on_delete=models.CASCADE, related_name="waveform")
    peaks = ArrayField(models.PositiveSmallIntegerField(), null=True, blank=True)
    problem = models.CharField(max_length=20, choices=Problem.choices, blank=True)

    class Meta:
        indexes = [Leased.due_index("waveform_due")]
        constraints = [
            models.CheckConstraint(
                condition=Q(peaks__isnull=True) | Q(peaks__len=600), name="waveform_has_all_its_parts"
            ),
            models.CheckConstraint(
                condition=Q(problem__in=["", "missing", "unreadable"]), name="waveform_problem_known"
            ),
        ]


class Listening(models.Model):
    """A person plays an audio, by the id that is new with each page: in the access log once, in however many ranges."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    audio = models.ForeignKey("ingest.Audio", on_delete=models.CASCADE, related_name="+")
    begun_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return str(self.pk)
