"""What people decide about a later text of the vendor's that stands beside a note's words (notes/revisions.py)."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from access.log import Actor
from notes.models import Note, NoteSection, NoteVersion
from notes.review import NotNow, Overtaken, State, add_version, held, move, must_be_free, must_have, write
from notes.writing import remove_sections


@transaction.atomic
def take(note_id: UUID, by: Actor, based_on: int, number: int) -> None:
    """The note's words become the vendor's later ones, as its next version, by whoever takes them. Drafts stay.

    `based_on`: the version that was on the page beside it. `number`: which of the vendor's texts that was.
    Raises NotNow, and Overtaken where the note has other words since.
    """
    note = held(note_id)
    must_be_free(note, by)
    if based_on != note.version:
        raise Overtaken
    text = undecided(note, number)
    if text.is_supplement:
        raise NotNow("A supplement goes with the note, and does not take its place.")
    move(note, State.IN_REVIEW, by, "claimed", holder_id=int(by.id), reason="")
    sections = replaced(note, text)
    add_version(note, text.title, sections, by, "revision_taken", vendor_text=text.number, offered_version=None)


@transaction.atomic
def keep(note_id: UUID, by: Actor, number: int) -> None:
    """The note's words stay as they are. While somebody has it in review, nobody else decides so."""
    note = held(note_id)
    if note.state == State.IN_REVIEW:
        must_have(note, by)
    undecided(note, number)
    write(note, by, "revision_set_aside", offered_version=None)


def undecided(note: Note, number: int) -> NoteVersion:
    if note.offered_version is None:
        raise NotNow("It was decided already.")
    if note.offered_version != number:
        raise NotNow("The vendor has sent a newer text still. Read that one, then decide.")
    found: NoteVersion = note.versions.get(number=number)
    return found


def replaced(note: Note, text: NoteVersion) -> list[NoteSection]:
    """The note's sections, which are those of the text from now on."""
    remove_sections([note.pk])
    new = [
        NoteSection(note=note, position=position, key=one["key"], title=one["title"], text=one["text"])
        for position, one in enumerate(text.sections, start=1)
    ]
    return NoteSection.objects.bulk_create(new)
