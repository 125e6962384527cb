"""What happened in a time is sent once more, chunk by chunk; and one delivery by itself."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from access.models import AccessEntry, Clinic
from config.ids import first_id
from feed import events, sequencer
from feed.events import Kind
from feed.models import Delivery, Endpoint, Event
from feed.webhooks import endpoints, replays, sending
from feed.webhooks.refusals import NotNow
from tests.factories import DeliveryFactory, EndpointFactory, EventFactory
from tests.feed.subscriber import Subscriber
from tests.feed.telling import BY, happen, later, listening, only_delivery, send_all

pytestmark = pytest.mark.django_db
LONG_AGO = datetime.fromisoformat("2020-01-01T00:00:00+00:00")


def of(clinic: Clinic) -> list[str]:
    return [str(pk) for pk in Event.objects.filter(clinic=clinic).order_by("pk").values_list("pk", flat=True)]


def test_a_time_is_sent_once_more_in_chunks_delivered_before_or_not(
    clinic: Clinic, other_clinic: Clinic, there: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "CHUNK", 3)
    happen(other_clinic)
    happen(clinic, number=4)
    endpoint, _ = listening(clinic, there)
    happen(clinic, number=4)
    send_all()
    assert len(there.asked) == 4
    replays.replay(endpoint, LONG_AGO, None, BY)
    send_all()
    assert sorted(there.ids[4:]) == of(clinic)
    endpoint.refresh_from_db()
    assert (endpoint.replay_after, endpoint.replay_until) == (None, None)
    assert Delivery.objects.filter(state="delivered").count() == Delivery.objects.count() == 8


def test_only_what_happened_in_that_time_and_is_wanted(clinic: Clinic, there: Subscriber) -> None:
    happen(clinic)
    since = timezone.now()
    happen(clinic)
    happen(clinic, Kind.NOTE_SIGNED)
    until = timezone.now() + timedelta(milliseconds=1)
    endpoint, _ = listening(clinic, there, types=[Kind.NOTE_SIGNED])
    replays.replay(endpoint, since, until, BY)
    send_all()
    assert [asked.json()["type"] for asked in there.asked] == ["note.signed"]
    assert replays.number(endpoint, since, until) == (1, True)
    replays.replay(endpoint, LONG_AGO, since, BY)
    send_all()
    assert len(there.asked) == 1


def test_a_test_is_sent_to_no_other_and_not_again(clinic: Clinic, there: Subscriber) -> None:
    listening(clinic, there, url=f"{there.url}/other")
    endpoint, _ = listening(clinic, there)
    endpoints.test(endpoint, BY)
    sequencer.sequence()
    send_all()
    assert [asked.json()["type"] for asked in there.asked] == ["webhook.test"]
    replays.replay(endpoint, LONG_AGO, None, BY)
    send_all()
    assert len(there.asked) == 1


def test_what_waits_for_its_next_try_is_sent_with_the_rest(clinic: Clinic) -> None:
    endpoint = EndpointFactory(clinic=clinic)
    soon = timezone.now() + timedelta(hours=2)
    waiting = DeliveryFactory(endpoint=endpoint, attempts=3, next_attempt_at=soon)
    Event.objects.update(position=1)
    replays.replay(endpoint, LONG_AGO, None, BY)
    claimed = sending.claim()
    assert claimed
    assert replays.go_on(claimed)
    waiting.refresh_from_db()
    assert waiting.attempts == 0
    assert waiting.next_attempt_at < soon


def test_what_happened_while_it_was_off_is_sent_by_a_replay(clinic: Clinic, there: Subscriber) -> None:
    endpoint, _ = listening(clinic, there)
    endpoints.switch_off(endpoint, BY)
    off = timezone.now()
    happen(clinic, number=2)
    endpoints.switch_on(endpoint, BY)
    send_all()
    assert not there.asked
    replays.replay(endpoint, off, None, BY)
    send_all()
    assert there.ids == of(clinic)


def test_a_replay_breaks_off_and_goes_on(clinic: Clinic, there: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "CHUNK", 2)
    monkeypatch.setattr(sending, "TURN_SECONDS", 0.0)
    happen(clinic, number=5)
    endpoint, _ = listening(clinic, there)
    replays.replay(endpoint, LONG_AGO, None, BY)
    sending.deliver_due()  # finds what is to be sent
    sending.deliver_due()
    assert len(there.asked) == 1
    endpoint.refresh_from_db()
    assert replays.reached(endpoint)
    endpoints.switch_off(endpoint, BY)
    send_all()
    assert len(there.asked) == 1
    endpoints.switch_on(endpoint, BY)
    send_all()
    assert there.ids == of(clinic)


def test_what_happened_just_before_it_was_switched_off_is_sent_by_a_replay(clinic: Clinic, there: Subscriber) -> None:
    """It got its position only after that, when the endpoint was passed over as off."""
    endpoint, _ = listening(clinic, there)
    events.record(Kind.NOTE_CREATED, clinic_id=clinic.pk, object_id=clinic.pk, session=str(clinic.pk))
    endpoints.switch_off(endpoint, BY)
    sequencer.sequence()
    endpoint.refresh_from_db()
    endpoints.switch_on(endpoint, BY)
    assert endpoint.off_at
    replays.replay(endpoint, endpoint.off_at, None, BY)
    send_all()
    assert there.ids == of(clinic)


def test_what_happened_on_a_machine_whose_clock_is_ahead_is_sent_by_a_replay(clinic: Clinic, there: Subscriber) -> None:
    ahead = UUID(int=first_id(timezone.now(), seconds=30).int + 1)
    EventFactory(pk=ahead, clinic=clinic, position=1, data={"session": str(clinic.pk)})
    endpoint, _ = listening(clinic, there)
    replays.replay(endpoint, LONG_AGO, None, BY)
    send_all()
    assert there.ids == [str(ahead)]


def test_a_replay_rests_while_it_is_off_and_misses_nothing(
    clinic: Clinic, there: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "CHUNK", 2)
    happen(clinic, number=5)
    endpoint, _ = listening(clinic, there)
    replays.replay(endpoint, LONG_AGO, None, BY)
    claimed = sending.claim()
    assert claimed
    assert replays.go_on(claimed)
    endpoints.switch_off(endpoint, BY)
    assert not replays.go_on(claimed)
    endpoints.switch_on(endpoint, BY)
    later()
    send_all()
    assert there.ids == of(clinic)


def test_another_time_is_taken_in_by_the_replay_under_way(clinic: Clinic, there: Subscriber) -> None:
    happen(clinic)
    first = timezone.now() + timedelta(milliseconds=1)
    EventFactory(pk=first_id(first, seconds=-3600), clinic=clinic, position=2, data={"session": str(clinic.pk)})
    endpoint, _ = listening(clinic, there)
    replays.replay(endpoint, LONG_AGO, first - timedelta(minutes=30), BY)
    replays.replay(endpoint, first - timedelta(seconds=1), first, BY)
    replays.replay(endpoint, first - timedelta(minutes=2), first - timedelta(minutes=1), BY)
    send_all()
    assert there.ids == of(clinic)


def test_none_begins_where_it_is_off(clinic: Clinic) -> None:
    with pytest.raises(NotNow):
        replays.replay(EndpointFactory(clinic=clinic, gone=True), LONG_AGO, None, BY)


def test_a_replay_is_stopped_whether_it_is_on_or_off(clinic: Clinic, there: Subscriber) -> None:
    happen(clinic)
    endpoint, _ = listening(clinic, there)
    for is_on in (True, False):
        replays.replay(endpoint, LONG_AGO, None, BY)
        if not is_on:
            endpoints.switch_off(endpoint, BY)
        replays.stop(endpoint, BY)
        endpoints.switch_on(endpoint, BY)
        send_all()
    assert not there.asked
    replays.stop(endpoint, BY)
    assert list(AccessEntry.objects.order_by("pk").values_list("mode", flat=True)).count("replay stopped") == 2


def test_one_delivery_is_sent_again_under_the_same_id(clinic: Clinic, there: Subscriber) -> None:
    listening(clinic, there)
    happen(clinic)
    send_all()
    replays.redeliver(only_delivery(), BY)
    send_all()
    assert len(there.asked) == 2
    assert len(set(there.ids)) == 1
    assert only_delivery().attempts == 1


def test_one_that_was_given_up_too(clinic: Clinic, there: Subscriber) -> None:
    endpoint, _ = listening(clinic, there)
    row = DeliveryFactory(endpoint=endpoint, state="failed", attempts=10)
    replays.redeliver(row, BY)
    send_all()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("delivered", 1)


@pytest.mark.django_db(transaction=True)
def test_an_event_that_gets_its_position_at_that_moment_is_not_missed(clinic: Clinic, there: Subscriber) -> None:
    """A sequencer has passed the endpoint over as off, and has not committed; then it is switched on and replayed."""
    endpoint, _ = listening(clinic, there)
    endpoints.switch_off(endpoint, BY)
    EventFactory(clinic=clinic)
    numbered, go_on = threading.Event(), threading.Event()

    def sequence() -> None:

        with transaction.atomic():
            sequencer.number(clinic.pk)
            numbered.set()
            go_on.wait(20)
        connection.close()

    def replay() -> None:
        endpoints.switch_on(endpoint, BY)
        replays.replay(endpoint, LONG_AGO, None, BY)
        send_all()
        connection.close()

    sequencing, replaying = threading.Thread(target=sequence), threading.Thread(target=replay)
    sequencing.start()
    assert numbered.wait(20)
    replaying.start()
    replaying.join(1)
    go_on.set()
    sequencing.join(20)
    replaying.join(20)
    assert there.ids == of(clinic)


def as_if_large(clinic: Clinic, other_clinic: Clinic) -> None:
    """Most events are of another clinic, and the planner knows."""
    for owner, number in ((other_clinic, 3000), (clinic, 300)):
        Event.objects.bulk_create(Event(clinic=owner, kind="note.created", object_id=owner.pk) for _ in range(number))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE feed_event")
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")


def test_a_chunk_reads_by_the_clinics_ids(clinic: Clinic, other_clinic: Clinic) -> None:
    endpoint = EndpointFactory(clinic=clinic)
    as_if_large(clinic, other_clinic)
    plan = replays.told(endpoint, first_id(LONG_AGO), first_id(timezone.now()))[:500].explain()
    assert "event_of_clinic" in plan
    assert "Sort" not in plan


def test_what_is_due_is_found_by_index(clinic: Clinic, other_clinic: Clinic) -> None:
    endpoint = EndpointFactory(clinic=clinic)
    as_if_large(clinic, other_clinic)
    rows = Delivery.objects.filter(endpoint=endpoint, next_attempt_at__lte=timezone.now())
    plan = rows.order_by("next_attempt_at", "event")[:50].explain()
    assert "delivery_due" in plan
    assert "Sort" not in plan
    assert Endpoint.objects.exists()
