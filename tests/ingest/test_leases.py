"""Rows as a queue: who may take what, and when."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from config import leases
from ingest.models import Callback, Submission
from tests.factories import CallbackFactory, SubmissionFactory

LEASE = timedelta(seconds=30)


def due(**fields: object) -> Submission:
    row: Submission = SubmissionFactory(state="queued", next_attempt_at=timezone.now(), **fields)
    return row


@pytest.mark.django_db
def test_a_claim_leases_the_row_and_counts_the_attempt() -> None:
    row = due()
    (claimed,) = leases.claim(Submission, lease=LEASE)
    assert (claimed.pk, claimed.attempts) == (row.pk, 1)
    assert claimed.lease_until
    assert claimed.lease_until > timezone.now()
    assert leases.claim(Submission, lease=LEASE) == []


@pytest.mark.django_db
def test_a_lease_that_has_ended_is_claimed_by_the_next() -> None:
    due()
    (first,) = leases.claim(Submission, lease=-LEASE)
    (second,) = leases.claim(Submission, lease=LEASE)
    assert (second.pk, second.attempts) == (first.pk, 2)
    assert second.lease_token != first.lease_token


@pytest.mark.django_db
def test_what_is_not_due_yet_stays() -> None:
    row = due()
    Submission.objects.filter(pk=row.pk).update(**leases.due_again(timezone.now() + LEASE))
    assert leases.claim(Submission, lease=LEASE) == []


@pytest.mark.django_db
def test_rows_tried_before_are_claimed_alone() -> None:
    """Oldest first: two fresh, one that was tried, one fresh."""
    rows = [due() for _ in range(4)]
    Submission.objects.filter(pk=rows[2].pk).update(attempts=1)
    claims = [{row.pk for row in leases.claim(Submission, lease=LEASE, limit=4)} for _ in range(3)]
    assert claims == [{rows[0].pk, rows[1].pk, rows[3].pk}, {rows[2].pk}, set()]
    Submission.objects.update(next_attempt_at=timezone.now())
    assert [len(leases.claim(Submission, lease=LEASE, limit=4)) for _ in range(5)] == [1, 1, 1, 1, 0]


@pytest.mark.django_db
def test_the_newest_can_be_claimed_first() -> None:
    rows = [due() for _ in range(3)]
    claims = [
        leases.claim(Submission, lease=LEASE, newest_of=newest_of)
        for newest_of in ("client_request_id", "", "client_request_id")
    ]
    assert [row.pk for (row,) in claims] == [rows[2].pk, rows[0].pk, rows[1].pk]


@pytest.mark.django_db
def test_a_claim_is_bounded_in_bytes_though_one_row_is_always_taken() -> None:
    rows = [CallbackFactory(body=b"x" * size) for size in (900, 40, 50, 20)]
    claims = [leases.claim(Callback, lease=LEASE, limit=9, most_bytes=100) for _ in range(3)]
    assert [{row.pk for row in claimed} for claimed in claims] == [
        {rows[0].pk},
        {rows[1].pk, rows[2].pk},
        {rows[3].pk},
    ]


@pytest.mark.django_db
def test_a_lease_can_be_made_to_last_where_it_was_not_lost() -> None:
    kept, lost = due(), due()
    claimed = leases.claim(Submission, lease=timedelta(seconds=1), limit=2)
    Submission.objects.filter(pk=lost.pk).update(lease_token="00000000-0000-0000-0000-000000000001")
    leases.renew(claimed, LEASE)
    soon = timezone.now() + timedelta(seconds=5)
    for row, lasts in ((kept, True), (lost, False)):
        row.refresh_from_db()
        assert row.lease_until == row.next_attempt_at
        assert row.lease_until
        assert (row.lease_until > soon) is lasts


@pytest.mark.django_db
def test_a_claim_is_one_statement(django_assert_num_queries: object) -> None:
    due()
    with django_assert_num_queries(1):  # type: ignore[operator]
        leases.claim(Submission, lease=LEASE)


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_once_never_share_a_row() -> None:
    rows = {due().pk for _ in range(40)}
    taken: list[object] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        while claimed := leases.claim(Submission, lease=LEASE, limit=3):
            taken.extend(row.pk for row in claimed)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(rows)
    assert set(taken) == rows
