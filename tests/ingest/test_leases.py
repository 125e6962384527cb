"""Rows as a queue: who may take what, and when."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from config import leases
from ingest.models import Submission
from tests.factories import SubmissionFactory

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
