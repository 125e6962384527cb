"""Notes: the list, what is done with several at once, and each note's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from access import desk, log
from notes import review
from notes.admin.closing import Closing
from notes.admin.correcting import Correcting
from notes.admin.forms import WhyForm
from notes.admin.reading import Reading
from notes.admin.revised import RevisedNote
from notes.admin.searching import Searching
from notes.models import HELD, Note
from vendors import VENDORS

State = Note.State


class OfTemplate(desk.By):
    """By template, of those that came lately: they are an open set, and a million notes are not read to list them."""

    title = "template"
    parameter_name = "template"
    LATELY = 500

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        lately = model_admin.get_queryset(request).values_list("template", flat=True)[: self.LATELY]
        return [(name, name) for name in sorted(set(lately)) if name]


class OfVendor(desk.By):
    title = "vendor"
    parameter_name = "vendor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, vendor.title) for name, vendor in sorted(VENDORS.items())]


class Mine(admin.SimpleListFilter):
    title = "who has it"
    parameter_name = "mine"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "claimed by you")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(holder=request.user.pk, state__in=HELD) if self.value() == "yes" else queryset


class NewerText(desk.Asked):
    title = "newer text"
    parameter_name = "newer"
    on = "from the vendor"

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(offered_version__isnull=False)


@admin.register(Note)
class NoteAdmin(Searching, Reading, Correcting, RevisedNote, Closing):
    empty = "No note has come yet. They come with the vendors' answers to requests."
    searched = "notes and what was said"
    heavy = ("search",)
    refusals = (review.NotNow,)
    list_display = (
        desk.reference,
        desk.excerpted("title"),
        "template",
        desk.vendor,
        desk.moment("created_at", "date"),
        "standing",
        "has_it",
    )
    list_filter = ("state", Mine, NewerText, desk.Since, desk.Between, OfVendor, OfTemplate)
    list_select_related = ("clinic", "session", "request", "holder")
    facts = (
        desk.reference,
        "has_it",
        desk.vendor,
        "template",
        "language",
        "version",
        desk.moment("created_at", "received"),
        desk.moment("updated_at", "last changed"),
    )
    actions = ("claim", "approve_unchanged", "take_over", "release", "take_up", "reject")
    asks = {"reject": WhyForm}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="state")
    def standing(self, note: Note) -> SafeString:
        if note.offered_version is None:
            return desk.mark(note)
        return format_html('{}<br><span class="lp-mark lp-overdue">newer text</span>', desk.mark(note))

    @admin.display(description="who has it")
    def has_it(self, note: Note) -> str:
        return review.who_has(note) if note.holder_id else ""

    def get_actions(self, request: HttpRequest) -> Any:
        """On the list only what makes sense for many."""
        actions = super().get_actions(request)
        single = ("take_over", "release", "take_up") if self.is_list(request) else ()
        return {name: action for name, action in actions.items() if name not in single}

    def is_list(self, request: HttpRequest) -> bool:
        return bool(request.path == self.list_address())

    # --- What is done, with one or with many
    def reviewed(
        self, request: HttpRequest, notes: QuerySet[Note], do: Callable[..., None], said: str, **answers: Any
    ) -> None:
        by = log.actor(request)
        self.each(request, notes, lambda note: do(note.pk, by, **answers), said, logs=True)

    @admin.action(permissions=["manage"], description="Claim")
    def claim(self, request: HttpRequest, notes: QuerySet[Note]) -> None:
        self.reviewed(request, notes, review.claim, "You have claimed it.")

    @admin.action(permissions=["manage"], description="Approve unchanged")
    def approve_unchanged(self, request: HttpRequest, notes: QuerySet[Note]) -> None:
        self.reviewed(request, notes, review.approve, "It is approved as the vendor wrote it.", unchanged=True)

    @admin.action(permissions=["manage"], description="Take over")
    def take_over(self, request: HttpRequest, notes: QuerySet[Note]) -> None:
        self.reviewed(request, notes, review.take_over, "You have it now.")

    @admin.action(permissions=["manage"], description="Release")
    def release(self, request: HttpRequest, notes: QuerySet[Note]) -> None:
        self.reviewed(request, notes, review.release, "Others may claim it now.")

    @admin.action(permissions=["manage"], description="Take up again")
    def take_up(self, request: HttpRequest, notes: QuerySet[Note]) -> None:
        self.reviewed(request, notes, review.take_up, "It needs review again.")

    @admin.action(permissions=["manage"], description="Reject")
    def reject(self, request: HttpRequest, notes: QuerySet[Note], reason: str) -> None:
        self.reviewed(request, notes, review.reject, "It is rejected.", reason=reason)
