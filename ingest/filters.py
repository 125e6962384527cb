"""How lists of sessions and requests can be narrowed."""

from __future__ import annotations

from typing import Any

from django_filters.rest_framework import ChoiceFilter, FilterSet, UUIDFilter

from ingest.models import AsyncRequest, Session


class SessionFilters(FilterSet):  # type: ignore[misc]
    state = ChoiceFilter(choices=Session.State.choices)

    class Meta:
        model: Any = Session
        fields: list[str] = []


class RequestFilters(FilterSet):  # type: ignore[misc]
    session = UUIDFilter(field_name="session_id")
    state = ChoiceFilter(choices=AsyncRequest.State.choices)

    class Meta:
        model: Any = AsyncRequest
        fields: list[str] = []
