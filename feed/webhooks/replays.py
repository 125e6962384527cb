"""Deliveries that are made again: one, or those of all events of a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from access import log
from access.log import Actor
from access.models import AccessEntry
from feed import sequencer
from feed.events import Kind
from feed.models import Delivery, Endpoint, Event
from feed.webhooks import endpoints, fanning
from feed.webhooks.refusals import NotNow, Refused

CHANGED = AccessEntry.Action.CHANGED
#: So many events are looked at in one go: of a type that is rare, few are sent.
CHUNK = 2000
ENDED = {"replay_after": None, "replay_until": None}


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
    """Sends what happened from `since` to `until` (now, if none), whether it was sent before or not.

    Workers go on with it chunk by chunk. Raises Refused, NotNow.
    """
    if since > timezone.now():
        raise Refused("since", "invalid", "Give a time that has been.")
    if until and until <= since:
        raise Refused("until", "invalid", "Give a later time than since.")
    with transaction.atomic():
        held = endpoints.locked(endpoint)
        endpoints.need_on(held)
        if held.replay_until:
            raise NotNow("The webhook is being sent a time's events again. Wait until that is done.")
        Endpoint.objects.filter(pk=held.pk).update(replay_after=before(since), replay_until=_end(until))
        log.record(by, CHANGED, [held], mode="replayed")
        endpoints.wake(held)


def chosen(endpoint: Endpoint, since: datetime, until: datetime | None = None) -> QuerySet[Any]:
    """The events that a replay sends."""
    told = _told(endpoint, before(since), _end(until))
    return told.filter(kind__in=endpoint.types) if endpoint.types else told.exclude(kind=Kind.WEBHOOK_TEST)


def go_on(endpoint: Endpoint) -> bool:
    """Makes the deliveries of the next chunk due. False when there was none, or the endpoint is not held any more."""
    with transaction.atomic():
        rows = Endpoint.objects.filter(pk=endpoint.pk, lease_token=endpoint.lease_token)
        held = rows.select_for_update(no_key=True).exclude(replay_until=None).first()
        if held is None:
            return False
        # Whoever numbers events at this moment may have passed over the endpoint while it was off: what comes of that
        # is waited for, and seen by the next statement.
        sequencer.held(held.clinic_id)
        found = list(_told(held, held.replay_after, held.replay_until).values_list("pk", "kind")[:CHUNK])
        fanning.make(held.clinic_id, found, fanning.AGAIN, only=held.pk)
        Endpoint.objects.filter(pk=held.pk).update(**({"replay_after": found[-1][0]} if found else ENDED))
    return bool(found)


def before(moment: datetime) -> UUID:
    """The smallest id that an event of this moment can have: a UUIDv7 begins with its milliseconds."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def _end(until: datetime | None) -> UUID:
    """What happens from now on is delivered by itself."""
    soon = timezone.now() + timedelta(milliseconds=1)
    return before(min(until, soon) if until else soon)


def reached(endpoint: Endpoint) -> datetime | None:
    """Up to which moment's events the replay under way has come."""
    after = endpoint.replay_after
    return datetime.fromtimestamp((after.int >> 80) / 1000, tz=timezone.get_default_timezone()) if after else None


def _told(endpoint: Endpoint, after: Any, until: Any) -> QuerySet[Any]:
    """The events that have their position: the others are delivered when they get it."""
    told = Event.objects.filter(clinic=endpoint.clinic_id, pk__gt=after, pk__lt=until, position__isnull=False)
    return told.order_by("pk")
