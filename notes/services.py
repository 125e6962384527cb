"""What is done with transcripts and notes. They are stored many at once: a burst of answers costs few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that brought a transcript or a note, and what these take from it."""

    clinic_id: UUID
    session_id: UUID
    request_id: UUID
    vendor: str
    language: str
    template: str

    def columns(self, made: UUID, now: datetime) -> dict[str, object]:
        """What both begin with."""
        return {
            "id": made,
            "created_at": now,
            "clinic_id": self.clinic_id,
            "session_id": self.session_id,
            "request_id": self.request_id,
            "language": self.language,
        }


def store_transcripts(brought: Iterable[tuple[Origin, tuple[Line, ...]]]) -> None:
    """Keeps requests' transcripts; one that is there already stays as it is."""
    new, now = [(uuid7(), *pair) for pair in brought], timezone.now()
    transcripts = [origin.columns(made, now) | {"lines": lines} for made, origin, lines in new]
    kept = rows.insert(Transcript, transcripts, once="request_id")
    _tell("transcript.created", [(made, origin) for made, origin, _ in new if made in kept])


def store_notes(brought: Iterable[tuple[Origin, NoteText]]) -> None:
    """Keeps requests' notes with the vendor's own text as version 1; one that is there already stays as it is."""
    new, now = [(uuid7(), *pair) for pair in brought], timezone.now()
    as_new = {"state": Note.State.NEEDS_REVIEW, "version": 1, "updated_at": now, "weighed_version": 0, "reason": ""}
    notes = [
        origin.columns(made, now) | as_new | {"title": text.title, "template": origin.template, "vendor": origin.vendor}
        for made, origin, text in new
    ]
    kept = rows.insert(Note, notes, once="request_id")
    new = [note for note in new if note[0] in kept]
    rows.insert(NoteSection, [section for made, _, text in new for section in _sections(made, text)])
    versions = [
        {"id": uuid7(), "created_at": now, "clinic_id": origin.clinic_id, "note_id": made, "number": 1}
        | {"title": text.title, "sections": text.sections}
        for made, origin, text in new
    ]
    rows.insert(NoteVersion, versions)
    _tell("note.created", [(made, origin) for made, origin, _ in new])


def _sections(note_id: UUID, text: NoteText) -> Iterator[dict[str, object]]:
    for position, section in enumerate(text.sections, start=1):
        yield {"id": uuid7(), "note_id": note_id, "position": position, **asdict(section)}


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
