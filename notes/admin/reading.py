"""A note's page: its words beside what was said, who has it, its versions; also to be printed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db.models import Q, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path

from access import desk, log
from access.models import AccessEntry
from notes.admin.revised import revision
from notes.comparing import compared
from notes.findings import REASONS, findings
from notes.lines import Line, readable
from notes.models import Draft, Evidence, Note, NoteSection, NoteVersion, Transcript
from notes.paper import addenda, paper
from notes.pdf import Unprintable, pdf
from notes.showing import changed, shown

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
        texts = texts_of(note, draft)
        fits = draft is None or has_sections_of(texts[draft.based_on], texts[note.version])
        return {
            **self.words(note, texts, lines, draft if fits else None),
            **self.typing(request, note, draft, fits=fits),
            **revision(note, texts),
            "transcript": transcript,
            "is_unasked": transcript is None,
            "lines": lines,
            "is_closed": note.state not in OPEN,
            "may_review": self.has_manage_permission(request, note),
            "is_taken": note.state == State.IN_REVIEW and note.holder_id != request.user.pk,
            "addenda": addenda(note),
            "versions": note.versions.defer("sections").select_related("author").order_by("-number"),
        }

    def typing(self, request: HttpRequest, note: Note, draft: Draft | None, *, fits: bool) -> dict[str, Any]:
        """What the person may type. `fits`: the draft, if there is one, is of the sections that are on the page.

        Where it is of others, the page takes no typing, which would write over it: both are put together first.
        """
        may_take, is_behind = self.may_edit(request, note), bool(draft and draft.based_on != note.version)
        return {
            "draft": draft,
            "tab": uuid4(),
            "is_behind": is_behind and (may_take or not fits),
            "may_take": may_take,
            "may_edit": may_take and fits,
        }

    def words(
        self, note: Note, texts: dict[int, NoteVersion], lines: list[Line], draft: Draft | None
    ) -> dict[str, Any]:
        """The sections with their evidence, as far as it is about this version, and what it warns of.

        All is of the version that was found first: the note's rows may be others by now.
        """
        version = texts[note.version]
        first, sections = texts[version.vendor_text], sections_of(version)
        typed = draft.texts if draft else [section.text for section in sections]
        evidence = Evidence.objects.filter(note=note, version=note.version).first()
        dismissed = {row.warning: row for row in note.dismissals.select_related("author")}
        found = findings(evidence, sections, lines, dismissed) if evidence else []
        return {
            "sections": shown(sections, first.sections, typed, evidence),
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
        version = note.versions.filter(number=number).select_related("author").first()
        if version is None:
            raise Http404
        log.record(request, AccessEntry.Action.READ, [note], mode=f"version {number}")
        before, first = before_it(note, version), note.versions.get(number=version.vendor_text)
        facts = {"version": version, "before": compared(before, version)}
        if first != before:
            facts["first"] = compared(first, version)
        return self.show(request, note, "version", facts)

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


def texts_of(note: Note, draft: Draft | None) -> dict[int, NoteVersion]:
    """By number, the versions whose words the page shows, or what they were changed from."""
    began = note.versions.filter(number=note.version).values("vendor_text")
    shown = [number for number in (note.version, note.offered_version, draft and draft.based_on) if number]
    return {row.number: row for row in note.versions.filter(Q(number__in=shown) | Q(number=Subquery(began)))}


def sections_of(version: NoteVersion) -> list[NoteSection]:
    """As the note's rows are while it has this version."""
    return [NoteSection(key=one["key"], title=one["title"], text=one["text"]) for one in version.sections]


def has_sections_of(version: NoteVersion, other: NoteVersion) -> bool:
    keys, others = ([section["key"] for section in row.sections] for row in (version, other))
    return keys == others


def before_it(note: Note, version: NoteVersion) -> NoteVersion | None:
    """The version before. To what a person has saved, texts of the vendor's that the note never had are none."""
    earlier = note.versions.filter(number__lt=version.number).order_by("-number")
    if version.author_id:
        earlier = earlier.filter(Q(author__isnull=False) | Q(number=version.vendor_text))
    return earlier.first()
