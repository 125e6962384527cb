"""What somebody does with a webhook while something is being sent to it, or made for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from access.models import Clinic
from feed import events, sequencer
from feed.events import Kind
from feed.models import Delivery, Endpoint, Event
from feed.webhooks import endpoints, outcomes, replays, sending
from feed.webhooks.outcomes import Outcome
from tests.factories import DeliveryFactory
from tests.feed.subscriber import Subscriber
from tests.feed.telling import BY, happen, listening, only_delivery, send_all
from tests.vendors.scripted_server import http

LONG_AGO = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
Ask = Callable[[Endpoint], object]


@pytest.mark.django_db
@pytest.mark.parametrize("status", [410, 500])
def test_what_an_address_answers_says_nothing_of_the_one_that_took_its_place(
    clinic: Clinic, there: Subscriber, status: int
) -> None:
    with Subscriber(http(204)) as old:
        endpoint, _ = listening(clinic, old)
        happen(clinic)
        claimed = sending.claim()
        assert claimed
        delivery = only_delivery()
        assert sending.begin(claimed, delivery)
        endpoints.change(endpoint, by=BY, url=there.hook)
        outcomes.failed(claimed, delivery, Outcome(status, "gone" if status == 410 else "status"))
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failures, endpoint.failing_since, endpoint.rests_until) == ("on", 0, None, None)
    send_all()
    assert only_delivery().state == "delivered"
    assert len(there.asked) == 1
    assert not Event.objects.filter(kind=Kind.WEBHOOK_DISABLED).exists()


@pytest.mark.django_db
def test_what_somebody_switched_off_is_not_said_to_have_ended_by_itself(clinic: Clinic) -> None:
    with Subscriber(http(204)) as there:
        endpoint, _ = listening(clinic, there)
        happen(clinic)
        claimed = sending.claim()
        assert claimed
        delivery = only_delivery()
        assert sending.begin(claimed, delivery)
        endpoints.switch_off(endpoint, BY)
        outcomes.failed(claimed, delivery, Outcome(410, "gone"))
    endpoint.refresh_from_db()
    assert (endpoint.off_reason, endpoint.lease_token) == ("by_hand", None)
    assert only_delivery().state == "pending"


def mend(there: Subscriber) -> dict[str, Ask]:
    return {
        "address": lambda endpoint: endpoints.change(endpoint, by=BY, url=f"{there.url}/mended"),
        "test": lambda endpoint: endpoints.test(endpoint, BY),
        "redelivery": lambda endpoint: replays.redeliver(Delivery.objects.get(), BY),
        "replay": lambda endpoint: replays.replay(endpoint, LONG_AGO, None, BY),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("ask", ["address", "test", "redelivery", "replay"])
def test_whoever_asks_for_something_to_be_sent_ends_its_rest(clinic: Clinic, ask: str) -> None:
    with Subscriber(http(503, Retry_After="3600"), http(204)) as there:
        endpoint, _ = listening(clinic, there)
        happen(clinic)
        send_all()
        assert not sending.due().exists()
        mend(there)[ask](endpoint)
        send_all()
        assert len(there.asked) == 2


@pytest.mark.django_db
def test_another_address_has_all_tries_before_it(clinic: Clinic, there: Subscriber) -> None:
    with Subscriber(http(500)) as old:
        endpoint, _ = listening(clinic, old)
        happen(clinic)
        send_all()
        endpoints.change(endpoint, by=BY, url=there.hook)
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)
    assert only_delivery().attempts == 0


@pytest.mark.django_db
def test_a_test_goes_before_whatever_else_waits(clinic: Clinic, there: Subscriber) -> None:
    endpoint, _ = listening(clinic, there)
    happen(clinic, number=5)
    tried = endpoints.test(endpoint, BY)
    send_all()
    assert there.ids[0] == str(tried.event_id)
    assert len(there.asked) == 6


@pytest.mark.django_db
def test_no_secret_ends_before_its_time(clinic: Clinic, there: Subscriber) -> None:
    endpoint, _ = listening(clinic, there)
    for _ in range(3):
        endpoints.rotate(endpoint, overlap=timedelta(hours=1), by=BY)
    with pytest.raises(endpoints.NotNow, match="0 hours"):
        endpoints.rotate(endpoint, overlap=timedelta(hours=1), by=BY)
    endpoints.rotate(endpoint, overlap=timedelta(), by=BY)
    endpoints.rotate(endpoint, overlap=timedelta(hours=1), by=BY)


@pytest.mark.django_db
def test_a_replay_of_a_rare_type_goes_on_in_chunks(
    clinic: Clinic, there: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "CHUNK", 3)
    happen(clinic, Kind.NOTE_CREATED, 7)
    happen(clinic, Kind.NOTE_SIGNED)
    happen(clinic, Kind.NOTE_CREATED, 2)
    endpoint, _ = listening(clinic, there, types=[Kind.NOTE_SIGNED])
    replays.replay(endpoint, LONG_AGO, None, BY)
    assert replays.chosen(endpoint, LONG_AGO).count() == 1
    send_all()
    assert len(there.asked) == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_is_removed_while_deliveries_are_made_for_it_is_removed(clinic: Clinic, there: Subscriber) -> None:
    endpoint, _ = listening(clinic, there)
    DeliveryFactory(endpoint=endpoint)
    removal = threading.Thread(target=remove, args=(endpoint,))
    events.record(Kind.NOTE_CREATED, clinic_id=clinic.pk, object_id=clinic.pk, session=str(clinic.pk))
    with transaction.atomic():
        sequencer.number(clinic.pk)
        removal.start()
        removal.join(1)
        assert removal.is_alive(), "it waits for those deliveries"
    removal.join(20)
    assert not removal.is_alive()
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()


def remove(endpoint: Endpoint) -> None:
    try:
        endpoints.remove(endpoint, BY)
    finally:
        connection.close()
