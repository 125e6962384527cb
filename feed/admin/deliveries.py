"""What was sent to webhooks, and what came of it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from access import desk, log
from access.models import Membership
from feed.admin import telling
from feed.admin.filters import OfEndpoint, OfKind, OfState
from feed.models import Delivery
from feed.shown import shown
from feed.webhooks import replays
from feed.webhooks.refusals import NotNow


@admin.register(Delivery)
class DeliveryAdmin(desk.ClinicModelAdmin):
    readers = Membership.Role.MANAGER
    empty = "Nothing was sent yet. What happens is sent to the webhooks that want it."
    list_display = (
        "event_type",
        desk.moment("created_at", "when"),
        "to",
        desk.mark,
        "tries",
        "answer",
        "next_try",
    )
    list_filter = (OfEndpoint, OfState, desk.Since, OfKind)
    facts = (
        "to",
        "tries",
        "answer",
        desk.moment("created_at", "made"),
        desk.moment("last_attempt_at", "last try"),
        "next_try",
        desk.moment("delivered_at", "delivered"),
    )
    actions = ("redeliver",)
    refusals = (NotNow,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("clinic", "endpoint").defer("endpoint__secrets")

    def name(self, delivery: Delivery) -> str:
        return delivery.kind

    @admin.display(description="type")
    def event_type(self, delivery: Delivery) -> str:
        return delivery.kind

    @admin.display(description="webhook")
    def to(self, delivery: Delivery) -> str:
        endpoint = delivery.endpoint
        return format_html('<a href="{}">{}</a>', desk.address_of(endpoint), telling.name(endpoint))

    @admin.display(description="tries")
    def tries(self, delivery: Delivery) -> int:
        return delivery.attempts

    @admin.display(description="last answer")
    def answer(self, delivery: Delivery) -> str:
        return telling.answer(delivery)

    @admin.display(description="next try")
    def next_try(self, delivery: Delivery) -> str:
        return telling.due(delivery)

    def page(self, request: HttpRequest, delivery: Delivery) -> dict[str, Any]:
        return {"sentence": telling.sentence(delivery.kind), "body": json.dumps(shown(delivery.event), indent=2)}

    def buttons(self, delivery: Delivery) -> list[str]:
        return ["redeliver"] if delivery.attempts else []

    @admin.action(permissions=["manage"], description="Send again")
    def redeliver(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        by = log.actor(request)
        said = "It is on its way again: look here in a few seconds."
        self.each(request, rows, lambda delivery: replays.redeliver(delivery, by=by), said, logs=True)
