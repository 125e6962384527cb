"""What managers fill in: forms on pages of their own, checked by clinic, and secrets that are shown once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from access import roles
from access.desk.base import ClinicModelAdmin, Context, Role
from access.models import Clinic

Do = Callable[[dict[str, Any]], HttpResponse]


class Unseen(forms.Textarea):
    """For secrets: it never repeats what was typed."""

    def format_value(self, value: Any) -> None:
        return None


class DeskForm(forms.Form):
    def __init__(self, request: HttpRequest, initial: Mapping[str, Any] | None = None) -> None:
        data = request.POST if request.method == "POST" else None
        super().__init__(data, initial=dict(initial or {}), label_suffix="")


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
    shows it. Which of them make sense for a row, `buttons` says.
    """

    pages: ClassVar[Mapping[str, str]] = {}

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

    def show(self, request: HttpRequest, row: Any, template: str, context: Context) -> HttpResponse:
        return super().show(request, row, template, {"ways": list(self.ways(request, row)), **context})

    def ways(self, request: HttpRequest, row: Any) -> Iterable[tuple[str, str]]:
        """Addresses and words of the forms that make sense for the row."""
        if self.has_manage_permission(request, row):
            for name in self.buttons(row):
                if name in self.pages:
                    yield reverse(f"admin:{self._name(name)}", args=[row.pk]), self.pages[name]

    def asked(self, request: HttpRequest, form: forms.Form, heading: str, do: Do, row: Any = None) -> HttpResponse:
        """The form, until its answers can be used; then what `do` answers to them."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if form.is_valid():
            try:
                with transaction.atomic():
                    return do(form.cleaned_data)
            except self.refusals as refusal:
                form.add_error(None, str(refusal))
        return self.answer(request, "admin/form.html", {"form": form, "heading": heading, "original": row})

    def show_secret(self, request: HttpRequest, row: Any, heading: str, what: str, secret: str) -> HttpResponse:
        """The one page that ever holds the secret: it is in no session, message or address."""
        facts = {"heading": heading, "what": what, "secret": secret, "original": row}
        return self.answer(request, "admin/secret.html", facts)

    def answer(self, request: HttpRequest, template: str, context: Context) -> HttpResponse:
        title = capfirst(str(self.opts.verbose_name))
        common = {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        return TemplateResponse(request, template, common | context).render()
