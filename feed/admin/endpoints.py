"""Webhooks, for managers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from access import desk, log
from access.models import Membership
from feed.admin import earlier, telling
from feed.admin.filters import InTrouble
from feed.admin.forms import EndpointForm, NewEndpointForm, ReplayForm, SecretForm, SwitchOnForm
from feed.models import Delivery, Endpoint
from feed.webhooks import endpoints, replays
from feed.webhooks.refusals import NotNow, Refused

MOST = 1000
NEWEST = 10
State = Endpoint.State


@admin.register(Endpoint)
class EndpointAdmin(desk.ManagedModelAdmin):
    readers = Membership.Role.MANAGER
    heavy = ("secrets",)
    adding = "Make a webhook"
    empty = "No other system is told of anything yet. Make a webhook for one that wants to be."
    unseen = "If you did not see the secret, make another: “New secret”."
    ends = {
        "stop_replay": "Earlier events are not sent again any more, but for those that wait for it already.",
        "switch_off": "Nothing is sent to it until it is switched on. What happens meanwhile can be sent then.",
        "remove": "Nothing is sent to it any more, and its deliveries are forgotten. It cannot be undone.",
    }
    list_display = ("called", "address", "how", "waiting", desk.moment("last_delivered_at", "last delivered"))
    list_filter = (InTrouble,)
    facts = (
        "address",
        "told_of",
        "waiting",
        desk.moment("last_delivered_at", "last delivered"),
        desk.moment("created_at", "made"),
    )
    actions = ("test", "stop_replay", "switch_off", "stay_off", "remove")
    pages = {"switch_on": "Switch on", "edit": "Change", "replay": "Send earlier events", "secret": "New secret"}
    refusals = (Refused, NotNow)

    def get_queryset(self, request: HttpRequest) -> Any:
        due = Delivery.objects.filter(endpoint=OuterRef("pk"), next_attempt_at__isnull=False)
        bounded = ArraySubquery(due.order_by().values("pk")[: MOST + 1])
        number = Func(bounded, function="cardinality", output_field=IntegerField())
        return super().get_queryset(request).annotate(pending=number)

    def name(self, endpoint: Endpoint) -> str:
        return telling.name(endpoint)

    # --- What is shown
    @admin.display(description="webhook")
    def called(self, endpoint: Endpoint) -> str:
        return telling.name(endpoint)

    @admin.display(description="address")
    def address(self, endpoint: Endpoint) -> str:
        """As text: whatever listens there has nothing for a browser."""
        return endpoint.url

    @admin.display(description="state")
    def how(self, endpoint: Endpoint) -> str:
        return format_html("{} {}", telling.mark(endpoint), telling.standing(endpoint))

    @admin.display(description="waiting")
    def waiting(self, endpoint: Any) -> str:
        return f"more than {MOST:,}" if endpoint.pending > MOST else f"{endpoint.pending:,}"

    @admin.display(description="told of")
    def told_of(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.types) or "everything"

    def page(self, request: HttpRequest, endpoint: Endpoint) -> dict[str, Any]:
        newest = endpoint.deliveries.select_related("clinic").order_by("-pk")[:NEWEST]
        return {
            "mark": telling.mark(endpoint),
            "story": telling.story(endpoint),
            "reached": replays.reached(endpoint),
            "deliveries": [(delivery, telling.answer(delivery)) for delivery in newest],
            "all": f"{reverse('admin:feed_delivery_changelist')}?webhook={endpoint.pk}",
        }

    def buttons(self, endpoint: Endpoint) -> list[str]:
        stop = ["stop_replay"] if endpoint.replay_until else []
        if endpoint.state == State.ON:
            return ["edit", "replay", *stop, "secret", "test", "switch_off", "remove"]
        is_seen = endpoint.off_reason == Endpoint.Off.BY_HAND
        return ["switch_on", *stop, "edit", "secret", *([] if is_seen else ["stay_off"]), "remove"]

    # --- Forms
    def add(self, request: HttpRequest) -> HttpResponse:
        def do(answers: dict[str, Any]) -> desk.Done:
            endpoint, secret = endpoints.create(answers.pop("clinic"), **answers, by=log.actor(request))
            return desk.Done(endpoint, "The new webhook", "Secret", secret)

        return self.asked(request, NewEndpointForm(request), self.adding, do)

    def edit_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        endpoint = self.managed(request, object_id)

        form = EndpointForm(request, {name: getattr(endpoint, name) for name in ("url", "description", "types")})

        def do(answers: dict[str, Any]) -> desk.Done:
            changed = {name: answers[name] for name in form.changed_data if name in answers}
            endpoints.change(endpoint, by=log.actor(request), **changed)
            return desk.Done(endpoint, "The webhook is changed: it counts from now on.")

        return self.asked(request, form, self.pages["edit"], do, endpoint)

    def secret_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        endpoint = self.managed(request, object_id)

        def do(answers: dict[str, Any]) -> desk.Done:
            overlap = timedelta(hours=answers["hours"])
            secret = endpoints.rotate(endpoint, overlap=overlap, by=log.actor(request))
            return desk.Done(endpoint, "The new secret", "Secret", secret)

        return self.asked(request, SecretForm(request), self.pages["secret"], do, endpoint)

    def switch_on_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        endpoint = self.managed(request, object_id)
        since = earlier.missed_since(endpoint)
        form = SwitchOnForm(request, endpoint, since)

        def do(answers: dict[str, Any]) -> desk.Done:
            endpoints.switch_on(endpoint, by=log.actor(request))
            if answers.get("again") and since:
                replays.replay(endpoint, since, None, by=log.actor(request))
            return desk.Done(endpoint, "The webhook is switched on.")

        return self.asked(request, form, self.pages["switch_on"], do, endpoint)

    def replay_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        endpoint = self.managed(request, object_id)
        form = ReplayForm(request, endpoint)
        if "confirm" not in request.POST and form.is_valid():
            number = replays.number(endpoint, form.cleaned_data["since"], form.cleaned_data["until"])
            facts = {"form": form, "heading": self.pages["replay"], "number": earlier.how_many(number)}
            return self.answer(request, "admin/feed/endpoint/replay.html", endpoint, facts)

        def do(answers: dict[str, Any]) -> desk.Done:
            replays.replay(endpoint, **answers, by=log.actor(request))
            return desk.Done(endpoint, "They are on their way, the oldest first.")

        return self.asked(request, form, self.pages["replay"], do, endpoint)

    # --- Buttons
    @admin.action(permissions=["manage"], description="Send a test")
    def test(self, request: HttpRequest, rows: QuerySet[Endpoint]) -> None:
        by = log.actor(request)
        said = "A test is on its way: look here again in a few seconds."
        self.each(request, rows, lambda endpoint: endpoints.test(endpoint, by=by), said, logs=True)

    @admin.action(permissions=["manage"], description="Stop sending earlier events")
    def stop_replay(self, request: HttpRequest, rows: QuerySet[Endpoint]) -> None:
        by = log.actor(request)
        said = "No more earlier events are sent."
        self.each(request, rows, lambda endpoint: replays.stop(endpoint, by=by), said, logs=True)

    @admin.action(permissions=["manage"], description="Switch off")
    def switch_off(self, request: HttpRequest, rows: QuerySet[Endpoint]) -> None:
        by = log.actor(request)
        said = "It is switched off: nothing is sent to it."
        self.each(request, rows, lambda endpoint: endpoints.switch_off(endpoint, by=by), said, logs=True)

    @admin.action(permissions=["manage"], description="Leave it off")
    def stay_off(self, request: HttpRequest, rows: QuerySet[Endpoint]) -> None:
        by = log.actor(request)

        def do(endpoint: Endpoint) -> None:
            if endpoint.state == State.ON:
                raise NotNow("The webhook is on.")
            endpoints.switch_off(endpoint, by=by)

        self.each(request, rows, do, "It stays off, and nobody is reminded of it.", logs=True)

    @admin.action(permissions=["manage"], description="Remove")
    def remove(self, request: HttpRequest, rows: QuerySet[Endpoint]) -> None:
        by = log.actor(request)
        ended: list[Endpoint] = []

        def do(endpoint: Endpoint) -> None:
            endpoints.end(endpoint, by=by)
            ended.append(endpoint)

        self.each(request, rows, do, "The webhook is removed.", logs=True)
        for endpoint in ended:  # after the commit: their deliveries may be millions
            endpoints.clear(endpoint)
