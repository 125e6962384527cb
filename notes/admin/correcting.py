"""Correcting a note on its page. What was typed is never lost: what cannot be saved now is kept as a draft."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from access import desk, log, roles
from access.models import AccessEntry
from notes import review
from notes.admin.forms import DismissForm, tab_of, typed
from notes.comparing import heading, paired
from notes.diffs import changes
from notes.models import Draft, Note, NoteVersion
from notes.review import Elsewhere, NotNow, Overtaken


def posted(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What a form of a note's page is sent to, for its clinic's reviewers."""

    @wraps(view)
    def checked(page: desk.ManagedModelAdmin, request: HttpRequest, object_id: UUID) -> HttpResponse:
        note = page.managed(request, object_id)
        return view(page, request, note) if request.method == "POST" else HttpResponseNotAllowed(["POST"])

    return checked


class Correcting(desk.ManagedModelAdmin):
    def get_urls(self) -> list[URLPattern]:
        following = path("next/", self.admin_site.admin_view(self.next_view), name=self._name("next"))
        own = [self._page(name) for name in ("save", "draft", "discard", "conflict", "dismiss")]
        return [following, *own, *super().get_urls()]

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Claims the note that has waited longest, and goes there."""
        clinics = roles.clinics(request, self.doers)
        if not clinics:
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        note = review.claim_next(clinics, log.actor(request))
        if note:
            return HttpResponseRedirect(desk.address_of(note))
        messages.success(request, "No note waits for review.")
        return HttpResponseRedirect(reverse("admin:index"))

    @posted
    def save_view(self, request: HttpRequest, note: Note) -> HttpResponse:
        """Saves the words on the page; the button may approve them too."""
        by, tab, approves = log.actor(request), tab_of(request), request.POST.get("then") == "approve"
        try:
            based_on, words = typed(request, note)
        except NotNow as refusal:
            return self.back(request, note, messages.WARNING, str(refusal))
        try:
            save = review.edit_and_approve if approves else review.edit
            is_new = save(note.pk, by, based_on, words, tab)
        except Overtaken:
            review.keep_draft(note.pk, by, based_on, words, tab)
            return HttpResponseRedirect(reverse(f"admin:{self._name('conflict')}", args=[note.pk]))
        except NotNow as refusal:
            review.keep_draft(note.pk, by, based_on, words, tab)
            return self.back(request, note, messages.WARNING, f"Not done: {refusal}")
        said = "It is approved." if approves else "It is saved." if is_new else "Nothing was changed."
        return self.back(request, note, messages.SUCCESS, said)

    @posted
    def draft_view(self, request: HttpRequest, note: Note) -> HttpResponse:
        """Keeps what has been typed so far; the page's script sends it every few seconds."""
        try:
            based_on, words = typed(request, note)
            is_kept = review.keep_draft(note.pk, log.actor(request), based_on, words, tab_of(request), autosaved=True)
        except NotNow as refusal:
            return JsonResponse({"said": str(refusal)}, status=422)
        except Elsewhere as refusal:
            return JsonResponse({"said": str(refusal)}, status=409)
        at = desk.in_clinic_time(timezone.now(), note.clinic)
        said = [f"Draft kept, {at}."] if is_kept else []
        if based_on != note.version:
            said.append(f"Version {note.version} was saved meanwhile: saving will show you both.")
        return JsonResponse({"said": " ".join(said)})

    @posted
    def discard_view(self, request: HttpRequest, note: Note) -> HttpResponse:
        if review.drop_draft(note.pk, log.actor(request), tab_of(request)):
            return self.back(request, note, messages.SUCCESS, "Your draft is discarded.")
        return self.back(request, note, messages.WARNING, "Not discarded: you have typed more in another tab since.")

    def conflict_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """What a person has changed beside the newer version; what they have not touched is as that has it."""
        note = self.managed(request, object_id)
        draft = Draft.objects.filter(note=note, user=request.user.pk).first()
        if draft is None:
            return HttpResponseRedirect(desk.address_of(note))
        log.record(request, AccessEntry.Action.READ, [note], mode="conflict")
        begun, latest = (note.versions.select_related("author").get(number=n) for n in (draft.based_on, note.version))
        facts = {
            "draft": draft,
            "tab": uuid4(),
            "latest": latest,
            "title": note.title if draft.title == begun.title else draft.title,
        }
        return self.show(request, note, "conflict", facts | put_together(draft, begun, latest))

    @posted
    def dismiss_view(self, request: HttpRequest, note: Note) -> HttpResponse:
        """Sets a warning aside, with a reason."""
        form = DismissForm(request.POST)
        if not form.is_valid():
            return self.back(request, note, messages.WARNING, "Choose why the warning is no matter.")
        review.dismiss(note.pk, log.actor(request), **form.cleaned_data)
        return self.back(request, note, messages.SUCCESS, "The warning is set aside.")


def put_together(draft: Draft, begun: NoteVersion, latest: NoteVersion) -> dict[str, Any]:
    """`both`: each of the latest sections, with its place, what the draft has changed in it, and how that differs.

    `left`: by the heading of its section, what the draft has changed in one that is gone.
    """
    changed = [text != section["text"] for text, section in zip(draft.texts, begun.sections, strict=True)]
    partners, gone = paired(begun.sections, latest.sections)
    mine = [
        section["text"] if old is None or not changed[old] else draft.texts[old]
        for old, section in zip(partners, latest.sections, strict=True)
    ]
    return {
        "both": [
            (place, section, text, changes(section["text"], text))
            for place, (section, text) in enumerate(zip(latest.sections, mine, strict=True))
        ],
        "left": [(heading(begun.sections[old]), draft.texts[old]) for old in gone if changed[old]],
    }
