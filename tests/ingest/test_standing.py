"""How things stand, as read from the rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from feed.models import Endpoint
from ingest import standing
from ingest.models import Callback, Heartbeat, Inquiry, Replay
from ingest.standing import Standing
from tests.factories import (
    AsyncRequestFactory,
    CallbackFactory,
    DeliveryFactory,
    EndpointFactory,
    EventFactory,
    SubmissionFactory,
)

pytestmark = pytest.mark.django_db
ALWAYS_THERE = ["ingest_callback", "ingest_submission", "ingest_asyncrequest"]


def now() -> Standing:
    """As the test's own transaction sees it."""
    connection.ensure_connection()
    return standing.read(connection.connection)


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def came(**fields: Any) -> Callback:
    """A callback that waits to be processed."""
    at = fields.setdefault("received_at", timezone.now())
    row: Callback = CallbackFactory(**{"state": "stored", "next_attempt_at": at, **fields})
    return row


def minutes(name: str) -> int:
    return round(now().backlogs[name].seconds / 60)


def test_with_nothing_there_nothing_waits() -> None:
    found = now()
    assert set(found.backlogs.values()) == {standing.Backlog(0, 0.0, None)}
    assert set(found.resting.values()) == {0}
    assert (found.last_received, found.heartbeats) == ({}, {})


def test_the_oldest_unprocessed_callback_counts_from_when_it_came() -> None:
    came(received_at=ago(minutes=2))
    oldest = came(received_at=ago(minutes=9), next_attempt_at=timezone.now() + timedelta(seconds=20), attempts=3)
    came(received_at=ago(minutes=90), next_attempt_at=None, state="applied")
    found = now().backlogs["unprocessed_callback"]
    assert (found.count, found.oldest, minutes("unprocessed_callback")) == (2, oldest.pk, 9)


def test_a_callback_that_is_processed_again_counts_from_then() -> None:
    came(received_at=ago(days=3), next_attempt_at=ago(minutes=1))
    assert minutes("unprocessed_callback") == 1
    replay = Replay.objects.create(
        clinic_id=Callback.objects.values_list("clinic", flat=True).get(),
        asked_by="a person",
        chosen="one",
        created_at=ago(minutes=2),
    )
    Callback.objects.update(replay=replay, attempts=1)
    assert minutes("unprocessed_callback") == 2


def test_a_submission_is_due_since_its_time_and_its_request_is_unsent_since_it_was_asked_for() -> None:
    row = SubmissionFactory(state="queued", created_at=ago(minutes=30), next_attempt_at=ago(minutes=4))
    SubmissionFactory(state="queued", created_at=ago(minutes=20), next_attempt_at=timezone.now() + timedelta(minutes=5))
    due, unsent = now().backlogs["due_submission"], now().backlogs["unsent_request"]
    assert (due.count, due.oldest, minutes("due_submission")) == (1, row.pk, 4)
    assert (unsent.count, unsent.oldest, minutes("unsent_request")) == (2, row.request_id, 30)


def test_what_is_being_streamed_is_with_the_vendor_for_as_long_as_its_lease_lasts() -> None:
    lease = {"lease_until": timezone.now() + timedelta(seconds=50), "sent_ms": 1_140_000}
    row = SubmissionFactory(
        state="submitting", created_at=ago(minutes=20), next_attempt_at=lease["lease_until"], **lease
    )
    assert now().backlogs["unsent_request"].count == 0
    row.lease_until = ago(minutes=1)
    row.save()
    assert minutes("unsent_request") == 20


def test_a_request_is_overdue_from_its_limit_on(settings: Any) -> None:
    settings.CALLBACK_OVERDUE_SECONDS = 600
    AsyncRequestFactory(state="waiting", waiting_since=ago(minutes=9))
    row = AsyncRequestFactory(state="waiting", waiting_since=ago(minutes=25))
    overdue = now().backlogs["overdue_request"]
    assert (overdue.count, overdue.oldest, minutes("overdue_request")) == (1, row.pk, 15)


def test_what_is_announced_waits_until_it_is_fetched() -> None:
    row = SubmissionFactory(state="waiting", request__waiting=True)
    facts = {"submission": row, "clinic": row.clinic, "created_at": ago(minutes=7)}
    Inquiry.objects.create(**facts, next_attempt_at=timezone.now())  # only asks whether there is something
    fetched, waits = (CallbackFactory(submission=row, state="notice", body=body) for body in (b"1", b"2"))
    Inquiry.objects.create(callback=fetched, **facts)
    assert now().backlogs["unfetched_notice"].count == 0
    Inquiry.objects.create(callback=waits, **facts, next_attempt_at=timezone.now() + timedelta(hours=1))
    unfetched = now().backlogs["unfetched_notice"]
    assert (unfetched.count, unfetched.oldest, minutes("unfetched_notice")) == (1, waits.pk, 7)
    type(row).objects.filter(pk=row.pk).update(state="submitting")
    assert now().backlogs["unfetched_notice"].count == 0, "it is fetched once all is sent"


def test_a_delivery_waits_for_a_worker_only_while_its_webhook_can_be_told_and_nobody_is_at_it() -> None:
    row = DeliveryFactory(event__position=1, next_attempt_at=ago(minutes=9))
    endpoints = Endpoint.objects.filter(pk=row.endpoint_id)
    endpoints.update(updated_at=ago(minutes=30))
    DeliveryFactory(endpoint=row.endpoint, event__position=2, next_attempt_at=ago(seconds=-60))
    assert (now().backlogs["due_delivery"].count, minutes("due_delivery")) == (1, 9)
    for since, age in (
        ({"rests_until": ago(minutes=4)}, 4),
        ({"lease_until": ago(minutes=2)}, 2),
        ({"updated_at": ago(minutes=1)}, 1),
    ):
        endpoints.update(**since)
        assert minutes("due_delivery") == age
    keeping: list[dict[str, Any]] = [
        {"rests_until": ago(minutes=-1)},
        {"lease_until": ago(minutes=-1)},
        {"state": "off", "off_reason": "by_hand", "off_at": ago(minutes=1)},
    ]
    for facts in keeping:
        with transaction.atomic():
            endpoints.update(**facts)
            assert now().backlogs["due_delivery"].count == 0
            transaction.set_rollback(True)


def test_an_event_waits_until_it_has_its_place_in_the_feed() -> None:
    row = EventFactory(created_at=ago(minutes=6))
    EventFactory(created_at=ago(minutes=60), position=1)
    waits = now().backlogs["unplaced_event"]
    assert (waits.count, waits.oldest, minutes("unplaced_event")) == (1, row.pk, 6)


def test_webhooks_that_fail_and_those_that_were_switched_off_by_themselves_are_told_apart() -> None:
    fails = EndpointFactory(failing_since=ago(minutes=50))
    off = [EndpointFactory(state="off", off_reason=why, off_at=ago(minutes=40)) for why in ("gone", "by_hand")]
    EndpointFactory()
    found = now().backlogs
    assert (found["failing_webhook"].count, found["failing_webhook"].oldest) == (1, fails.pk)
    assert (found["disabled_webhook"].count, found["disabled_webhook"].oldest) == (1, off[0].pk)


def test_callbacks_at_rest_are_counted_over_all_clinics_and_no_further_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for state in ("failed", "failed", "failed", "junk", "applied"):
        CallbackFactory(state=state)
    assert now().resting == {"conflict": 0, "mismatch": 0, "orphan": 0, "junk": 1, "failed": 3}
    monkeypatch.setattr(standing, "MOST", 2)
    assert now().resting["failed"] == 2


def test_the_last_callback_of_a_vendor_is_its_newest_row() -> None:
    for _ in range(2):
        row = CallbackFactory(received_at=ago(minutes=5))
    Callback.objects.filter(pk=row.pk).update(received_at=ago(minutes=3))
    row.refresh_from_db()
    CallbackFactory(vendor="former")
    assert now().last_received == {"nabla": row.received_at}


def test_heartbeats_are_told_for_the_queues_there_are() -> None:
    for queue, at in (("sweeps", ago(minutes=2)), ("former", ago(days=9))):
        Heartbeat.objects.create(queue=queue, consumed_at=at)
    found = now()
    assert found.heartbeats.keys() == found.silent_seconds.keys() == {"sweeps"}
    assert 115 < found.silent_seconds["sweeps"] < 300


class Recorded:
    """A connection that keeps what it was asked."""

    def __init__(self, real: psycopg.Connection[Any]) -> None:
        self.real, self.asked = real, list[tuple[Any, Any]]()

    def execute(self, query: Any, given: Any) -> Any:
        self.asked.append((query, given))
        return self.real.execute(query, given)


def multiply(row: Model, numbers: str, column: str) -> None:
    """A row like it for each of `numbers`, which differs in that column; and the planner knows of them."""
    table = row._meta.db_table
    alike = ", ".join({str(field.column) for field in row._meta.fields} - {"id", column})
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {table} (id, {column}, {alike}) SELECT gen_random_uuid(), number, {alike}
            FROM {table} CROSS JOIN ({numbers}) AS of (number) WHERE {table}.id = %s""",  # noqa: S608
            [row.pk],
        )
        cursor.execute(f"ANALYZE {table}")


def test_it_takes_fourteen_queries_and_each_reads_by_an_index() -> None:
    submission = SubmissionFactory()
    callback = came(state="applied", next_attempt_at=None, submission=submission)
    multiply(callback, "SELECT generate_series(1, 3000)", "event_id")
    multiply(EventFactory(position=0), "SELECT generate_series(1, 3000)", "position")
    inquiry = Inquiry.objects.create(clinic=submission.clinic, submission=submission, callback=callback)
    multiply(inquiry, f"SELECT id FROM ingest_callback WHERE id <> '{callback.pk}'", "callback_id")  # noqa: S608
    recorded: Any = Recorded(connection.connection)
    recorded.real.execute("SET LOCAL enable_seqscan = off")
    standing.read(recorded)
    assert len(recorded.asked) == 14
    plan = ""
    for query, given in recorded.asked:
        plan += "\n".join(row[0] for row in recorded.real.execute(b"EXPLAIN " + query, given)) + "\n"
    assert [table for table in ALWAYS_THERE if f"Seq Scan on {table}" in plan] == [], plan
    for index in (
        "callback_due",
        "submission_due",
        "request_waiting",
        "inquiry_due",
        "callback_by_state",
        "callback_by_vendor",
        "recording_at_risk",
        "recording_lost",
        "event_unpositioned",
        "delivery_due",
    ):
        assert index in plan, plan
