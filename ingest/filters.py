"""How lists of sessions and requests can be narrowed.

Not by a patient's reference: addresses stand in the logs of everything on their way, and many a clinic's reference is
the number that the patient has everywhere.
"""

from __future__ import annotations

from typing import Any

from django_filters.rest_framework import CharFilter, ChoiceFilter, FilterSet, UUIDFilter

from config.fields import CreatedFilter
from ingest.models import AsyncRequest, Session
from vendors import VENDORS


class SessionFilters(FilterSet):  # type: ignore[misc]
    state = ChoiceFilter(choices=Session.State.choices)
    kind = ChoiceFilter(choices=Session.Kind.choices)
    encounter_ref = CharFilter(max_length=200, strip=False, label="The clinic's own reference, letter by letter.")
    created_since = CreatedFilter(lookup_expr="gte", label="Created then or later.")
    created_before = CreatedFilter(lookup_expr="lt", label="Created before then.")

    class Meta:
        model: Any = Session
        fields: list[str] = []


class RequestFilters(FilterSet):  # type: ignore[misc]
    session = UUIDFilter(field_name="session_id")
    state = ChoiceFilter(choices=AsyncRequest.State.choices)
    vendor = ChoiceFilter(choices=[(name, name) for name in VENDORS])
    overdue = ChoiceFilter(choices=[("true", "overdue"), ("false", "not overdue")], method="by_delay")

    class Meta:
        model: Any = AsyncRequest
        fields: list[str] = []

    def by_delay(self, requests: Any, name: str, value: str) -> Any:
        return requests.overdue(is_so=value == "true")
