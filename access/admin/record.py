"""The access log: staff see their clinic's, managers may take it away as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.urls import URLPattern, path

from access import desk, entries, log, roles, sealing, words
from access.models import AccessEntry, Clinic, Membership

LINES_AT_ONCE = 200


@admin.register(AccessEntry)
class AccessEntryAdmin(desk.ClinicModelAdmin):
    readers = Membership.Role.VIEWER
    empty = "Nothing is written here yet."
    list_display = ("when", "who", "role", "what", "which", "times", "address")
    list_filter = ("action", "actor_kind", desk.Since, desk.Between)
    facts = (
        "when",
        "who",
        "role",
        "what",
        "on_behalf_of",
        "kind",
        "which",
        "all_objects",
        "times",
        "address",
        "request_id",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return entries.with_objects(entries.with_names(super().get_queryset(request)))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        entry = super().get_object(request, object_id, from_field)
        if entry.clinic is None:
            entry._state.fields_cache["clinic"] = desk.NO_CLINIC  # the page asks for its clocks; clinic_id stays null
        return entry

    @admin.display(description="when")
    def when(self, entry: AccessEntry) -> str:
        return desk.in_clinic_time(entry.created_at, entry.clinic or desk.NO_CLINIC)

    @admin.display(description="who")
    def who(self, entry: Any) -> str:
        kind = entry.get_actor_kind_display()
        if not entry.actor_name:
            return f"{kind} {entry.actor_id}".rstrip()
        return str(entry.actor_name) if entry.actor_kind == log.Kind.USER else f"{kind} {entry.actor_name}"

    @admin.display(description="what")
    def what(self, entry: AccessEntry) -> str:
        how = words.reason(entry.reason) if entry.reason else entry.mode
        return f"{entry.get_action_display()} ({how})" if how else entry.get_action_display()

    @admin.display(description="which")
    def which(self, entry: Any) -> str:
        first = [entry.object_name or desk.short(key) for key in entry.object_ids[:1]]
        shown = " ".join([words.thing(entry.object_type), *first]).strip()
        more = len(entry.object_ids) - 1
        return f"{shown} and {more} more" if more > 0 else shown

    def name(self, entry: AccessEntry) -> str:
        return f"{self.who(entry)} {self.what(entry)}"

    @admin.display(description="object type")
    def kind(self, entry: AccessEntry) -> str:
        return words.thing(entry.object_type)

    @admin.display(description="objects")
    def all_objects(self, entry: AccessEntry) -> str:
        return " ".join(map(str, entry.object_ids))

    # --- As a file, and how far it is sealed
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="access_accessentry_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {"may_export": self.has_manage_permission(request), "sealed_until": self.sealed_until(request)}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def sealed_until(self, request: HttpRequest) -> str:
        """By the clocks of the one clinic whose log the person sees; empty for several, or none yet."""
        clinics = Clinic.objects.filter(pk__in=roles.clinics(request, self.readers)[:2])
        only = clinics[0] if len(clinics) == 1 else None
        last = sealing.last_seal(only.pk) if only else None
        return desk.in_clinic_time(last.created_at, only) if only and last else ""

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """The list as it is narrowed, of the clinics that the person manages."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        clinics = self.exportable(request)
        if not clinics:
            raise PermissionDenied
        rows, by = self.narrowed(request), log.actor(request)
        parts = [entries.export(rows, clinic, by, "csv") for clinic in clinics]
        lines = chain([entries.header("csv")], *parts)
        headers = {"Content-Disposition": 'attachment; filename="access-log.csv"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(_chunks(lines), content_type="text/csv; charset=utf-8", headers=headers)

    def exportable(self, request: HttpRequest) -> list[Clinic | None]:
        if roles.is_operator(request):
            return [*Clinic.objects.all(), None]
        return list(Clinic.objects.filter(pk__in=roles.clinics(request, Membership.Role.MANAGER)))

    def narrowed(self, request: HttpRequest) -> Any:
        if "%00" in request.GET.urlencode():
            raise BadRequest
        try:
            return self.get_changelist_instance(request).queryset
        except (IncorrectLookupParameters, DisallowedModelAdminLookup):
            raise BadRequest from None


def _chunks(lines: Iterable[str]) -> Iterator[str]:
    rest = iter(lines)
    while some := "".join(islice(rest, LINES_AT_ONCE)):
        yield some
