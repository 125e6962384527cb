"""Transcripts and notes, to be read. Every opening is logged."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from access import desk, log
from access.models import AccessEntry
from notes.lines import readable
from notes.models import Note, Transcript

NOTES = "admin:notes_note_changelist"
desk.register_count(
    desk.Count(
        1, "notes need review", lambda: Note.objects.filter(state="needs_review"), NOTES, "state__exact=needs_review"
    )
)


@admin.register(Transcript)
class TranscriptAdmin(desk.ClinicModelAdmin):
    empty = "No transcript has come yet. They come with the vendors' answers to requests."
    heavy = ("lines", "search")
    list_display = (desk.reference, desk.moment("created_at", "created"), "vendor", "language")
    list_filter = (desk.Since,)
    list_select_related = ("clinic", "session", "request")

    @admin.display(description="vendor")
    def vendor(self, transcript: Transcript) -> str:
        return transcript.request.vendor

    def page(self, request: HttpRequest, transcript: Transcript) -> dict[str, Any]:
        log.record(request, AccessEntry.Action.READ, [transcript])
        note = Note.objects.filter(request=transcript.request_id).defer("search").first()
        return {"lines": readable(transcript), "note": note}


class OfTemplate(admin.SimpleListFilter):
    """By template, of those that came lately: they are an open set, and a million notes are not read to list them."""

    title = "template"
    parameter_name = "template"
    LATELY = 500

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        lately = model_admin.get_queryset(request).values_list("template", flat=True)[: self.LATELY]
        return [(name, name) for name in sorted(set(lately)) if name]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(template=self.value()) if self.value() else queryset


@admin.register(Note)
class NoteAdmin(desk.ClinicModelAdmin):
    empty = "No note has come yet. They come with the vendors' answers to requests."
    heavy = ("search",)
    list_display = (
        desk.reference,
        "title",
        "template",
        "vendor",
        desk.moment("created_at", "date"),
        desk.mark,
    )
    list_filter = ("state", OfTemplate, desk.Since)
    list_select_related = ("clinic", "session", "request")
    facts = (
        desk.reference,
        "vendor",
        "template",
        "language",
        "version",
        desk.moment("created_at", "received"),
        desk.moment("updated_at", "last changed"),
    )

    @admin.display(description="vendor")
    def vendor(self, note: Note) -> str:
        return note.request.vendor

    def page(self, request: HttpRequest, note: Note) -> dict[str, Any]:
        transcript = Transcript.objects.filter(request=note.request_id).defer("search").first()
        log.record(request, AccessEntry.Action.READ, [note, *([transcript] if transcript else [])])
        return {
            "sections": note.sections.all(),
            "transcript": transcript,
            "lines": readable(transcript),
            "versions": note.versions.defer("sections").select_related("author").order_by("-number"),
        }
