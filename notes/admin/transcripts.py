"""Transcripts, to be read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from access import desk, log
from access.models import AccessEntry
from notes import dictation
from notes.admin.forms import StartForm
from notes.admin.searching import Searching
from notes.lines import readable
from notes.models import Note, Transcript
from notes.review import NotNow


@admin.register(Transcript)
class TranscriptAdmin(Searching):
    empty = "No transcript has come yet. They come with the vendors' answers to requests."
    searched = "what was said"
    heavy = ("lines", "search")
    list_display = (desk.reference, desk.moment("created_at", "created"), desk.vendor, "language")
    list_filter = (desk.Since, desk.Between)
    list_select_related = ("clinic", "session", "request")
    actions = ("start_note",)
    asks: ClassVar[Mapping[str, type[forms.Form]]] = {"start_note": StartForm}
    refusals = (NotNow,)

    def get_actions(self, request: HttpRequest) -> Any:
        """For one alone: its page has the button."""
        return {} if request.path == self.list_address() else super().get_actions(request)

    def buttons(self, transcript: Transcript) -> list[str]:
        is_free = transcript.session.kind == "dictation" and not Note.objects.filter(request=transcript.request_id)
        return ["start_note"] if is_free else []

    @admin.action(permissions=["manage"], description="Start a note")
    def start_note(self, request: HttpRequest, transcripts: QuerySet[Transcript], template: str) -> None:
        start = partial(dictation.start_note, template=template, by=log.actor(request))
        self.each(request, transcripts, start, "A note is started.", logs=True)

    def page(self, request: HttpRequest, transcript: Transcript) -> dict[str, Any]:
        log.record(request, AccessEntry.Action.READ, [transcript])
        note = Note.objects.filter(request=transcript.request_id).defer("search").first()
        return {"lines": readable(transcript), "note": note}
