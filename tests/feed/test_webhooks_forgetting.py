from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from access.models import Clinic
from feed.models import Delivery, Event
from feed.tasks import forget_deliveries
from feed.webhooks import forgetting
from feed.webhooks.replays import before
from tests.factories import DeliveryFactory, EndpointFactory

pytestmark = pytest.mark.django_db


def made(age: timedelta) -> UUID:
    """An id of that time."""
    return UUID(int=before(timezone.now() - age).int + uuid4().int % 2**60)


def test_what_is_over_for_long_is_forgotten_and_what_waits_is_not(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    endpoint = EndpointFactory(clinic=clinic)
    old, young = (forgetting.KEPT + timedelta(days=days) for days in (1, -1))
    for state in ("delivered", "failed", "delivered", "delivered", "failed"):
        DeliveryFactory(id=made(old), endpoint=endpoint, state=state)
    kept = [
        DeliveryFactory(id=made(old), endpoint=endpoint, state="pending"),
        DeliveryFactory(id=made(young), endpoint=endpoint, state="delivered"),
        DeliveryFactory(endpoint=endpoint, state="failed"),
    ]
    forget_deliveries()
    assert set(Delivery.objects.values_list("pk", flat=True)) == {delivery.pk for delivery in kept}
    assert Event.objects.count() == 8
