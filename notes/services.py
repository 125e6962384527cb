"""What is done with transcripts and notes. They are stored many at once: a burst of answers costs few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import rows
from feed import events
from feed.events import Happening
from notes.models import Note, NoteSection, NoteVersion, Transcript
from vendors.base import NOTE as NOTE_OBJECT
from vendors.base import TRANSCRIPT as TRANSCRIPT_ITEM
from vendors.base import Line, NoteText, Result, Section

OF_REQUEST = dict.fromkeys(["id", "created_at", "clinic_id", "session_id", "request_id", "language"], "%s")
TRANSCRIPT = OF_REQUEST | {"lines": "%s"}
NOTE = OF_REQUEST | {"title": "%s", "template": "%s"}
NOTE |= {"state": f"'{Note.State.NEEDS_REVIEW}'", "version": "1", "updated_at": "%s"}
SECTION = dict.fromkeys(["id", "note_id", "position", "key", "title", "text"], "%s")
VERSION = dict.fromkeys(["id", "created_at", "clinic_id", "note_id", "title", "sections"], "%s") | {"number": "1"}


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that brought a transcript or a note, and what these take from it."""

    clinic_id: UUID
    session_id: UUID
    request_id: UUID
    language: str
    template: str

    def columns(self, made: UUID, now: datetime) -> tuple[object, ...]:
        return made, now, self.clinic_id, self.session_id, self.request_id, self.language


def store_transcripts(brought: Iterable[tuple[Origin, tuple[Line, ...]]]) -> None:
    """Keeps requests' transcripts; one that is there already stays as it is."""
    new, now = [(uuid7(), *pair) for pair in brought], timezone.now()
    transcripts = [(*origin.columns(made, now), _json(lines)) for made, origin, lines in new]
    kept = rows.insert(Transcript._meta.db_table, TRANSCRIPT, transcripts, once="request_id")
    _tell("transcript.created", [(made, origin) for made, origin, _ in new if made in kept])


def store_notes(brought: Iterable[tuple[Origin, NoteText]]) -> None:
    """Keeps requests' notes with the vendor's own text as version 1; one that is there already stays as it is."""
    new, now = [(uuid7(), *pair) for pair in brought], timezone.now()
    notes = [(*origin.columns(made, now), text.title, origin.template, now) for made, origin, text in new]
    kept = rows.insert(Note._meta.db_table, NOTE, notes, once="request_id")
    new = [note for note in new if note[0] in kept]
    sections = [
        (uuid7(), made, position, section.key, section.title, section.text)
        for made, _, text in new
        for position, section in enumerate(text.sections, start=1)
    ]
    rows.insert(NoteSection._meta.db_table, SECTION, sections)
    versions = [(uuid7(), now, origin.clinic_id, made, text.title, _json(text.sections)) for made, origin, text in new]
    rows.insert(NoteVersion._meta.db_table, VERSION, versions)
    _tell("note.created", [(made, origin) for made, origin, _ in new])


def differing(brought: Mapping[UUID, Result]) -> dict[UUID, frozenset[str]]:
    """By request, which of the objects that it has got are given in other words than the vendor's own at first."""
    transcripts = Transcript.objects.filter(request__in=brought).values_list("request", "lines")
    versions = NoteVersion.objects.filter(note__request__in=brought, number=1)
    found = {request_id: set[str]() for request_id in brought}
    for request_id, lines in transcripts:
        said = brought[request_id].transcript
        if said is not None and orjson.loads(_json(said)) != lines:
            found[request_id].add(TRANSCRIPT_ITEM)
    for request_id, title, sections in versions.values_list("note__request", "title", "sections"):
        text = brought[request_id].note
        if text is not None and (text.title, orjson.loads(_json(text.sections))) != (title, sections):
            found[request_id].add(NOTE_OBJECT)
    return {request_id: frozenset(objects) for request_id, objects in found.items()}


def _json(parts: tuple[Line | Section, ...]) -> str:
    return orjson.dumps(parts).decode()


def _tell(kind: str, made: Sequence[tuple[UUID, Origin]]) -> None:
    events.record_all(
        Happening(kind, origin.clinic_id, one, {"request": str(origin.request_id)}) for one, origin in made
    )
