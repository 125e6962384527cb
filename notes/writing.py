"""A vendor's text of a note, as rows hold it: its sections, and its version, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import rows
from notes.models import NoteSection, NoteVersion, Transcript
from vendors.base import NoteText, Section


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that brought a transcript or a note, and what these take from it.

    `transcript_id`: what the transcript of this answer is called, if it is kept. `as_of`: when its note became so at
    the vendor, where that is said.
    """

    clinic_id: UUID
    session_id: UUID
    request_id: UUID
    vendor: str
    language: str
    template: str
    transcript_id: UUID = field(default_factory=uuid7, kw_only=True)
    as_of: datetime | None = field(default=None, kw_only=True)

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


@dataclass(frozen=True, slots=True)
class Written:
    """A vendor's text of a note, or a supplement to it, and the number of the version that it is."""

    note_id: UUID
    origin: Origin
    text: NoteText
    number: int
    as_of: datetime | None
    is_supplement: bool = False


def write_sections(written: Sequence[Written]) -> None:
    """Of notes that have none: see `remove_sections`."""
    rows.insert(
        NoteSection,
        [
            {"id": uuid7(), "note_id": one.note_id, "position": position, **words(section)}
            for one in written
            for position, section in enumerate(one.text.sections, start=1)
        ],
    )


def remove_sections(note_ids: Sequence[UUID]) -> None:
    """Of notes whose words are to be others. Raises IntegrityError where one of them is signed.

    By a function of the database: the application's role may delete nothing itself (migration 0008).
    """
    if note_ids:
        with connection.cursor() as cursor:
            cursor.execute("SELECT notes_remove_sections(%s)", [list(note_ids)])


def write_versions(written: Sequence[Written]) -> None:
    traced = [one.origin.transcript_id for one in written if any(section.sources for section in one.text.sections)]
    spoken = set(Transcript.objects.filter(pk__in=traced).values_list("pk", flat=True))
    now = timezone.now()
    rows.insert(NoteVersion, [_version(one, now, one.origin.transcript_id in spoken) for one in written])


def _version(one: Written, now: datetime, has_lines: bool) -> dict[str, object]:
    return {
        **{"id": uuid7(), "created_at": now, "clinic_id": one.origin.clinic_id, "note_id": one.note_id},
        **{"number": one.number, "vendor_text": one.number, "as_of": one.as_of, "title": one.text.title},
        "sections": [_sourced(section, has_lines) for section in one.text.sections],
        "is_supplement": one.is_supplement,
    }


def _sourced(section: Section, has_lines: bool) -> dict[str, object]:
    """`has_lines`: the transcript that it names lines of is kept, and not an earlier answer's."""
    return words(section) | ({"sources": section.sources} if section.sources and has_lines else {})


def words(section: Section) -> dict[str, object]:
    return {"key": section.key, "title": section.title, "text": section.text}


def is_said_in(text: NoteText, title: str, sections: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a version says the same, whatever its sources are."""
    said = [{name: value for name, value in section.items() if name != "sources"} for section in sections]
    return (text.title, [*map(words, text.sections)]) == (title, said)
