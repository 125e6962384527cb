"""`manage.py alert`: silent while all is well, else one line and exit 1."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from config.installation import ROOT
from feed.models import Endpoint
from ingest import heartbeats, standing
from ingest.management.commands.alert import Limits, late, resting, words
from ingest.models import Heartbeat, Inquiry
from ingest.standing import QUEUES
from tests.factories import (
    AsyncRequestFactory,
    CallbackFactory,
    DeliveryFactory,
    EndpointFactory,
    EventFactory,
    SubmissionFactory,
)


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


@pytest.fixture
def served(db: None) -> None:
    """Every queue had its heartbeat this moment."""
    for queue in QUEUES:
        heartbeats.consumed(queue)


def found(**options: int) -> list[str]:
    connection.ensure_connection()
    return list(late(standing.read(connection.connection), Limits.of(options)))


def test_where_everything_is_younger_than_its_limit_nothing_is_said(served: None) -> None:
    CallbackFactory(state="stored", received_at=ago(minutes=4), next_attempt_at=ago(minutes=4))
    SubmissionFactory(state="queued", created_at=ago(minutes=14), next_attempt_at=timezone.now())
    AsyncRequestFactory(state="waiting", waiting_since=ago(minutes=59))
    assert found() == []


def test_a_callback_that_is_not_processed_is_named_with_its_age(served: None) -> None:
    row = CallbackFactory(state="stored", received_at=ago(minutes=7.5), next_attempt_at=timezone.now(), attempts=2)
    assert found() == [f"callback {row.pk} has been unprocessed for 7 minutes"]
    assert found(callback_seconds=600) == []


def test_a_request_that_is_not_sent_is_named_with_its_age(served: None) -> None:
    row = SubmissionFactory(state="submitting", created_at=ago(hours=3.5), next_attempt_at=timezone.now())
    assert found() == [f"request {row.request_id} has been on its way to the vendor for 3 hours"]
    assert found(request_seconds=4 * 3600) == []


def test_a_request_that_is_overdue_for_long_is_named_with_its_age(served: None) -> None:
    row = AsyncRequestFactory(state="waiting", waiting_since=ago(minutes=50 + 12.5))
    assert found() == [f"request {row.pk} has been overdue for 12 minutes"]
    assert found(overdue_seconds=900) == []


def test_an_announced_answer_that_is_not_fetched_for_long_is_named(served: None) -> None:
    row = CallbackFactory(state="notice", submission__request__ready=True)
    facts = {"callback": row, "submission": row.submission, "clinic": row.clinic, "error_code": "not_found"}
    Inquiry.objects.create(**facts, created_at=ago(minutes=12.5), next_attempt_at=timezone.now())
    assert found() == [f"what callback {row.pk} announces has not been fetched for 12 minutes"]
    assert found(overdue_seconds=900) == []


def test_what_other_systems_are_not_told_of_is_named(served: None) -> None:
    event = EventFactory(created_at=ago(minutes=7.5))
    late = DeliveryFactory(event__position=1, next_attempt_at=ago(minutes=8.5))
    Endpoint.objects.update(updated_at=ago(minutes=9))
    assert found() == [
        f"event {event.pk} has had no place in the feed for 7 minutes",
        f"delivery {late.pk} has waited for a worker for 8 minutes",
    ]
    assert found(feed_seconds=600) == []


def test_a_webhook_that_was_switched_off_by_itself_is_named_and_one_by_hand_is_not(served: None) -> None:
    row = EndpointFactory(state="off", off_reason="failing", off_at=ago(hours=3.5))
    EndpointFactory(state="off", off_reason="by_hand", off_at=ago(hours=9))
    EndpointFactory(failing_since=ago(days=3))
    assert found() == [f"webhook {row.pk}, which took nothing or is gone, has been switched off for 3 hours"]


def test_a_queue_that_nobody_serves_is_named(served: None) -> None:
    Heartbeat.objects.filter(queue="sweeps").update(consumed_at=ago(minutes=5.5))
    Heartbeat.objects.filter(queue="chores").delete()
    assert found() == [
        "no worker has taken a heartbeat from the queue sweeps for 5 minutes",
        "no worker has ever taken a heartbeat from the queue chores",
    ]
    assert len(found(heartbeat_seconds=600)) == 1


def test_the_settings_are_the_limits_where_no_option_is_given(served: None, settings: Any) -> None:
    settings.ALERT_CALLBACK_SECONDS, settings.ALERT_REQUEST_SECONDS = 30, 40
    settings.ALERT_OVERDUE_SECONDS, settings.ALERT_FEED_SECONDS, settings.ALERT_HEARTBEAT_SECONDS = 50, 55, 60
    assert Limits.of({"callback_seconds": None, "request_seconds": 45}) == Limits(30, 45, 50, 55, 60)


@pytest.mark.parametrize(
    ("count", "line"), [(1, "1 callback has failed for good"), (3, "3 or more callbacks have failed for good")]
)
def test_callbacks_that_failed_are_told(served: None, monkeypatch: pytest.MonkeyPatch, count: int, line: str) -> None:
    monkeypatch.setattr(standing, "MOST", 3)
    for _ in range(count):
        CallbackFactory(state="failed")
    connection.ensure_connection()
    assert list(resting(standing.read(connection.connection))) == [line]


@pytest.mark.parametrize(
    ("seconds", "said"), [(119, "119 seconds"), (120, "2 minutes"), (7199, "119 minutes"), (172_800, "2 days")]
)
def test_ages_are_said_in_one_unit(seconds: float, said: str) -> None:
    assert words(seconds) == said


@pytest.fixture
def committed(transactional_db: None) -> None:
    """What the command reads, on a connection of its own."""
    for queue in QUEUES:
        heartbeats.consumed(queue)


def test_it_exits_with_1_and_one_line_for_all_it_found(committed: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert_silent("alert")
    AsyncRequestFactory(state="waiting", waiting_since=ago(days=4))
    row = AsyncRequestFactory(state="waiting", waiting_since=ago(days=4.5))
    CallbackFactory(state="failed")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("alert", "--failed", stdout=out)
    assert ended.value.code == 1
    assert out.getvalue() == f"request {row.pk} has been overdue for 4 days; 1 callback has failed for good\n"
    assert_silent("alert", "--overdue-seconds", "999999")


def assert_silent(*command: str) -> None:
    out = StringIO()
    call_command(*command, stdout=out, stderr=out)
    assert out.getvalue() == ""


@pytest.mark.parametrize("is_silent", [False, True])
def test_a_database_that_does_not_answer_is_one_line_and_no_traceback(is_silent: bool) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if is_silent:
            listener.listen(16)
        env = os.environ | {"DATABASE_URL": f"postgresql://x:x@127.0.0.1:{listener.getsockname()[1]}/x"}
        command = [sys.executable, "manage.py", "alert"]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [done.stdout.strip()]
    assert done.stdout.startswith("PostgreSQL does not answer")
