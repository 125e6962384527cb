"""What came of a consultation: its transcript and its structured note, with every version of it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from access.models import ClinicOwned


class Transcript(ClinicOwned):
    """Speaker-labelled lines with offsets. One row a transcript: its lines are only read and written together.

    `lines`: [{"text", "speaker", "start_offset_ms": int|null, "end_offset_ms": int|null}].
    """

    session = models.ForeignKey("ingest.Session", on_delete=models.PROTECT, related_name="transcripts")
    request = models.OneToOneField("ingest.AsyncRequest", on_delete=models.PROTECT, related_name="transcript")
    language = models.CharField(max_length=35)
    lines = models.JSONField()
    search = SearchVectorField(null=True, editable=False, help_text="Empty until it is indexed: notes/indexing.py.")

    class Meta:
        indexes = [
            models.Index(fields=["clinic", "-id"], name="transcript_list"),
            GinIndex(fields=["search"], name="transcript_search"),
            models.Index(fields=["-id"], name="transcript_unindexed", condition=Q(search__isnull=True)),
        ]


class Note(ClinicOwned):
    """A structured note. `version` is the number of its latest NoteVersion."""

    class State(models.TextChoices):
        NEEDS_REVIEW = "needs_review", "needs review"
        IN_REVIEW = "in_review", "in review"
        APPROVED = "approved", "approved"
        SIGNED = "signed", "signed"
        AMENDED = "amended", "amended"
        REJECTED = "rejected", "rejected"
        ENTERED_IN_ERROR = "entered_in_error", "entered in error"

    session = models.ForeignKey("ingest.Session", on_delete=models.PROTECT, related_name="notes")
    request = models.OneToOneField("ingest.AsyncRequest", on_delete=models.PROTECT, related_name="note")
    title = models.TextField(blank=True)
    template = models.CharField(max_length=60, blank=True)
    language = models.CharField(max_length=35)
    state = models.CharField(max_length=20, choices=State.choices, default=State.NEEDS_REVIEW)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=timezone.now)
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    search = SearchVectorField(null=True, editable=False, help_text="Empty until it is indexed: notes/indexing.py.")

    class Meta:
        indexes = [
            models.Index(fields=["clinic", "-id"], name="note_list"),
            models.Index(fields=["clinic", "state", "-id"], name="note_by_state"),
            models.Index(fields=["clinic", "updated_at"], name="note_by_change"),
            GinIndex(fields=["search"], name="note_search"),
            models.Index(fields=["-id"], name="note_unindexed", condition=Q(search__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        *("needs_review", "in_review", "approved", "signed"),
                        *("amended", "rejected", "entered_in_error"),
                    ]
                ),
                name="note_state_known",
            ),
            models.CheckConstraint(
                condition=Q(signed_at__isnull=True) ^ Q(signed_by__isnull=False), name="note_signed_by_somebody"
            ),
        ]


class NoteSection(models.Model):
    """One section of a note as it stands now. `key` is an open set: whatever the vendor called it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="sections", db_index=False)
    position = models.PositiveIntegerField()
    key = models.TextField()
    title = models.TextField(blank=True)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["note", "position"], name="section_in_its_place")]

    def __str__(self) -> str:
        return str(self.pk)


class NoteVersion(ClinicOwned):
    """The note as it was at one moment; version 1 is the vendor's own text. Rows are only ever added.

    `sections`: [{"key", "title", "text"}]. `author` is empty for the vendor's text.
    """

    append_only = True

    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    title = models.TextField(blank=True)
    sections = models.JSONField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "number"], name="version_numbered_in_its_note")]
