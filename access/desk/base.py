"""ModelAdmins: by clinic, by role, read-only unless an action says otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.views.defaults import bad_request

from access import log, roles
from access.desk.display import NO_CLINIC, address_of, in_words, name_of
from access.desk.lists import CappedPaginator
from access.models import AccessEntry, Membership

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    StackedInline = admin.StackedInline[Any, Any]
else:
    ModelAdmin, StackedInline = admin.ModelAdmin, admin.StackedInline

Role = Membership.Role
Context = dict[str, Any]


def name_the_site() -> None:
    admin.site.site_header = admin.site.site_title = "Listenpost"
    admin.site.index_title = "What waits for you"
    admin.site.site_url = None
    admin.site.enable_nav_sidebar = False  # the desk needs the width; the lists of daily work stand in the header


class OfThePage(ActionForm):
    """Actions reach the rows that were seen and ticked, whatever else a request asks for."""

    def clean_select_across(self) -> bool:
        return False


class DeskModelAdmin(ModelAdmin):
    """Fast lists, and 404 for what is not there or not theirs to see.

    `adding`: the words for making one. `empty`: what a list says that holds nothing yet.
    """

    adding: ClassVar[str] = ""
    empty: ClassVar[str] = "There is nothing here yet."
    action_form = OfThePage
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    paginator = CappedPaginator

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is None:
            raise Http404
        request.asked_clinic = getattr(row, "clinic_id", None)  # type: ignore[attr-defined]  # for access.refusals
        return row

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what a filter offers: no guessing at columns that are not shown."""
        offered = (one if isinstance(one, str) else getattr(one, "parameter_name", "") for one in self.list_filter)
        return lookup.split("__")[0] in offered

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        if "%00" in request.GET.urlencode():  # PostgreSQL's text holds no NUL: asking for one is an error there
            raise BadRequest
        self.check_ticked(request)
        title = capfirst(str(self.opts.verbose_name_plural))
        try:
            return super().changelist_view(request, {"title": title, **(extra_context or {})})
        except DisallowedModelAdminLookup as error:  # raised on, it would be logged as an attack, with its traceback
            return bad_request(request, error)

    def check_ticked(self, request: HttpRequest) -> None:
        """Raises BadRequest for what is no row's id."""
        try:
            for ticked in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(ticked)
        except ValidationError:
            raise BadRequest from None

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Context | None = None) -> HttpResponse:
        """The access log is the history."""
        raise Http404


class OperatorModelAdmin(DeskModelAdmin):
    """For operators alone. Nothing is deleted."""

    def render_change_form(
        self,
        request: HttpRequest,
        context: Any,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context |= {"title": str(obj) if obj else self.adding, "subtitle": None}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        if not roles.is_operator(request):  # before it is looked for: whether it is there is nobody else's business
            raise PermissionDenied
        return super().get_object(request, object_id, from_field)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return roles.is_operator(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return roles.is_operator(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return roles.is_operator(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return roles.is_operator(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ClinicModelAdmin(DeskModelAdmin):
    """Rows of clinics, on pages that are read. What is done with a row is an action, here also a button on its page.

    `readers`: the least role that sees them. `heavy`: columns not fetched until used. `refusals`: what the services
    raise when it cannot be done now. `facts`: what its page shows at the top; by default the list's columns. `doers`:
    the least role that does something with them. `ends`: actions that cannot be undone, each with what ends by it; they
    are asked about first. `asks`: actions that need answers, each with its form; the answers are given to the action.
    """

    readers: ClassVar[str] = Role.VIEWER
    doers: ClassVar[str] = Role.MANAGER
    heavy: ClassVar[Sequence[str]] = ()
    refusals: ClassVar[tuple[type[Exception], ...]] = ()
    facts: ClassVar[Sequence[Any]] = ()
    ends: ClassVar[Mapping[str, str]] = {}
    asks: ClassVar[Mapping[str, type[forms.Form]]] = {}
    ordering = ("-pk",)
    list_select_related: ClassVar[tuple[str, ...]] = ("clinic",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        return self.of_their_clinics(request, rows.visible_to(request.user).defer(*self.heavy))

    def of_their_clinics(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Rows of the clinics where the person is one of the readers."""
        if roles.is_operator(request):
            return rows
        clinics = roles.clinics(request, self.readers)
        # One clinic by name, not a list of one: only then does PostgreSQL read (clinic, -id) in order and stop at 50.
        return rows.filter(clinic=clinics[0]) if len(clinics) == 1 else rows.filter(clinic__in=clinics)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """404 for strangers, 403 for those of the clinic who are no readers."""
        try:
            return super().get_object(request, object_id, from_field)
        except Http404:
            if self.is_of_their_clinics(request, object_id):
                raise PermissionDenied from None
            raise

    def is_of_their_clinics(self, request: HttpRequest, object_id: str) -> bool:
        rows = self.model._default_manager.filter(clinic__in=roles.clinics(request, Role.VIEWER))
        try:
            return bool(rows.filter(pk=object_id).exists())
        except (ValidationError, ValueError):
            return False

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = list(super().get_list_display(request))
        return columns if len(roles.clinics(request, self.readers)) == 1 else [*columns, "clinic"]

    def name(self, row: Any) -> str:
        """What people call it."""
        return name_of(row)

    # --- Who may
    def has_module_permission(self, request: HttpRequest) -> bool:
        return roles.may(request, self.readers)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return roles.may(request, self.readers, obj and obj.clinic_id)

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return roles.may(request, self.doers, obj and obj.clinic_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- A row's page
    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_press"
        press = path("<uuid:object_id>/press/", self.admin_site.admin_view(self.press_view), name=name)
        return [press, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request, row):
            raise PermissionDenied
        return self.show(request, row, "change_form", self.page(request, row))

    def page(self, request: HttpRequest, row: Any) -> Context:
        """What the row's template needs beyond the row and its facts."""
        return {}

    def get_facts(self, row: Any) -> list[tuple[str, Any]]:
        """The row's columns with their headings, in words."""
        shown = []
        for name in self.facts or self.list_display:
            field, _, value = lookup_field(name, row, self)
            heading = str(label_for_field(name, self.model, self))
            shown.append((capfirst(heading), in_words(value, field)))
        return shown

    def buttons(self, row: Any) -> Iterable[str]:
        """Names of the actions that make sense for the row as it is."""
        return ()

    def show(self, request: HttpRequest, row: Any, template: str, context: Context) -> HttpResponse:
        """A page about the row, its times by the clinic's clocks."""
        common = {
            **self.admin_site.each_context(request),
            "title": capfirst(str(self.opts.verbose_name)),
            "opts": self.opts,
            "original": row,
            "name": self.name(row),
            "facts": self.get_facts(row),
            "buttons": self.offered(request, row),
        }
        own = f"admin/{self.opts.app_label}/{self.opts.model_name}/{template}.html"
        with timezone.override(ZoneInfo((row.clinic or NO_CLINIC).time_zone)):
            return TemplateResponse(request, [own, "admin/page.html"], common | context).render()

    def offered(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        if not self.has_manage_permission(request, row):
            return []
        actions = self.get_actions(request)
        return [(name, str(actions[name][2])) for name in self.buttons(row) if name in actions]

    # --- What is done
    def press_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """A button of the page: the list's action of that name, for one row."""
        row = self.get_object(request, str(object_id))
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        action = self.get_actions(request).get(request.POST.get("action", ""))
        if action is None or not self.has_manage_permission(request, row):
            raise PermissionDenied
        rows = self.get_queryset(request).filter(pk=row.pk)
        answer: HttpResponse | None = action[0](self, request, rows)
        if answer:
            return answer
        is_there = rows.all().exists()
        return HttpResponseRedirect(address_of(row) if is_there else self.list_address())

    def get_actions(self, request: HttpRequest) -> Any:
        """Those that end something ask first, from a row's page and from the list."""
        actions: Any = super().get_actions(request)
        return {name: (self.asking(name, do, str(words)), name, words) for name, (do, _, words) in actions.items()}

    def asking(self, name: str, do: Callable[..., HttpResponse | None], words: str) -> Callable[..., Any]:
        def asked(page: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
            if name not in self.ends and name not in self.asks:
                return do(page, request, rows)
            is_confirmed = "confirm" in request.POST
            form = self.asks.get(name, forms.Form)(request.POST if is_confirmed else None)
            if not is_confirmed or not form.is_valid():
                return self.ask(request, rows, name, words, form)
            return do(page, request, rows, **form.cleaned_data)

        return asked

    def ask(self, request: HttpRequest, rows: QuerySet[Any], action: str, words: str, form: forms.Form) -> HttpResponse:
        """What would end, what else has to be said, and the button that does it."""
        facts = {
            "rows": [(row.pk, self.name(row)) for row in rows],
            "action": action,
            "heading": f"{words}?",
            "words": words,
            "form": form,
            "what_ends": self.ends.get(action, ""),
            "title": capfirst(str(self.opts.verbose_name_plural)),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/confirm.html", self.admin_site.each_context(request) | facts).render()

    def list_address(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def each(
        self, request: HttpRequest, rows: Iterable[Any], do: Callable[[Any], object], done: str, logs: bool = False
    ) -> None:
        """Does it with each row, logs it, and says how many were done and why others were not.

        `logs`: what `do` calls writes the access log itself.
        """
        count, refused = 0, Counter[str]()
        for row in rows:
            if not self.has_manage_permission(request, row):
                refused[f"Only a {self.doers} of its clinic may do this."] += 1
                continue
            try:
                with transaction.atomic():
                    do(row)
                    if not logs:
                        log.record(request, AccessEntry.Action.CHANGED, [row])
                count += 1
            except self.refusals as refusal:
                refused[str(refusal)] += 1
        if count:
            self.message_user(request, done if count == 1 else f"{done} ({count} of them)", messages.SUCCESS)
        for reason, times in refused.items():
            self.message_user(request, f"Not done{f' for {times}' if times > 1 else ''}: {reason}", messages.WARNING)
