"""A later text of the vendor's on a note's page: shown beside its words, until somebody decides."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from access import desk, log
from access.log import Actor
from notes import deciding
from notes.admin.correcting import posted
from notes.admin.forms import RevisionForm
from notes.comparing import compared
from notes.models import Note, NoteVersion
from notes.review import NotNow, Overtaken

OTHERS = "The note was changed since you opened this page. Read it again, then decide."


class RevisedNote(desk.ManagedModelAdmin):
    def get_urls(self) -> list[URLPattern]:
        return [self._page("revision"), *super().get_urls()]

    @posted
    def revision_view(self, request: HttpRequest, note: Note) -> HttpResponse:
        """Takes over the text that was on the page, or leaves the note as it is."""
        form = RevisionForm(request.POST)
        if not form.is_valid():
            return self.back(request, note, messages.WARNING, "The page did not say what to do. Load it again.")
        try:
            said = decide(note, log.actor(request), **form.cleaned_data)
        except Overtaken:
            return self.back(request, note, messages.WARNING, OTHERS)
        except NotNow as refusal:
            return self.back(request, note, messages.WARNING, f"Not done: {refusal}")
        return self.back(request, note, messages.SUCCESS, said)


def decide(note: Note, by: Actor, version: int, based_on: int, decision: str) -> str:
    """What there is to say of it."""
    if decision == "take":
        deciding.take(note.pk, by, based_on, version)
        return "The note has the vendor's newer text now."
    deciding.keep(note.pk, by, version)
    return "The note stays as it is."


def revision(note: Note, texts: dict[int, NoteVersion]) -> dict[str, Any]:
    """`texts`: by number, at least the version at hand and what is offered."""
    if note.offered_version is None:
        return {}
    offered = texts[note.offered_version]
    return {"revision": offered, "revision_changes": compared(texts[note.version], offered)}
