"""How the list of a webhook's deliveries can be narrowed."""

from __future__ import annotations

from typing import Any

from django_filters.rest_framework import ChoiceFilter, FilterSet

from feed.events import Kind
from feed.models import Delivery


class DeliveryFilters(FilterSet):  # type: ignore[misc]
    state = ChoiceFilter(choices=Delivery.State.choices)
    type = ChoiceFilter(field_name="kind", choices=Kind.choices, label="The event's.")

    class Meta:
        model: Any = Delivery
        fields: list[str] = []
