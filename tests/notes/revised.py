"""Texts of a vendor's for one request, one later than the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from access.models import Clinic
from notes import services
from notes.models import Note, NoteVersion
from notes.services import Origin, Revised
from tests.factories import SubmissionFactory
from vendors.base import NoteText, Section

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def text(*sections: str, title: str = "Knee") -> NoteText:
    """Of sections such as "PLAN: Rest."."""
    parted = [section.partition(": ") for section in sections]
    return NoteText(title, tuple(Section(key, key.capitalize(), words) for key, _, words in parted))


FIRST = text("ASSESSMENT: The left knee clicks.", "PLAN: Rest.")
LATER = text("ASSESSMENT: The right knee clicks.", "MEDICATION: None.", "PLAN: Rest for a week.")
LAST = text("ASSESSMENT: Both knees click.")
BLANK = text("ASSESSMENT:  ", "PLAN: \n")


def origin_of(clinic: Clinic) -> Origin:
    request = SubmissionFactory(request__session__clinic=clinic, request__vendor="suki", request__ready=True).request
    return Origin(clinic.pk, request.session_id, request.pk, "suki", "en-US", "", as_of=NOON)


def noted(clinic: Clinic, first: NoteText = FIRST) -> Note:
    """A note as it came, at noon."""
    origin = origin_of(clinic)
    services.store_notes([(origin, first)])
    made: Note = Note.objects.get(request=origin.request_id)
    return made


def origin(note: Note) -> Origin:
    """Of another answer to the note's request."""
    return Origin(note.clinic_id, note.session_id, note.request_id, note.vendor, note.language, note.template)


def revise(note: Note, later: NoteText = LATER, as_of: datetime | None = None) -> Revised:
    return services.revise_notes([(origin(note), later, as_of)])[note.request_id]


def supplement(note: Note, text: NoteText, as_of: datetime | None = None) -> Revised:
    found = services.revise_notes([(origin(note), text, as_of)], {note.request_id})
    return found[note.request_id]


def fresh(note: Note) -> Note:
    return Note.objects.get(pk=note.pk)


def words(note: Note) -> list[str]:
    """As `text` takes them."""
    return [f"{section.key}: {section.text}" for section in note.sections.all()]


def said(text: NoteText) -> list[str]:
    return [f"{section.key}: {section.text}" for section in text.sections]


def versions(note: Note) -> list[tuple[int, str | None, int]]:
    """The number of each, its author, and that of the vendor's text it began as."""
    rows = NoteVersion.objects.filter(note=note).order_by("number")
    return [(row.number, row.author_id and str(row.author_id), row.vendor_text) for row in rows]
