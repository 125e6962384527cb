"""How managers narrow lists of webhooks and deliveries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Func, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from access import desk, roles
from feed.admin import telling
from feed.events import Kind
from feed.models import Delivery, Endpoint

#: Failing for less is nobody's trouble: whatever listens there may be starting anew.
PATIENCE = timedelta(hours=1)


def in_trouble(endpoints: QuerySet[Any]) -> QuerySet[Any]:
    """Those that were switched off by themselves, and those that fail for longer than PATIENCE."""
    by_itself = Q(state=Endpoint.State.OFF) & ~Q(off_reason=Endpoint.Off.BY_HAND)
    return endpoints.filter(by_itself | Q(state=Endpoint.State.ON, failing_since__lt=timezone.now() - PATIENCE))


class InTrouble(desk.Asked):
    title = "trouble"
    parameter_name = "trouble"
    on = "failing, or switched off by itself"

    def narrowed(self, rows: Any) -> QuerySet[Any]:
        return in_trouble(rows)


class OfEndpoint(admin.SimpleListFilter):
    """Operators come here from a webhook's page: they do not choose among those of all clinics."""

    title = "webhook"
    parameter_name = "webhook"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get(self.parameter_name, "")
        if roles.is_operator(request):
            return [(chosen, "of one webhook")] if chosen else []
        theirs = Endpoint.objects.filter(clinic__in=roles.clinics(request, roles.Role.MANAGER)).order_by("pk")
        return [(str(endpoint.pk), telling.name(endpoint)) for endpoint in theirs.only("description", "url")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            return queryset.filter(endpoint=self.value()) if self.value() else queryset
        except ValidationError:
            raise BadRequest from None


class OfColumn(admin.SimpleListFilter):
    """Of all webhooks together the newest of each are found by its own index, as many as a list goes back.

    For operators, of one webhook alone: those of all clinics are too many for that.
    """

    there_are: ClassVar[list[tuple[str, str]]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        is_of_one = bool(request.GET.get(OfEndpoint.parameter_name))
        return self.there_are if is_of_one or not roles.is_operator(request) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = {name: request.GET[name] for name in ("kind", "state") if request.GET.get(name)}
        if self.parameter_name != min(wanted, default=""):  # the first of both asks for both
            return queryset
        if request.GET.get(OfEndpoint.parameter_name):
            return queryset.filter(**wanted)
        theirs = Endpoint.objects.visible_to(request.user)
        newest = Delivery.objects.filter(endpoint=OuterRef("pk"), **wanted).order_by("-pk").values("pk")
        ids = ArraySubquery(newest[: desk.CappedPaginator.MOST])
        return queryset.filter(pk__in=theirs.values_list(Func(ids, function="unnest")))


class OfState(OfColumn):
    title = "state"
    parameter_name = "state"
    there_are = [(str(state), str(state.label)) for state in Delivery.State]


class OfKind(OfColumn):
    title = "type"
    template = "admin/feed/folded.html"  # there are thirty
    parameter_name = "kind"
    there_are = [(kind, kind) for kind in Kind.values]
