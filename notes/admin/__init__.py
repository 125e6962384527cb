"""Transcripts and notes as staff see them, and the review desk."""

from access import desk
from notes.admin import notes, transcripts
from notes.models import HELD, Note

__all__ = ["notes", "transcripts"]

NOTES = "admin:notes_note_changelist"
desk.register_count(
    desk.Count(
        1, "notes need review", lambda _: Note.objects.filter(state="needs_review"), NOTES, "state__exact=needs_review"
    )
)
desk.register_count(
    desk.Count(
        2,
        "claimed by you",
        lambda request: Note.objects.filter(holder=request.user.pk, state__in=HELD),
        NOTES,
        "mine=yes",
    )
)
desk.register_count(
    desk.Count(
        2,
        "have a newer text from the vendor",
        lambda _: Note.objects.filter(offered_version__isnull=False),
        NOTES,
        "newer=yes",
    )
)
