"""REST: transcripts and notes. Whoever reads their words is in the access log."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Prefetch, QuerySet, Subquery
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from access import log
from access.models import AccessEntry, Scope
from config.paging import ById, ByTime, NewestFirst
from config.problems import Unavailable
from config.rest import OfClinic, included
from notes import search
from notes.filters import NoteFilters, TranscriptFilters
from notes.models import Addendum, Note, NoteVersion, Transcript
from notes.serializers import NoteShown, TranscriptListed, TranscriptShown

READ = {"GET": Scope.NOTES_READ}
PARTS = ("sections", "transcript")
INCLUDE = OpenApiParameter(
    "include",
    {"type": "array", "items": {"type": "string", "enum": list(PARTS)}, "minItems": 1},
    description="What to give along, by commas.",
    style="form",
    explode=False,
)
#: Of PostgreSQL's, before a page of what was found until then is given; and where that is nothing at all.
PATIENCE_SECONDS, LAST_SECONDS = 1.0, 10.0


def shown_notes() -> Any:
    offered = NoteVersion.objects.filter(note=OuterRef("pk"), number=OuterRef("offered_version"))
    columns = {"signer": F("signed_by__username"), "offered_at": Subquery(offered.values("created_at"))}
    return Note.objects.annotate(**columns).defer("search")


def with_words(notes: Any) -> Any:
    """Their sections and addenda too."""
    addenda = Addendum.objects.select_related("author").order_by("number")
    return notes.prefetch_related("sections", Prefetch("addenda", addenda))


class TranscriptList(OfClinic, generics.ListAPIView[Transcript]):
    """Lists the clinic's transcripts, newest first, without their lines."""

    queryset = Transcript.objects.defer("search", "lines")
    serializer_class = TranscriptListed
    filterset_class = TranscriptFilters
    scopes = READ


class TranscriptOne(OfClinic, generics.RetrieveAPIView[Transcript]):
    queryset = Transcript.objects.defer("search")
    serializer_class = TranscriptShown
    scopes = READ

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Shows one transcript with its lines. Goes into the access log."""
        transcript = self.get_object()
        with log.recording(request, AccessEntry.Action.READ, [transcript]):
            return Response(TranscriptShown(transcript).data)


class ReadsNotes(OfClinic):
    def read_out(self, notes: Any, include: frozenset[str]) -> Any:
        """The notes as shown. A title alone is no reading; whose sections or transcripts are read is logged."""
        transcripts: dict[UUID, Transcript] = {}
        if "transcript" in include:
            asked = Transcript.objects.for_clinic(self.clinic).filter(request__in=[note.request_id for note in notes])
            transcripts = {row.request_id: row for row in asked.defer("search")}
        context = {"include": include, "transcripts": transcripts}
        read = [*transcripts.values(), *(notes if "sections" in include else [])]
        with log.recording(self.request, AccessEntry.Action.READ, read):
            return NoteShown(notes, many=True, context=context).data


class NewestFound(NewestFirst):
    """Pages of what the words in `q` find; else, of those changed at some time, the latest change first.

    What takes longer than PATIENCE_SECONDS to look for comes on several pages, of which some may be empty.
    """

    def order(self, request: Request) -> ById:
        given = request.query_params
        by_change = "q" not in given and not {"updated_since", "updated_before"}.isdisjoint(given)
        return ByTime("updated_at") if by_change else super().order(request)

    def take(
        self, rows: QuerySet[Any], most: int, request: Request, *, backwards: bool
    ) -> tuple[list[Any], bytes | None]:
        if not (words := request.query_params.get("q")):
            return super().take(rows, most, request, backwards=backwards)
        program: Any = request.auth
        look = partial(search.found, rows, search.asked(words, [program.clinic_id]), most, is_oldest_first=backwards)
        hits = look(seconds=PATIENCE_SECONDS)
        if hits.is_stuck:  # its next page would be itself
            hits = look(seconds=LAST_SECONDS)
        if hits.is_stuck:
            raise Unavailable("The search takes too long at this moment. Try again in a few seconds.")
        # One that somebody changes meanwhile may be missing: the page ends after what was found, not before.
        reached = hits.reached or (hits.ids[-1] if len(hits.ids) == most else None)
        return list(rows.filter(pk__in=hits.ids)), reached.bytes if reached else None


class NoteList(ReadsNotes, generics.ListAPIView[Note]):
    queryset = shown_notes()
    serializer_class = NoteShown
    pagination_class = NewestFound
    filterset_class = NoteFilters
    scopes = READ
    parameters = {"GET": ("include",)}

    @extend_schema(parameters=[INCLUDE])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Lists the clinic's notes, newest first. What is included of their words goes into the access log."""
        include = included(request, PARTS)
        rows = self.filter_queryset(self.get_queryset())
        notes = self.paginate_queryset(with_words(rows) if "sections" in include else rows) or []
        return self.get_paginated_response(self.read_out(notes, include))


class NoteOne(ReadsNotes, generics.RetrieveAPIView[Note]):
    queryset = with_words(shown_notes())
    serializer_class = NoteShown
    scopes = READ
    parameters = {"GET": ("include",)}

    @extend_schema(parameters=[INCLUDE])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Shows one note with its sections. Goes into the access log."""
        include = included(request, PARTS) | {"sections"}
        return Response(self.read_out([self.get_object()], include)[0])
