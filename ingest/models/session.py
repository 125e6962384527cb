"""A consultation and the audio of it."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q

from access.models import ClinicOwned


class Session(ClinicOwned):
    """One consultation being recorded. The `*_ref`s are the clinic's own and opaque to us."""

    class Kind(models.TextChoices):
        AMBIENT = "ambient", "ambient"
        DICTATION = "dictation", "dictation"

    class State(models.TextChoices):
        OPEN = "open", "open"
        RECORDING = "recording", "recording"
        CLOSED = "closed", "closed"

    correlation_id = models.UUIDField(default=uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    language = models.CharField(max_length=35, help_text="BCP 47, such as en-US.")
    encounter_ref = models.CharField(max_length=200, blank=True)
    patient_ref = models.CharField(max_length=200, blank=True)
    clinician_ref = models.CharField(max_length=200, blank=True)
    consent = models.BooleanField(help_text="The patient agreed to the recording being written up.")
    state = models.CharField(max_length=20, choices=State.choices, default=State.OPEN)
    started_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["clinic", "-id"], name="session_list"),
            models.Index(fields=["clinic", "state", "-id"], name="session_by_state"),
            models.Index(fields=["clinic", "kind", "-id"], name="session_by_kind"),
            models.Index(
                fields=["clinic", "encounter_ref", "-id"], name="session_by_encounter", condition=~Q(encounter_ref="")
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["clinic", "correlation_id"], name="correlation_id_once_a_clinic"),
            models.CheckConstraint(condition=Q(state__in=["open", "recording", "closed"]), name="session_state_known"),
            models.CheckConstraint(condition=Q(kind__in=["ambient", "dictation"]), name="session_kind_known"),
        ]


class Audio(ClinicOwned):
    """One audio file of a session, numbered from 1. `content_type` is what its bytes are, not what the sender said."""

    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="audio", db_index=False)
    number = models.PositiveIntegerField()
    storage_key = models.CharField(max_length=200)
    content_type = models.CharField(max_length=40)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    duration_ms = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "audio"
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="audio_numbered_in_its_session"),
            models.UniqueConstraint(fields=["session", "sha256"], name="audio_bytes_once_a_session"),
            models.CheckConstraint(condition=Q(number__gte=1) & Q(size__gte=1), name="audio_is_something"),
        ]
