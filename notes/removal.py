"""The notes' part of removing a session, as the database's owner: nobody else may delete a note."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from config import rows
from notes.models import HELD, Addendum, Dismissal, Draft, Evidence, Note, NoteSection, NoteVersion, Transcript

BELOW = (Draft, Evidence, Dismissal, Addendum, NoteVersion, NoteSection)


def hold(session_id: UUID) -> None:
    """Keeps everybody from a session's notes until the transaction ends."""
    list(Note.objects.filter(session=session_id).order_by("pk").select_for_update().values_list("pk"))


def under_review(session_ids: Collection[UUID]) -> set[UUID]:
    """Those of the sessions of which somebody has a note in hand."""
    held = Note.objects.filter(session__in=session_ids, state__in=HELD)
    return set(held.values_list("session", flat=True))


def remove(session_id: UUID) -> Counter[str]:
    """Deletes a session's transcripts and notes with all that is of them; says how many there were."""
    for model in BELOW:
        rows.delete(model._default_manager.filter(note__session=session_id))
    notes, transcripts = (rows.delete(model.objects.filter(session=session_id)) for model in (Note, Transcript))
    return Counter(notes=notes, transcripts=transcripts)
