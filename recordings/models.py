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
from recordings.quality import Quality, judged

SOON = timedelta(days=1)
LATELY = timedelta(days=7)


class RecordingQuerySet(ClinicOwnedQuerySet):
    def expiring(self) -> Self:
        """Those that their vendors delete within SOON, and of which there is no copy."""
        return self.filter(state__in=Recording.UNCOPIED, available_until__lt=timezone.now() + SOON)

    def lost_lately(self) -> Self:
        return self.filter(state=Recording.State.LOST, lost_at__gte=timezone.now() - LATELY)


class Recording(ClinicOwned, Leased):
    """A session's recording at its vendor: links to it expire, and after `available_until` it is gone there.

    `available_until` is None for as long as it is not certain that the vendor has kept one.

    Due (`next_attempt_at`) while a copy of ours is wanted. `size`, `sha256` and `duration_ms` are those of the whole as
    it is played, once it is copied.
    """

    class State(models.TextChoices):
        PENDING = "pending", "not seen at the vendor yet"
        AVAILABLE = "available", "at the vendor, not yet copied"
        ARCHIVED = "archived", "copied"
        LOST = "lost", "gone before it was copied"

    UNCOPIED = (State.PENDING, State.AVAILABLE)

    session = models.ForeignKey("ingest.Session", on_delete=models.PROTECT, related_name="recordings")
    account = models.ForeignKey("ingest.VendorAccount", on_delete=models.PROTECT, related_name="+")
    vendor = models.CharField(max_length=20)
    vendor_ref = models.CharField(max_length=200, help_text="The vendor's own id of the recorded session.")
    clinician_ref = models.CharField(max_length=200, blank=True, help_text="The vendor's user that it is kept for.")
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    available_until = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    lost_at = models.DateTimeField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True, help_text="Bytes.")
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    part_count = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True, help_text="Why the last attempt did not succeed.")
    error_message = models.CharField(max_length=500, blank=True)

    objects: ClassVar[Any] = RecordingQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["clinic", "available_until"],
                name="recording_expiring",
                condition=Q(state__in=["pending", "available"]),
            ),
            models.Index(
                fields=["available_until"], name="recording_at_risk", condition=Q(state__in=["pending", "available"])
            ),
            Leased.due_index("recording_due"),
            # The second column is looked at in the index: rows that rest cost no visit to the table.
            models.Index(
                fields=["available_until", "next_attempt_at"],
                name="recording_urgent",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["clinic", "-id"], name="recording_list"),
            models.Index(fields=["clinic", "state", "-id"], name="recording_by_state"),
            models.Index(fields=["clinic", "vendor", "-id"], name="recording_by_vendor"),
            models.Index(fields=["lost_at"], name="recording_lost", condition=Q(state="lost")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "vendor_ref"], name="recording_once_an_account"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "available", "archived", "lost"]), name="recording_state_known"
            ),
        ]

    @property
    def is_ours(self) -> bool:
        """Whether there is a copy of it here."""
        return self.state == self.State.ARCHIVED

    @property
    def is_uncopied(self) -> bool:
        return self.state in self.UNCOPIED

    @property
    def is_lost(self) -> bool:
        return self.state == self.State.LOST

    def told_parts(self) -> models.QuerySet[RecordingPart]:
        """Those that its vendor named last; of one that was lost, those too of which there is a copy."""
        named = Q(is_named=True)
        return self.parts.filter(named | Q(state=RecordingPart.State.ARCHIVED) if self.is_lost else named)

    def copied_parts(self) -> models.QuerySet[RecordingPart]:
        return self.told_parts().filter(state=RecordingPart.State.ARCHIVED)

    def has_all_parts(self) -> bool:
        """Whether there is a copy of each part, though it may not be `archived` yet."""
        states = set(self.parts.filter(is_named=True).values_list("state", flat=True))
        return states == {RecordingPart.State.ARCHIVED}


class RecordingPart(ClinicOwned):
    """One of the WAV files that a recording is made of, in the order of `number`.

    Its sound is the `pcm_size` bytes from `pcm_start`; these, `size` and `form` (the content of its `fmt ` chunk) are
    known once it was looked at, also before it is copied. `header_holds`: what its header says of its length is true.
    Audio of other kinds has an empty `form`: it is kept as it came, and cannot be joined. `is_named`: in the vendor's
    latest answer; what an earlier one named is not played beside it.
    """

    class State(models.TextChoices):
        PENDING = "pending", "not yet copied"
        ARCHIVED = "archived", "copied"
        UNREADABLE = "unreadable", "not a WAV file"

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="parts", db_index=False)
    number = models.IntegerField(help_text="The vendor's sequence number.")
    vendor_ref = models.CharField(max_length=200, help_text="The vendor's own id of this part.")
    is_named = models.BooleanField(default=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    etag = models.CharField(max_length=200, blank=True, help_text="The vendor's, by which a copy is gone on with.")
    storage_key = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True, help_text="Bytes.")
    form = models.BinaryField(null=True, blank=True)
    pcm_start = models.PositiveBigIntegerField(null=True, blank=True)
    pcm_size = models.PositiveBigIntegerField(null=True, blank=True)
    header_holds = models.BooleanField(default=False)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["number", "vendor_ref"]
        constraints = [
            models.UniqueConstraint(fields=["recording", "vendor_ref"], name="recording_part_once"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "archived", "unreadable"]), name="recording_part_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="archived") | (~Q(storage_key="") & Q(size__isnull=False, pcm_start__isnull=False)),
                name="recording_part_copied_is_known",
            ),
        ]

    @property
    def is_ours(self) -> bool:
        return self.state == self.State.ARCHIVED

    @property
    def is_known(self) -> bool:
        """Whether it was looked at."""
        return self.pcm_start is not None


class Links(ClinicOwned, Leased):
    """A recording's links for playing, as its vendor gave them last, encrypted.

    Due shortly before they expire, for as long as somebody listens (`opened_at`). `is_streamable`: whether they are for
    playing; else they are those for saving.
    """

    recording = models.OneToOneField(Recording, on_delete=models.CASCADE, related_name="links")
    sealed = models.BinaryField(blank=True, default=b"")
    expires_at = models.DateTimeField(null=True, blank=True)
    is_streamable = models.BooleanField(default=True)
    opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "links"
        indexes = [Leased.due_index("links_due")]


class Waveform(ClinicOwned, Leased):
    """How an audio sounds. Due until it has `peaks` and `quality`, or a `problem`.

    `peaks`: the loudest moment of each of 600 equal parts, in hundredths of the loudest of all, to be drawn beside its
    player. `quality`: what is told to whoever recorded it.
    """

    class Problem(models.TextChoices):
        MISSING = "missing", "the bytes are not in the storage"
        UNREADABLE = "unreadable", "the bytes could not be decoded"

    PARTS = 600

    audio = models.OneToOneField("ingest.Audio", on_delete=models.CASCADE, related_name="waveform")
    peaks = ArrayField(models.PositiveSmallIntegerField(), null=True, blank=True)
    quality = models.JSONField(null=True, blank=True, help_text="The fields of recordings.quality.Quality.")
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

    @property
    def warnings(self) -> list[str]:
        """What should be better about the sound, in sentences; empty too before it was looked at."""
        return judged(Quality(**self.quality)) if self.quality else []


class Listening(models.Model):
    """A person plays an audio or a recording, by the id that is new with each page: in the access log once, in however
    many ranges."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    audio = models.ForeignKey("ingest.Audio", on_delete=models.CASCADE, related_name="+", null=True)
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="+", null=True)
    begun_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(audio__isnull=True) ^ Q(recording__isnull=True), name="listening_to_one_thing"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
