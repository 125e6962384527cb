"""Deliveries that are made again: one, or those of all events of a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from access import log
from access.log import Actor
from access.models import AccessEntry
from config.ids import first_id, moment_of
from feed import sequencer
from feed.events import Kind
from feed.models import Delivery, Endpoint, Event
from feed.webhooks import endpoints, fanning
from feed.webhooks.refusals import Refused

CHANGED = AccessEntry.Action.CHANGED
#: So many events are looked at in one go: of a type that is rare, few are sent.
CHUNK = 2000
#: And so many are looked at to say how many would be sent: a type that is rare costs no more than others.
MOST_LOOKED_AT = 10_000
#: A replay begins so much earlier. Who gets an event is decided when it gets its position, after its commit: what
#: happened just before the endpoint was switched off may have been passed over. Longer than any transaction.
MARGIN_SECONDS = 600
#: And one until now goes on for so long: other machines' clocks may be ahead.
AHEAD_SECONDS = 60
ENDED = {"replay_after": None, "replay_until": None}


class Number(NamedTuple):
    """How many events there are, or `found` and perhaps more."""

    found: int
    is_all: bool


def redeliver(delivery: Delivery, by: Actor) -> None:
    """Sent again, or sooner, with all tries before it. Raises NotNow."""
    with transaction.atomic():
        held = endpoints.locked(Endpoint(pk=delivery.endpoint_id))
        endpoints.need_on(held)
        anew = {"state": Delivery.State.PENDING, "attempts": 0, "delivered_at": None}
        Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=timezone.now(), **anew)
        log.record(by, CHANGED, [delivery], mode="sent again")
        endpoints.wake(held)


def replay(endpoint: Endpoint, since: datetime, until: datetime | None, by: Actor) -> None:
    """Sends what happened from `since` to `until` (now, if none), and a little before, sent already or not.

    Workers go on with it chunk by chunk. One that is under way takes in this time, too. Raises Refused, NotNow.
    """
    if since > timezone.now():
        raise Refused("since", "invalid", "Give a time that has been.")
    if until and until <= since:
        raise Refused("until", "invalid", "Give a later time than since.")
    with transaction.atomic():
        held = endpoints.locked(endpoint)
        endpoints.need_on(held)
        after, end = _bounds(since, until)
        after, end = min(after, held.replay_after or after), max(end, held.replay_until or end)
        Endpoint.objects.filter(pk=held.pk).update(replay_after=after, replay_until=end)
        log.record(by, CHANGED, [held], mode="replayed")
        endpoints.wake(held)


def stop(endpoint: Endpoint, by: Actor) -> None:
    """Ends the replay under way, if there is one: what it has made due already is sent. Raises NotNow."""
    with transaction.atomic():
        held = endpoints.locked(endpoint)
        if held.replay_until:
            Endpoint.objects.filter(pk=held.pk).update(**ENDED)
            log.record(by, CHANGED, [held], mode="replay stopped")


def number(endpoint: Endpoint, since: datetime, until: datetime | None = None) -> Number:
    """How many events a replay would send."""
    looked_at = told(endpoint, *_bounds(since, until))[: MOST_LOOKED_AT + 1]
    wanted = Q(kind__in=endpoint.types) if endpoint.types else ~Q(kind=Kind.WEBHOOK_TEST)
    counted = looked_at.aggregate(all=Count("pk"), wanted=Count("pk", filter=wanted))
    return Number(min(counted["wanted"], MOST_LOOKED_AT), counted["all"] <= MOST_LOOKED_AT)


def go_on(endpoint: Endpoint) -> bool:
    """Makes the deliveries of the next chunk due. False when there was none, or the endpoint is off or not held."""
    with transaction.atomic():
        rows = Endpoint.objects.filter(pk=endpoint.pk, lease_token=endpoint.lease_token, state=Endpoint.State.ON)
        held = rows.select_for_update(no_key=True).exclude(replay_until=None).first()
        if held is None:
            return False
        # Whoever numbers events at this moment may have passed over the endpoint while it was off: what comes of that
        # is waited for, and seen by the next statement.
        sequencer.held(held.clinic_id)
        found = list(told(held, held.replay_after, held.replay_until).values_list("pk", "kind")[:CHUNK])
        fanning.make(held.clinic_id, found, again=True, only=held.pk)
        Endpoint.objects.filter(pk=held.pk).update(**({"replay_after": found[-1][0]} if found else ENDED))
    return bool(found)


def reached(endpoint: Endpoint) -> datetime | None:
    """Up to which moment's events the replay under way has come."""
    return moment_of(endpoint.replay_after) if endpoint.replay_after else None


def _bounds(since: datetime, until: datetime | None) -> tuple[UUID, UUID]:
    """Of the ids. What happens from now on is delivered by itself."""
    soon = first_id(timezone.now(), seconds=AHEAD_SECONDS)
    return first_id(since, seconds=-MARGIN_SECONDS), min(first_id(until), soon) if until else soon


def told(endpoint: Endpoint, after: Any, until: Any) -> QuerySet[Any]:
    """The events that have their position: the others are delivered when they get it."""
    rows = Event.objects.filter(clinic=endpoint.clinic_id, pk__gt=after, pk__lt=until, position__isnull=False)
    return rows.order_by("pk")
