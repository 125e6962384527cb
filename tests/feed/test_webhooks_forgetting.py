from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from access.models import Clinic
from config.ids import first_id
from feed.models import Delivery, Event
from feed.tasks import forget_deliveries
from feed.webhooks import forgetting
from tests.factories import DeliveryFactory, EndpointFactory

pytestmark = pytest.mark.django_db


def made(age: timedelta) -> UUID:
    """An id of that time."""
    return UUID(int=first_id(timezone.now() - age).int + uuid4().int % 2**60)


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


def test_an_old_one_that_was_sent_again_is_kept_as_long_as_a_new_one(clinic: Clinic) -> None:
    endpoint = EndpointFactory(clinic=clinic)
    old, tried = made(forgetting.KEPT + timedelta(days=1)), timezone.now() - timedelta(days=2)
    row = DeliveryFactory(id=old, endpoint=endpoint, state="delivered", last_attempt_at=tried)
    forget_deliveries()
    assert Delivery.objects.filter(pk=row.pk).exists()
    Delivery.objects.update(last_attempt_at=tried - forgetting.KEPT)
    forget_deliveries()
    assert not Delivery.objects.exists()
