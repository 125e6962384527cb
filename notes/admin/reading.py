"""A note's page: its words beside what was said, who has it, its versions; also to be printed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path

from access import desk, log
from access.models import AccessEntry
from notes.diffs import Piece, changes
from notes.findings import REASONS, findings
from notes.lines import Line, readable
from notes.models import Draft, Evidence, Note, NoteVersion, Transcript
from notes.paper import addenda, paper
from notes.pdf import Unprintable, pdf
from notes.showing import changed, shown, text_before

State = Note.State
READS = ["GET", "HEAD"]
OPEN = (State.NEEDS_REVIEW, State.IN_REVIEW, State.APPROVED)


def read(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page about a note, for its clinic's members."""

    @wraps(view)
    def checked(page: Reading, request: HttpRequest, object_id: UUID, **more: Any) -> HttpResponse:
        note = page.get_object(request, str(object_id))
        return view(page, request, note, **more) if request.method in READS else HttpResponseNotAllowed(READS)

    return checked


class Reading(desk.ManagedModelAdmin):
    def get_urls(self) -> list[URLPattern]:
        version = self.admin_site.admin_view(self.version_view)
        own = path("<uuid:object_id>/versions/<int:number>/", version, name=self._name("version"))
        return [own, self._page("print"), self._page("pdf"), *super().get_urls()]

    def page(self, request: HttpRequest, note: Note) -> dict[str, Any]:
        transcript = Transcript.objects.filter(request=note.request_id).defer("search").first()
        log.record(request, AccessEntry.Action.READ, [note, *([transcript] if transcript else [])])
        lines = readable(transcript)
        draft = Draft.objects.filter(note=note, user=request.user.pk).first()
        return {
            **self.words(note, lines, draft),
            "transcript": transcript,
            "is_unasked": transcript is None,
            "lines": lines,
            "draft": draft,
            "tab": uuid4(),
            "is_behind": bool(draft and draft.based_on != note.version),
            "may_edit": self.may_edit(request, note),
            "may_review": self.has_manage_permission(request, note),
            "is_taken": note.state == State.IN_REVIEW and note.holder_id != request.user.pk,
            "addenda": addenda(note),
            "versions": note.versions.defer("sections").select_related("author").order_by("-number"),
        }

    def words(self, note: Note, lines: list[Line], draft: Draft | None) -> dict[str, Any]:
        """The sections with their evidence, as far as it is about this version, and what it warns of."""
        sections = list(note.sections.all())
        texts = [section.text for section in sections]
        if draft and len(draft.texts) == len(texts):
            texts = draft.texts
        first = NoteVersion.objects.get(note=note, number=1)
        evidence = Evidence.objects.filter(note=note, version=note.version).first()
        dismissed = {row.warning: row for row in note.dismissals.select_related("author")}
        found = findings(evidence, sections, lines, dismissed) if evidence else []
        return {
            "sections": shown(sections, first.sections, texts, evidence),
            "typed_title": draft.title if draft else note.title,
            "title_changed": changed(first.title, note.title),
            "is_weighed": note.weighed_version == note.version,
            "is_compared": evidence is not None,
            "warnings": [finding for finding in found if not finding.dismissed],
            "dismissed": [finding for finding in found if finding.dismissed],
            "reasons": REASONS,
        }

    def may_edit(self, request: HttpRequest, note: Note) -> bool:
        is_free = note.state != State.IN_REVIEW or note.holder_id == request.user.pk
        return note.state in OPEN and is_free and self.has_manage_permission(request, note)

    def buttons(self, note: Note) -> list[str]:
        """What is done with it as it is; the forms among them lead to pages of their own."""
        match State(note.state):
            case State.NEEDS_REVIEW:
                return ["claim", "reject"]
            case State.IN_REVIEW:
                return ["take_over", "release", "reject"]
            case State.APPROVED:
                return ["sign", "claim", "reject"]
            case State.SIGNED | State.AMENDED:
                return ["addendum", "error"]
            case State.REJECTED:
                return ["take_up", "error"]
        return []

    def offered(self, request: HttpRequest, row: Note) -> list[tuple[str, str]]:
        """Of a note in review: to its reviewer all but taking it over, to the others that alone."""
        if row.state != State.IN_REVIEW:
            return super().offered(request, row)
        is_theirs = row.holder_id == request.user.pk
        return [one for one in super().offered(request, row) if (one[0] == "take_over") != is_theirs]

    @read
    def version_view(self, request: HttpRequest, note: Note, number: int) -> HttpResponse:
        """One version, with what it changed in the one before it and in the vendor's."""
        rows = note.versions.filter(number__in={1, number - 1, number}).select_related("author")
        found = {row.number: row for row in rows}
        if number not in found:
            raise Http404
        log.record(request, AccessEntry.Action.READ, [note], mode=f"version {number}")
        version = found[number]
        facts = {"version": version, "before": compared(found.get(number - 1), version)}
        return self.show(request, note, "version", facts | {"first": compared(found[1], version)})

    @read
    def print_view(self, request: HttpRequest, note: Note) -> HttpResponse:
        log.record(request, AccessEntry.Action.READ, [note], mode="print")
        return self.show(request, note, "print", {"paper": paper(note)})

    @read
    def pdf_view(self, request: HttpRequest, note: Note) -> HttpResponse:
        log.record(request, AccessEntry.Action.EXPORTED, [note], mode="pdf")
        name = f'attachment; filename="note-{str(note.pk)[-8:]}.pdf"'
        try:
            made = pdf(paper(note))
        except Unprintable:
            return self.back(request, note, messages.WARNING, "No PDF can be made of it: print it from the browser.")
        return HttpResponse(made, content_type="application/pdf", headers={"Content-Disposition": name})


def compared(before: NoteVersion | None, after: NoteVersion) -> list[tuple[str, list[Piece]]]:
    """Each section's title, and what was changed in its text; nothing where there is none before or the same."""
    if before is None or before.number == after.number:
        return []
    texts = [("Title", before.title, after.title)]
    for number, section in enumerate(after.sections):
        old = text_before(before.sections, number, section["key"])
        texts.append((section["title"] or section["key"], old, section["text"]))
    return [(title, changes(old, new)) for title, old, new in texts if old != new]
