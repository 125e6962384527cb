"""What is done with transcripts and notes."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from feed import events
from notes.models import Note, NoteSection, NoteVersion, Transcript
from notes.search import vector
from vendors.base import Line, NoteText


def store_transcript(
    lines: tuple[Line, ...], *, clinic_id: UUID, session_id: UUID, request_id: UUID, language: str
) -> Transcript:
    """Keeps a request's transcript; one that is there already stays as it is."""
    known: Transcript | None = Transcript.objects.filter(request_id=request_id).first()
    if known:
        return known
    transcript: Transcript = Transcript.objects.create(
        clinic_id=clinic_id,
        session_id=session_id,
        request_id=request_id,
        language=language,
        lines=[asdict(line) for line in lines],
        search=vector(language, "\n".join(line.text for line in lines)),
    )
    events.record("transcript.created", clinic_id=clinic_id, object_id=transcript.pk, request=str(request_id))
    return transcript


def store_note(
    text: NoteText, *, clinic_id: UUID, session_id: UUID, request_id: UUID, language: str, template: str
) -> Note:
    """Keeps a request's note with the vendor's own text as version 1; one that is there already stays as it is."""
    known: Note | None = Note.objects.filter(request_id=request_id).first()
    if known:
        return known
    words = "\n".join([text.title, *(f"{section.title}\n{section.text}" for section in text.sections)])
    note: Note = Note.objects.create(
        clinic_id=clinic_id,
        session_id=session_id,
        request_id=request_id,
        title=text.title,
        template=template,
        language=language,
        search=vector(language, words),
    )
    NoteSection.objects.bulk_create(
        NoteSection(note=note, position=position, key=section.key, title=section.title, text=section.text)
        for position, section in enumerate(text.sections, start=1)
    )
    NoteVersion.objects.create(
        clinic_id=clinic_id, note=note, number=1, title=note.title, sections=[asdict(s) for s in text.sections]
    )
    events.record("note.created", clinic_id=clinic_id, object_id=note.pk, request=str(request_id))
    return note
