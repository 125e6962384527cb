"""What a note comes to, each on a page of its own: signed, amended, entered in error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from access import desk, log
from access.log import Actor
from notes import review
from notes.admin.forms import AddendumForm, ErrorForm, SignForm
from notes.models import Note
from notes.review import NotNow, Overtaken

CHANGED = "It was changed since you opened this page. Read it again, then sign."


class Closing(desk.ManagedModelAdmin):
    pages: ClassVar[dict[str, str]] = {
        "sign": "Sign and lock",
        "addendum": "Add an addendum",
        "error": "Entered in error",
    }

    def ways(self, request: HttpRequest, row: Note) -> Iterable[tuple[str, str]]:
        """The way to signing names the version that stands on the page."""
        for address, words in super().ways(request, row):
            yield (f"{address}?version={row.version}" if words == self.pages["sign"] else address), words

    @method_decorator(sensitive_post_parameters("password"))
    def sign_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        note = self.managed(request, object_id)
        if request.method != "POST" and request.GET.get("version") != str(note.version):
            return self.back(request, note, messages.WARNING, CHANGED)

        def do(by: Actor, answers: dict[str, Any]) -> None:
            try:
                review.sign(note.pk, by, answers["version"])
            except Overtaken:
                raise NotNow(CHANGED) from None

        return self.closed(request, note, SignForm(request, note), "sign", do, "It is signed and locked.")

    def addendum_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        note = self.managed(request, object_id)

        def do(by: Actor, answers: dict[str, Any]) -> None:
            review.amend(note.pk, by, answers["text"])

        return self.closed(request, note, AddendumForm(request), "addendum", do, "The addendum is added.")

    def error_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        note = self.managed(request, object_id)

        def do(by: Actor, answers: dict[str, Any]) -> None:
            review.enter_in_error(note.pk, by, answers["reason"])

        return self.closed(request, note, ErrorForm(request), "error", do, "It is marked as entered in error.")

    def closed(
        self,
        request: HttpRequest,
        note: Note,
        form: desk.DeskForm,
        page: str,
        do: Callable[[Actor, dict[str, Any]], None],
        said: str,
    ) -> HttpResponse:
        def once(answers: dict[str, Any]) -> desk.Done:
            do(log.actor(request), answers)
            return desk.Done(note, said)

        return self.asked(request, form, self.pages[page], once, note)
