"""Claims and outcomes of a submission, where a real vendor would be too slow to wait for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from config import leases
from ingest import lifecycle, submission
from ingest.models import AsyncRequest, Submission
from tests.factories import SubmissionFactory
from vendors.base import Submitted, VendorError

pytestmark = pytest.mark.django_db


def queued() -> Submission:
    row: Submission = SubmissionFactory(state="queued", next_attempt_at=timezone.now(), request__state="queued")
    return row


def claimed() -> Submission:
    found = submission.claim(queued().pk)
    assert found
    return found


def test_a_claim_shows_the_request_as_submitting() -> None:
    row = claimed()
    assert row.request.state == "submitting"
    assert submission.claim(row.pk) is None


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_at_once_one_sends_it() -> None:
    row, start = queued(), threading.Barrier(8)

    def work() -> bool:
        start.wait()
        try:
            return submission.claim(row.pk) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: work(), range(8))) == 1
    row.refresh_from_db()
    assert row.attempts == 1


def test_a_late_acceptance_does_not_undo_a_callback() -> None:
    row = claimed()
    Submission.objects.filter(pk=row.pk).update(state="answered", **leases.finished())
    request = lifecycle.lock(row.request_id)
    lifecycle.move(request, "ready")
    submission.accepted(row, Submitted("REF-1"))
    row.refresh_from_db()
    assert (row.state, row.vendor_request_id, row.request.state) == ("answered", "REF-1", "ready")


def test_a_late_refusal_does_not_undo_a_callback() -> None:
    row = claimed()
    Submission.objects.filter(pk=row.pk).update(state="answered", **leases.finished())
    lifecycle.move(lifecycle.lock(row.request_id), "ready")
    submission.refused(row, VendorError("No.", permanent=True))
    row.refresh_from_db()
    assert (row.state, row.request.state) == ("answered", "ready")


def test_an_outcome_under_a_lost_lease_is_not_written() -> None:
    row = claimed()
    Submission.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    other = submission.claim(row.pk)
    assert other
    assert other.unanswered  # the first worker may have reached the vendor before it fell silent
    submission.refused(row, VendorError("No.", permanent=True))
    row.refresh_from_db()
    assert row.state == "submitting"


def test_the_last_attempt_fails_with_the_vendors_reason(settings: Settings) -> None:
    settings.SUBMISSION_ATTEMPTS = 1
    row = claimed()
    submission.refused(row, VendorError("The vendor is down.", permanent=False, code="vendor_unavailable"))
    request = AsyncRequest.objects.get(pk=row.request_id)
    assert (request.state, request.failure_code, request.failure_retryable) == ("failed", "vendor_unavailable", True)
    assert request.failure_message == "The vendor is down."


@pytest.mark.parametrize("permanent", [False, True])
def test_a_reason_that_is_too_long_is_cut(settings: Settings, permanent: bool) -> None:
    settings.SUBMISSION_ATTEMPTS = 1
    row = claimed()
    submission.refused(row, VendorError("No. " * 200, permanent=permanent))
    row.refresh_from_db()
    request = AsyncRequest.objects.get(pk=row.request_id)
    assert (row.state, request.state) == ("failed", "failed")
    assert len(row.error_message) == len(request.failure_message) == 500


def test_a_submission_that_kills_its_workers_comes_to_an_end(settings: Settings) -> None:
    settings.SUBMISSION_ATTEMPTS = 2
    row = queued()
    for _ in range(2):
        assert submission.claim(row.pk)
        Submission.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now())
    assert submission.claim(row.pk) is None
    request = AsyncRequest.objects.get(pk=row.request_id)
    assert (request.state, request.failure_code, request.failure_retryable) == ("failed", "workers_died", True)


def test_pauses_grow_with_jitter_and_are_never_shorter_than_asked(settings: Settings) -> None:
    settings.SUBMISSION_RETRY_SECONDS = 5
    first = {submission.pause(1, None).total_seconds() for _ in range(50)}
    assert 3.75 <= min(first) < max(first) <= 6.25
    assert submission.pause(30, None).total_seconds() <= 900 * 1.25
    assert submission.pause(1, 120).total_seconds() == 120
    assert submission.pause(1, 10**9).total_seconds() == 24 * 3600


def test_nothing_is_sent_under_a_lease_that_is_nearly_over() -> None:
    """The rows took long to read: another worker may have the submission before this one's call would end."""
    row = claimed()
    row.lease_until = timezone.now() + submission.LONGEST_CALL - timedelta(seconds=1)
    with pytest.raises(submission.TooLate):
        submission.call(row)


def test_credentials_that_cannot_be_decrypted_fail_with_what_to_do(settings: Settings) -> None:
    row = claimed()
    settings.CREDENTIAL_KEYS = ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
    with pytest.raises(VendorError, match="connect the vendor again") as caught:
        submission.call(row)
    assert caught.value.permanent
