"""What somebody does with a webhook while something is being sent to it, or made for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from access.models import Clinic
from feed import events, sequencer, tasks
from feed.events import Kind
from feed.models import Delivery, Endpoint, Event
from feed.webhooks import endpoints, outcomes, replays, sending
from feed.webhooks.outcomes import Outcome
from feed.webhooks.refusals import NotNow
from tests.factories import DeliveryFactory, EndpointFactory
from tests.feed.subscriber import Subscriber
from tests.feed.telling import BY, happen, listening, only_delivery, send_all
from tests.feed.test_sequencer import elsewhere, somebody_waits, wait_for
from tests.vendors.scripted_server import http
from vendors.route import Deadline

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
def test_an_address_that_is_mended_while_it_is_off_does_not_hide_since_when_it_failed(
    clinic: Clinic, there: Subscriber
) -> None:
    since = timezone.now() - timedelta(days=6)
    endpoint = EndpointFactory(clinic=clinic, state="off", off_reason="failing", off_at=timezone.now())
    Endpoint.objects.update(failing_since=since, failures=40)
    endpoints.change(endpoint, by=BY, url=there.hook)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failures) == (since, 40)
    endpoints.change(endpoint, by=BY, url=f"{there.url}/mended", state="on")
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failures) == (None, 0)


@pytest.mark.django_db
def test_what_is_asked_for_again_while_it_waits_for_its_turn_has_all_tries_before_it(
    clinic: Clinic, there: Subscriber
) -> None:
    endpoint, _ = listening(clinic, there)
    row = DeliveryFactory(endpoint=endpoint, attempts=outcomes.ATTEMPTS)
    claimed = sending.claim()
    assert claimed
    read = next(sending.waiting(claimed, Deadline(0)))
    replays.redeliver(row, BY)
    assert not sending.begin(claimed, read)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("pending", 0)
    sending.serve(claimed)
    assert there.ids == [str(row.event_id)]


@pytest.mark.django_db
@pytest.mark.parametrize("status", [204, 500, 410])
def test_what_is_asked_for_again_while_it_is_sent_is_sent_again(clinic: Clinic, there: Subscriber, status: int) -> None:
    endpoint, _ = listening(clinic, there)
    row = DeliveryFactory(endpoint=endpoint, attempts=outcomes.ATTEMPTS - 1)
    claimed = sending.claim()
    assert claimed
    assert sending.begin(claimed, row)
    replays.redeliver(row, BY)
    if status == 204:
        assert outcomes.delivered(claimed, row, Outcome(status))
    else:
        outcomes.failed(claimed, row, Outcome(status, "status"))
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("pending", 0)
    assert row.next_attempt_at <= timezone.now()


@pytest.mark.django_db
def test_readers_who_wait_hear_of_a_test_at_once(clinic: Clinic, there: Subscriber) -> None:
    """It gets its position as soon as any other event."""
    endpoint, _ = listening(clinic, there)
    before = len(connection.run_on_commit)
    endpoints.test(endpoint, BY)
    assert {call[1] for call in connection.run_on_commit[before:]} == {tasks.ring_sequence, tasks.ring_deliver}


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
    with pytest.raises(NotNow, match="0 hours"):
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
    assert replays.number(endpoint, LONG_AGO) == (1, True)
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


@pytest.mark.django_db(transaction=True)
def test_the_feed_goes_on_while_a_busy_webhook_is_removed(clinic: Clinic, there: Subscriber) -> None:
    endpoint, _ = listening(clinic, there)
    DeliveryFactory(endpoint=endpoint)
    removal = threading.Thread(target=remove, args=(endpoint,))
    with elsewhere(lambda: list(Delivery.objects.select_for_update())):
        removal.start()
        wait_for(somebody_waits)
        assert Endpoint.objects.get().state == "off"
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
            happen(clinic)
            cursor.execute("RESET lock_timeout")
        assert not Event.objects.filter(kind=Kind.NOTE_CREATED, object_id=clinic.pk, position=None).exists()
    removal.join(20)
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()


def remove(endpoint: Endpoint) -> None:
    try:
        endpoints.remove(endpoint, BY)
    finally:
        connection.close()
