"""Recording that something happened: the one thing other apps ask of the feed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import rows
from feed import tasks
from feed.models import Event


class Kind(models.TextChoices):
    """Everything that is told. What deletes a row is told by the database itself, whoever did it."""

    SESSION_CREATED = "session.created", "A session was opened."
    SESSION_UPDATED = "session.updated", "What a session refers to was changed."
    SESSION_CLOSED = "session.closed", "A session takes no more audio."
    SESSION_DELETED = "session.deleted", "A session was removed, with all that belonged to it."
    AUDIO_CREATED = "audio.created", "Audio was added to a session."
    AUDIO_DELETED = "audio.deleted", "Audio was removed."
    REQUEST_CREATED = "request.created", "A vendor is to be asked."
    REQUEST_RETRIED = "request.retried", "A vendor is to be asked again: the request is queued anew."
    REQUEST_READY = "request.ready", "All that a request asked for is there."
    REQUEST_FAILED = "request.failed", "A request has failed: `code` says why."
    REQUEST_CANCELLED = "request.cancelled", "A request was given up."
    REQUEST_DELETED = "request.deleted", "A request was removed."
    TRANSCRIPT_CREATED = "transcript.created", "A request's transcript is there."
    TRANSCRIPT_DELETED = "transcript.deleted", "A transcript was removed."
    NOTE_CREATED = "note.created", "A request's note is there, and needs review."
    NOTE_REVISED = "note.revised", "The vendor sent another text of a note, which is kept as `version`."
    NOTE_UPDATED = "note.updated", "A note's words are those of `version` now."
    NOTE_IN_REVIEW = "note.in_review", "Somebody has claimed a note."
    NOTE_NEEDS_REVIEW = "note.needs_review", "A note was released or taken up again, and needs review."
    NOTE_APPROVED = "note.approved", "A note was read and found right."
    NOTE_SIGNED = "note.signed", "A note was signed: its words will not change any more."
    NOTE_AMENDED = "note.amended", "A signed note got an addendum."
    NOTE_REJECTED = "note.rejected", "A note is not to be used."
    NOTE_ENTERED_IN_ERROR = "note.entered_in_error", "A note should never have been, and is marked so."
    NOTE_DELETED = "note.deleted", "A note was removed."
    RECORDING_CREATED = "recording.created", "A vendor may have kept a recording: it is looked for."
    RECORDING_AVAILABLE = "recording.available", "A vendor has a recording, which can be played."
    RECORDING_ARCHIVED = "recording.archived", "A recording is copied: it stays when the vendor deletes it."
    RECORDING_LOST = "recording.lost", "The vendor has no such recording any more, and there is no copy."
    RECORDING_DELETED = "recording.deleted", "A recording was removed."
    WEBHOOK_DISABLED = "webhook.disabled", "A webhook was switched off: `reason` says why."
    WEBHOOK_TEST = "webhook.test", "Somebody tries whether a webhook arrives."


#: What webhooks can be told of: a test goes to the one alone that is tried out.
OFFERED = [kind for kind in Kind if kind != Kind.WEBHOOK_TEST]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a row. `data` holds ids, states and numbers, never a patient's words."""

    kind: str
    clinic_id: UUID
    object_id: UUID
    data: dict[str, str | int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Kind(self.kind)  # raises ValueError: readers know the kinds by their list


def record(kind: str, *, clinic_id: UUID, object_id: UUID, **data: str | int | None) -> None:
    """Adds an event to the transaction under way."""
    record_all([Happening(kind, clinic_id, object_id, data)])


def record_all(happenings: Iterable[Happening]) -> None:
    """Adds events to the transaction under way, in their order, by one statement."""
    now = timezone.now()
    if rows.insert(Event, [{"id": uuid7(), "created_at": now} | asdict(one) for one in happenings]):
        transaction.on_commit(tasks.ring_sequence)


def was_deleted(clinic_id: UUID, object_id: UUID) -> bool:
    """Whether the clinic had a row of this id, and it was removed."""
    tombstones = Event.objects.filter(clinic=clinic_id, object_id=object_id, kind__endswith=".deleted")
    return tombstones.exists()
