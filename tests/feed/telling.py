"""What tests of webhooks have in common: endpoints that somebody listens at, and events for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from access import log
from access.models import Clinic
from feed import events, sequencer
from feed.events import Kind
from feed.models import Delivery, Endpoint
from feed.webhooks import endpoints, sending
from tests.feed.subscriber import Subscriber

BY = log.worker("test")
PAST = timedelta(seconds=1)


def listening(clinic: Clinic, there: Subscriber, **facts: Any) -> tuple[Endpoint, str]:
    """A webhook of the clinic's that leads there, and its secret."""
    return endpoints.create(clinic, url=facts.pop("url", there.hook), by=BY, **facts)


def happen(clinic: Clinic, kind: str = Kind.NOTE_CREATED, number: int = 1) -> None:
    """Events that have got their positions, and their deliveries with them."""
    for _ in range(number):
        events.record(kind, clinic_id=clinic.pk, object_id=clinic.pk, session=str(clinic.pk))
    sequencer.sequence()


def later() -> None:
    """As it is when all pauses are over: whatever waits is due, and nobody rests or holds anything."""
    now = timezone.now() - PAST
    Delivery.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=now)
    Endpoint.objects.update(rests_until=None)
    Endpoint.objects.exclude(lease_token=None).update(lease_until=now)


def send_all() -> None:
    """Each endpoint's turn, until none is due."""
    while sending.due().exists():
        sending.deliver_due()


def only_delivery() -> Delivery:
    return Delivery.objects.get()
