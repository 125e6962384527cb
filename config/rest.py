"""What REST views share: which parameters they know, how filters are checked and clinics kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.mixins import ListModelMixin
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from config.problems import Gone, invalid, plainly

if TYPE_CHECKING:  # DRF's views load what the settings name, and that is here
    from rest_framework.views import APIView

    from access.models import Clinic

REPEATED = ErrorDetail("Give it once.", code="repeated")


class JSON(JSONRenderer):
    """Without indentation, whatever is asked for: an object has one representation, and so one strong ETag."""

    def get_indent(self, accepted_media_type: Any, renderer_context: Any) -> None:
        return None


class StrictFilters(DjangoFilterBackend):  # type: ignore[misc]
    """Refuses what a filter cannot read, and a filter left empty: it would quietly list everything."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        known = getattr(getattr(view, "filterset_class", None), "base_filters", {})
        given = request.query_params
        if empty := [name for name in known if name in given and not given[name].strip()]:
            blank = ErrorDetail("Give a value or leave the parameter out.", code="blank")
            raise ValidationError({name: [blank] for name in empty})
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


class OfClinic:
    """For generic views: the rows of the key's own clinic, so that another clinic's ids are nowhere to be found.

    `parameters`: those that a method takes beside the list's filters and its pages', as in `{"GET": ("include",)}`.
    """

    request: Any
    kwargs: Any
    parameters: Mapping[str, Sequence[str]] = {}
    http_method_names: Sequence[str] = ("get", "head", "post", "put", "patch", "delete")

    @property
    def clinic(self) -> Clinic:
        clinic: Clinic = self.request.auth.clinic
        return clinic

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if hasattr(self, str(request.method).lower()):
            only(request, self.known_parameters(str(request.method)))

    def known_parameters(self, method: str) -> list[str]:
        read = "GET" if method == "HEAD" else method
        return sorted({*self.parameters.get(read, ()), *(self._of_list() if read == "GET" else ())})

    def _of_list(self) -> Iterator[str]:
        if isinstance(self, ListModelMixin):
            yield from getattr(getattr(self, "filterset_class", None), "base_filters", ())
            yield from getattr(getattr(self, "pagination_class", None), "parameters", ())

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()  # type: ignore[misc]
        return rows.none() if getattr(self, "swagger_fake_view", False) else rows.for_clinic(self.clinic)

    def get_object(self) -> Any:
        """Raises Gone for what the clinic had, and Http404 for what it never had: a stranger cannot tell."""
        try:
            return super().get_object()  # type: ignore[misc]
        except Http404:
            gone(self.clinic.pk, self.kwargs["pk"])
            raise

    def paginate_queryset(self, rows: Any) -> Any:
        """Who waits for something of a session or request that was removed is told so."""
        page = super().paginate_queryset(rows)  # type: ignore[misc]
        for name in {"session", "request"} & self.request.query_params.keys():
            if not page:
                gone(self.clinic.pk, UUID(self.request.query_params[name].strip()))  # as the filter has read it
        return page


def gone(clinic_id: UUID, object_id: Any) -> None:
    """Raises Gone for a row that the clinic had and that was removed."""
    from feed import events  # DRF's views may load this module before there are models

    if events.was_deleted(clinic_id, object_id):
        raise Gone


def only(request: Request, known: Iterable[str]) -> None:
    """Refuses parameters that are not known here, or given twice: to pass them over would answer something else."""
    known, given = list(known), request.query_params
    said = f"There are these here: {', '.join(known)}." if known else "There are none here."
    unknown = ErrorDetail(f"There is no such parameter. {said}", code="unknown")
    refused = {plainly(name, "query"): [unknown] for name in given if name not in known}
    refused |= {name: [REPEATED] for name in known if len(given.getlist(name)) > 1}
    if refused:
        raise ValidationError(refused)


def included(request: Request, allowed: Sequence[str]) -> frozenset[str]:
    """What `?include=` asks to be given along."""
    given = request.query_params.get("include")
    words = frozenset() if given is None else frozenset(given.split(","))
    if words - set(allowed):
        raise invalid("include", "unknown", f"Give some of: {', '.join(allowed)}, with commas between.")
    return words
