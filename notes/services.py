"""What is done with transcripts and notes. They are stored many at once: a burst of answers costs few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import orjson
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import rows
from feed import events
from feed.events import Happening
from notes.models import Note, NoteVersion, Transcript
from notes.revisions import Revised, judge_revisions, revise_notes
from notes.writing import Origin, Written, is_said_in, write_sections, write_versions
from vendors.base import NOTE as NOTE_OBJECT
from vendors.base import TRANSCRIPT as TRANSCRIPT_ITEM
from vendors.base import Line, NoteText, Result

__all__ = [
    "Origin",
    "Revised",
    "differing",
    "judge_revisions",
    "revise_notes",
    "store_notes",
    "store_transcripts",
]


def store_transcripts(brought: Iterable[tuple[Origin, tuple[Line, ...]]]) -> None:
    """Keeps requests' transcripts; one that is there already stays as it is."""
    new, now = [(origin.transcript_id, origin, lines) for origin, lines in brought], timezone.now()
    transcripts = [origin.columns(made, now) | {"lines": lines} for made, origin, lines in new]
    kept = rows.insert(Transcript, transcripts, once="request_id")
    _tell("transcript.created", [(made, origin) for made, origin, _ in new if made in kept])


def store_notes(brought: Iterable[tuple[Origin, NoteText]]) -> None:
    """Keeps requests' notes with the vendor's own text as version 1; one that is there already stays as it is."""
    new, now = [Written(uuid7(), origin, text, 1, origin.as_of) for origin, text in brought], timezone.now()
    as_new = {"state": Note.State.NEEDS_REVIEW, "version": 1, "updated_at": now, "weighed_version": 0, "reason": ""}
    notes = [
        one.origin.columns(one.note_id, now)
        | as_new
        | {"title": one.text.title, "template": one.origin.template, "vendor": one.origin.vendor}
        for one in new
    ]
    kept = rows.insert(Note, notes, once="request_id")
    new = [one for one in new if one.note_id in kept]
    write_sections(new)
    write_versions(new)
    _tell("note.created", [(one.note_id, one.origin) for one in new])


def differing(brought: Mapping[UUID, Result]) -> dict[UUID, frozenset[str]]:
    """By request, which of the objects that it has got are given in other words than the vendor's own newest."""
    transcripts = Transcript.objects.filter(request__in=brought).values_list("request", "lines")
    newest = NoteVersion.objects.filter(note__request__in=brought, author=None).order_by("note_id", "-number")
    found = {request_id: set[str]() for request_id in brought}
    for request_id, lines in transcripts:
        said = brought[request_id].transcript
        if said is not None and orjson.loads(_json(said)) != lines:
            found[request_id].add(TRANSCRIPT_ITEM)
    for request_id, *version in newest.distinct("note_id").values_list("note__request", "title", "sections"):
        text = brought[request_id].note
        if text is not None and not is_said_in(text, *version):
            found[request_id].add(NOTE_OBJECT)
    return {request_id: frozenset(objects) for request_id, objects in found.items()}


def _json(lines: tuple[Line, ...]) -> str:
    return orjson.dumps(lines).decode()


def _tell(kind: str, made: Sequence[tuple[UUID, Origin]]) -> None:
    events.record_all(
        Happening(kind, origin.clinic_id, one, {"session": str(origin.session_id), "request": str(origin.request_id)})
        for one, origin in made
    )
