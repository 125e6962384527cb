"""How lists of transcripts and notes can be narrowed."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import CharFilter, ChoiceFilter, FilterSet, UUIDFilter

from config.fields import MomentFilter
from notes.models import Note, Transcript

CHANGED = "By the latest change; without q the list is then in the order of changes, the latest first."
WORDS = (
    'Words of the note or of its transcript. "Quotes", OR and -without are understood. '
    "What takes longer than a second to look for comes on several pages, of which some may be empty."
)


class TranscriptFilters(FilterSet):  # type: ignore[misc]
    session = UUIDFilter(field_name="session_id")
    request = UUIDFilter(field_name="request_id")

    class Meta:
        model: Any = Transcript
        fields: list[str] = []


class NoteFilters(FilterSet):  # type: ignore[misc]
    session = UUIDFilter(field_name="session_id")
    request = UUIDFilter(field_name="request_id")
    state = ChoiceFilter(choices=Note.State.choices)
    updated_since = MomentFilter(field_name="updated_at", lookup_expr="gte", label=CHANGED)
    updated_before = MomentFilter(field_name="updated_at", lookup_expr="lt", label=CHANGED)
    q = CharFilter(method="search", max_length=200, label=WORDS)

    class Meta:
        model: Any = Note
        fields: list[str] = []

    def search(self, notes: QuerySet[Note], name: str, words: str) -> QuerySet[Note]:
        """The page looks for the words: it knows from where on, and how many rows it takes."""
        return notes
