"""What came of a consultation: its transcript and its structured note, every version of it, and its review."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from access.models import ClinicOwned

HELD = ("in_review", "approved")


class Transcript(ClinicOwned):
    """Speaker-labelled lines with offsets. One row a transcript: its lines are only read and written together.

    `lines`: [{"text", "speaker", "start_offset_ms": int|null, "end_offset_ms": int|null}].
    """

    never_deleted = True

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
    """A structured note. `version` is the number of the NoteVersion whose words it has.

    Once it is signed, PostgreSQL refuses any other words and any other signature: migration 0004.
    """

    never_deleted = True

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
    vendor = models.CharField(max_length=20)
    language = models.CharField(max_length=35)
    state = models.CharField(max_length=20, choices=State.choices, default=State.NEEDS_REVIEW)
    version = models.PositiveIntegerField(default=1)
    offered_version = models.PositiveIntegerField(
        null=True, blank=True, help_text="A later text of the vendor's, beside these words until somebody decides."
    )
    updated_at = models.DateTimeField(default=timezone.now)
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        help_text="Who has claimed it for review, and alone may change it.",
    )
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was rejected or entered in error.")
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    search = SearchVectorField(null=True, editable=False, help_text="Empty until it is indexed: notes/indexing.py.")
    weighed_version = models.PositiveIntegerField(default=0, help_text="Which version Evidence is about: weighing.py.")

    class Meta:
        indexes = [
            models.Index(fields=["clinic", "-id"], name="note_list"),
            models.Index(fields=["clinic", "state", "-id"], name="note_by_state"),
            models.Index(fields=["clinic", "vendor", "-id"], name="note_by_vendor"),
            models.Index(fields=["clinic", "template", "-id"], name="note_by_template"),
            # Most templates are of one vendor: without this, those of another would be looked for in all its notes.
            models.Index(fields=["clinic", "vendor", "template", "-id"], name="note_by_vendor_and_template"),
            models.Index(fields=["clinic", "updated_at", "id"], name="note_by_change"),
            models.Index(fields=["clinic", "state", "updated_at", "id"], name="note_by_state_and_change"),
            GinIndex(fields=["search"], name="note_search"),
            models.Index(fields=["-id"], name="note_unindexed", condition=Q(search__isnull=True)),
            models.Index(fields=["-id"], name="note_unweighed", condition=Q(weighed_version__lt=F("version"))),
            models.Index(fields=["holder", "state"], name="note_held", condition=Q(state__in=HELD)),
            models.Index(fields=["clinic", "-id"], name="note_offered", condition=Q(offered_version__isnull=False)),
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
            models.CheckConstraint(
                condition=Q(signed_at__isnull=False) | ~Q(state__in=["signed", "amended"]), name="note_signed_is_signed"
            ),
            models.CheckConstraint(
                condition=Q(signed_at__isnull=True) | Q(state__in=["signed", "amended", "entered_in_error"]),
                name="note_unsigned_is_unsigned",
            ),
            models.CheckConstraint(
                condition=Q(holder__isnull=False) | ~Q(state__in=HELD), name="note_under_review_has_its_reviewer"
            ),
        ]


class NoteSection(models.Model):
    """One section of a note as it stands now. `key` is an open set: whatever the vendor called it."""

    never_deleted = True

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
    """The note as it was at one moment, or a text of the vendor's that it never had. Rows are only ever added.

    `sections`: [{"key", "title", "text"}]; in the vendor's with "sources" where it names any: the lines, counted from
    0, that it says it wrote the section from. `author` is empty for the vendor's own texts, such as version 1.
    `vendor_text`: the number of that of the vendor's texts which its words began as; one of the vendor's has its own.
    `as_of`: when it became so at the vendor, where that is said. `is_supplement`: the vendor sent it to stand beside
    the note, and not as its words.
    """

    append_only = True

    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    title = models.TextField(blank=True)
    sections = models.JSONField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    vendor_text = models.PositiveIntegerField(db_default=1)
    as_of = models.DateTimeField(null=True, blank=True)
    is_supplement = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "number"], name="version_numbered_in_its_note")]


class Addendum(ClinicOwned):
    """What was added to a note after it was signed. Rows are only ever added."""

    append_only = True

    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="addenda", db_index=False)
    number = models.PositiveIntegerField(help_text="Addenda of one note count from 1.")
    text = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "addenda"
        constraints = [models.UniqueConstraint(fields=["note", "number"], name="addendum_numbered_in_its_note")]


class Draft(ClinicOwned):
    """What somebody has typed into a note and not saved yet, as it was based on one of its versions.

    `tab`: which loading of the note's page sent it, so that two of them are not taken for one.
    """

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="drafts", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    based_on = models.PositiveIntegerField()
    title = models.TextField(blank=True)
    texts = models.JSONField(help_text="The text of each section, in their order.")
    saved_at = models.DateTimeField(default=timezone.now)
    tab = models.UUIDField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "user"], name="draft_once_a_person")]


class Evidence(ClinicOwned):
    """What notes.evidence found for one version of a note: written over when there is another.

    `sources`: [[section, start, end, [line, ...]]]. `unsaid`: [[section, start, end, said]].
    `unreflected`: [[line, kind]]. Sections and lines count from 0, offsets are characters of the section's text.
    """

    note = models.OneToOneField(Note, on_delete=models.CASCADE, related_name="evidence")
    version = models.PositiveIntegerField()
    sources = models.JSONField(default=list)
    unsaid = models.JSONField(default=list)
    unreflected = models.JSONField(default=list)


class Dismissal(ClinicOwned):
    """A warning that somebody has looked at and set aside, in every later version too. Rows are only ever added.

    `warning`: its key, as notes/warnings.py makes it.
    """

    append_only = True

    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="dismissals", db_index=False)
    warning = models.CharField(max_length=200)
    reason = models.CharField(max_length=200)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "warning"], name="warning_dismissed_once")]
