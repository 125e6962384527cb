"""Transcripts, to be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from access import desk, log
from access.models import AccessEntry
from notes.admin.searching import Searching
from notes.lines import readable
from notes.models import Note, Transcript


@admin.register(Transcript)
class TranscriptAdmin(Searching):
    empty = "No transcript has come yet. They come with the vendors' answers to requests."
    searched = "what was said"
    heavy = ("lines", "search")
    list_display = (desk.reference, desk.moment("created_at", "created"), "vendor", "language")
    list_filter = (desk.Since, desk.Between)
    list_select_related = ("clinic", "session", "request")

    @admin.display(description="vendor")
    def vendor(self, transcript: Transcript) -> str:
        return transcript.request.vendor

    def page(self, request: HttpRequest, transcript: Transcript) -> dict[str, Any]:
        log.record(request, AccessEntry.Action.READ, [transcript])
        note = Note.objects.filter(request=transcript.request_id).defer("search").first()
        return {"lines": readable(transcript), "note": note}
