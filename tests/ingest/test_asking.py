"""Asking again, by a person or by the sweep, and giving up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from access import log
from config import leases
from ingest import asking, sweeps
from ingest.models import AsyncRequest, Inquiry, Submission
from tests.factories import CallbackFactory, SubmissionFactory

pytestmark = pytest.mark.django_db


def waiting_for(seconds: int, **fields: object) -> AsyncRequest:
    since = timezone.now() - timedelta(seconds=seconds)
    row = SubmissionFactory(state="waiting", request__waiting=True, request__waiting_since=since, **fields)
    request: AsyncRequest = row.request
    return request


def states(request: AsyncRequest) -> list[str]:
    return list(Submission.objects.filter(request=request).order_by("number").values_list("state", flat=True))


def test_the_sweep_asks_again_only_where_that_is_wished(settings: Settings) -> None:
    request = waiting_for(4000)
    sweeps.sweep()
    assert states(request) == ["waiting"]
    settings.CALLBACK_ASK_AGAIN = 1
    sweeps.sweep()
    assert states(request) == ["replaced", "queued"]
    request.refresh_from_db()
    assert request.state == "queued"


def test_the_sweep_asks_again_no_more_often_than_it_may(settings: Settings) -> None:
    settings.CALLBACK_ASK_AGAIN = 1
    request = waiting_for(4000, number=2)
    SubmissionFactory(request=request, number=1, state="replaced")
    sweeps.sweep()
    assert states(request) == ["replaced", "waiting"]


def test_what_is_not_overdue_or_asked_elsewhere_is_left_alone(settings: Settings) -> None:
    settings.CALLBACK_ASK_AGAIN = 5
    young, elsewhere = waiting_for(60), waiting_for(4000, request__submitted_elsewhere=True)
    sweeps.sweep()
    assert states(young) == states(elsewhere) == ["waiting"]


def test_what_is_announced_is_not_asked_for_again_while_it_is_fetched(settings: Settings) -> None:
    settings.CALLBACK_ASK_AGAIN = 1
    request = waiting_for(4000)
    row = CallbackFactory(submission=request.current_submission, state="notice")
    of = {"callback": row, "submission": row.submission, "clinic": row.clinic}
    inquiry = Inquiry.objects.create(next_attempt_at=timezone.now(), **of)
    assert asking.ask_overdue_again(limit=1) == 0
    leases.claim(Inquiry, lease=timedelta(minutes=1))
    assert asking.ask_overdue_again(limit=1) == 0
    Inquiry.objects.filter(pk=inquiry.pk).update(**leases.finished())
    assert asking.ask_overdue_again(limit=1) == 1


def test_overdue_is_a_matter_of_the_setting(settings: Settings) -> None:
    request = waiting_for(100)
    assert not request.is_overdue
    settings.CALLBACK_OVERDUE_SECONDS = 99
    assert request.is_overdue
    assert request in AsyncRequest.objects.overdue()


def test_a_retry_of_a_queued_request_sends_it_now() -> None:
    later = timezone.now() + timedelta(hours=1)
    row = SubmissionFactory(request__state="queued", next_attempt_at=later)
    asking.retry(row.request, log.command())
    row.refresh_from_db()
    assert row.next_attempt_at <= timezone.now()
    assert states(row.request) == ["queued"]


def test_a_cancelled_request_is_sent_no_more() -> None:
    row = SubmissionFactory(request__state="queued")
    asking.cancel(row.request)
    row.refresh_from_db()
    assert (row.state, row.next_attempt_at) == ("cancelled", None)
    asking.cancel(row.request)
    with pytest.raises(asking.NotNow, match="Make a new request"):
        asking.retry(row.request, log.command())


def test_two_sweeps_at_once_do_the_work_once() -> None:
    """The lock is another connection's: this sweep leaves at once."""
    from django.db import connection

    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [sweeps.SWEEP_LOCK])
        assert not sweeps.alone()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [sweeps.SWEEP_LOCK])
    finally:
        other.close()
    assert sweeps.alone()


def test_requests_whose_tries_are_used_up_hide_nobody(settings: Settings) -> None:
    settings.CALLBACK_ASK_AGAIN = 1
    spent = waiting_for(5000, number=2)
    SubmissionFactory(request=spent, number=1, state="replaced")
    fresh = waiting_for(4000)
    assert asking.ask_overdue_again(limit=1) == 1
    assert states(fresh) == ["replaced", "queued"]
