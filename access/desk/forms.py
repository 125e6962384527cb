"""What managers fill in: forms on pages of their own, checked by clinic, and secrets that are shown once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst

from access import roles
from access.desk.base import ClinicModelAdmin, Context, Role
from access.desk.display import address_of
from access.models import Clinic, SentForm

REMEMBERED = timedelta(hours=1)


@dataclass(frozen=True)
class Done:
    """What a form has made or changed, and what is said of it. `secret`: shown once, `what` is its name."""

    row: Any
    said: str
    what: str = ""
    secret: str = field(default="", repr=False)


Do = Callable[[dict[str, Any]], Done]


class DeskForm(forms.Form):
    """`form_id` is new with every page: what comes a second time with it is not done again."""

    form_id = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, initial: Mapping[str, Any] | None = None) -> None:
        data = request.POST if request.method == "POST" else None
        super().__init__(data, initial=dict(initial or {}), label_suffix="")

    def take_id(self) -> UUID | None:
        """Its id, no longer among the answers."""
        sent: UUID | None = self.cleaned_data.pop("form_id", None)
        return sent

    def put_focus(self) -> None:
        """On the first field that is wrong."""
        if wrong := next((name for name in self.fields if name in self.errors), None):
            self.fields[wrong].widget.attrs["autofocus"] = True


class ClinicForm(DeskForm):
    """`clinic` in the answers; asked only where the person manages several."""

    clinic = forms.ModelChoiceField(Clinic.objects.none())

    def __init__(self, request: HttpRequest, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(request, initial)
        self.managed = list(managed_by(request)[:2])
        if len(self.managed) == 1:
            del self.fields["clinic"]
        else:
            self.fields["clinic"].queryset = managed_by(request)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        only = {"clinic": self.managed[0]} if len(self.managed) == 1 else {}
        return self.cleaned_data | only


def managed_by(request: HttpRequest) -> QuerySet[Clinic]:
    clinics = Clinic.objects.all()
    return clinics if roles.is_operator(request) else clinics.filter(pk__in=roles.clinics(request, Role.MANAGER))


class ManagedModelAdmin(ClinicModelAdmin):
    """Rows that managers make and change.

    `pages`: forms about one row, each by its name, with the words of the button that leads there; `<name>_view`
    shows it. Which of them make sense for a row, `buttons` says. `unseen`: what to do about a secret that was missed.
    """

    pages: ClassVar[Mapping[str, str]] = {}
    unseen: ClassVar[str] = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return roles.may(request, Role.MANAGER)

    def get_urls(self) -> list[URLPattern]:
        return [*(self._page(name) for name in self.pages), *super().get_urls()]

    def _page(self, name: str) -> URLPattern:
        view = self.admin_site.admin_view(getattr(self, f"{name}_view"))
        page: URLPattern = path(f"<uuid:object_id>/{name}/", view, name=self._name(name))
        return page

    def _name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Context | None = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self.add(request)

    def add(self, request: HttpRequest) -> HttpResponse:
        raise NotImplementedError

    def managed(self, request: HttpRequest, object_id: Any) -> Any:
        """The row, for who manages its clinic: 404 for strangers, 403 for the clinic's others."""
        row = self.get_object(request, str(object_id))
        if not self.has_manage_permission(request, row):
            raise PermissionDenied
        return row

    def back(self, request: HttpRequest, row: Any, level: int, said: str) -> HttpResponse:
        """To the row's page, with a word about what was done or not."""
        self.message_user(request, said, level)
        return HttpResponseRedirect(address_of(row))

    def show(self, request: HttpRequest, row: Any, template: str, context: Context) -> HttpResponse:
        return super().show(request, row, template, {"ways": list(self.ways(request, row)), **context})

    def ways(self, request: HttpRequest, row: Any) -> Iterable[tuple[str, str]]:
        """Addresses and words of the forms that make sense for the row."""
        if self.has_manage_permission(request, row):
            for name in self.buttons(row):
                if name in self.pages:
                    yield reverse(f"admin:{self._name(name)}", args=[row.pk]), self.pages[name]

    # --- Asking
    def asked(self, request: HttpRequest, form: DeskForm, heading: str, do: Do, row: Any = None) -> HttpResponse:
        """The form, until its answers can be used; then what came of them."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if form.is_valid():
            try:
                with transaction.atomic():
                    return self.once(request, form.take_id(), lambda: do(form.cleaned_data))
            except self.refusals as refusal:
                own = getattr(refusal, "field", None)
                form.add_error(own if own in form.fields else None, str(refusal))
        form.put_focus()
        return self.answer(request, "admin/form.html", row, {"form": form, "heading": heading})

    def once(self, request: HttpRequest, form_id: UUID | None, do: Callable[[], Done]) -> HttpResponse:
        """Does it, unless this form has come before. One that comes meanwhile waits for the first to be done.

        Not in the session's row: every click of the person writes that whole row, and may have read it before.
        """
        if form_id is None:
            return self.answer_to(request, do())
        person = {"user_id": request.user.pk}
        mine = SentForm.objects.filter(**person)
        mine.filter(sent_at__lt=timezone.now() - REMEMBERED).delete()
        sent, is_first = SentForm.objects.get_or_create(pk=form_id, defaults=person)
        if not is_first:
            return self.sent_twice(request, sent)
        done = do()
        mine.filter(pk=form_id).update(address=address_of(done.row))
        return self.answer_to(request, done)

    def sent_twice(self, request: HttpRequest, sent: SentForm) -> HttpResponse:
        said = f"This form was sent twice, and done once: this is what the first time did. {self.unseen}"
        self.message_user(request, said.rstrip(), messages.WARNING)
        return HttpResponseRedirect(sent.address)

    def answer_to(self, request: HttpRequest, done: Done) -> HttpResponse:
        if done.secret:
            return self.show_secret(request, done)
        self.message_user(request, done.said, messages.SUCCESS)
        return HttpResponseRedirect(address_of(done.row))

    def show_secret(self, request: HttpRequest, done: Done) -> HttpResponse:
        """The one page that ever holds the secret: it is in no session, message or address."""
        facts = {"heading": done.said, "what": done.what, "secret": done.secret}
        return self.answer(request, "admin/secret.html", done.row, facts)

    def answer(self, request: HttpRequest, template: str, row: Any, context: Context) -> HttpResponse:
        title = capfirst(str(self.opts.verbose_name))
        about = {"title": title, "opts": self.opts, "original": row, "name": self.name(row) if row else ""}
        return TemplateResponse(request, template, self.admin_site.each_context(request) | about | context).render()
