"""Asking vendors for answers: soon where a webhook announced one, and now and then as webhooks may be lost."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config import leases
from ingest import fetched, lifecycle, tasks
from ingest.models import AsyncRequest, Callback, Inquiry, Session, Submission
from vendors import VENDORS
from vendors.base import Held, Result, Unreadable, Vendor, VendorError

log = logging.getLogger(__name__)

#: A vendor is asked for several things at once, each within the guarded client's limit.
LEASE = timedelta(seconds=150)
AT_ONCE = 4
FIRST_SECONDS, LONGEST_SECONDS = 5.0, 600.0
#: With these pauses about a week, in which every vendor has answered or never will.
ATTEMPTS = 1000
NOT_YET = (Submission.State.QUEUED, Submission.State.SUBMITTING)
HANDED_OVER = (Submission.State.WAITING, Submission.State.REPLACED)


def begin(submission: Submission) -> None:
    """From now on the vendor has something of ours. Called within the transaction that says so."""
    if VENDORS[submission.request.vendor].is_polled:
        due = timezone.now() + timedelta(seconds=FIRST_SECONDS)
        facts = {"clinic_id": submission.clinic_id, "attempts": 0, **leases.due_again(due)}
        Inquiry.objects.update_or_create(submission=submission, defaults=facts)


def hurry(submission_ids: Collection[UUID]) -> None:
    """Their vendor has announced an answer: it is asked now."""
    if Inquiry.objects.filter(submission__in=submission_ids).update(attempts=0, **leases.due_again(timezone.now())):
        transaction.on_commit(tasks.ring_inquiries)


def is_due() -> bool:
    return bool(leases.due_ids(Inquiry, 1))


def inquire_due() -> bool:
    """Asks for some that are due. True when there may be more."""
    claimed = leases.claim(Inquiry, lease=LEASE, limit=AT_ONCE)
    for inquiry in claimed:
        inquire(inquiry)
    return len(claimed) == AT_ONCE


def inquire(inquiry: Inquiry) -> None:
    """Asks, or ends what a job left open that nobody goes on with. Written if the lease is still held."""
    submission = Submission.objects.select_related("request__account", "request__session").get(pk=inquiry.submission_id)
    is_dictated = submission.request.session.kind == Session.Kind.DICTATION
    if submission.state in NOT_YET or (is_dictated and submission.state == Submission.State.WAITING):
        settle(inquiry, **leases.due_again(later(inquiry)))  # a dictation is answered by the end of its stream
        return
    awaits = is_awaited(submission, inquiry)
    try:
        answers = ask(submission) if awaits else close(submission)
    except VendorError as error:
        log.info("inquiry %s: %s", inquiry.pk, error.code)
        refused(inquiry, submission, error)
    else:
        is_done = not awaits or any(is_result(submission, body) for body in answers)
        with transaction.atomic():
            again = leases.finished() if is_done else leases.due_again(later(inquiry))
            if settle(inquiry, error_code="", **again) and answers:
                fetched.keep(submission, answers, Callback.Proof.POLLED)


def is_result(submission: Submission, body: bytes) -> bool:
    """Whether there is nothing more to ask for: a state that we do not know, or junk, is kept, and is none."""
    try:
        return isinstance(VENDORS[submission.request.vendor].parse(body), Result)
    except Unreadable:
        return False


def settle(inquiry: Inquiry, **columns: Any) -> bool:
    return bool(Inquiry.objects.filter(pk=inquiry.pk, lease_token=inquiry.lease_token).update(**columns))


def is_awaited(submission: Submission, inquiry: Inquiry) -> bool:
    """Whether an answer would still count: also that of a try that a later one replaced, if it is first."""
    is_open = submission.request.state not in (AsyncRequest.State.READY, AsyncRequest.State.CANCELLED)
    was_handed_over = submission.submitted_at is not None or submission.request.submitted_elsewhere
    return is_open and was_handed_over and submission.state in HANDED_OVER and inquiry.attempts <= ATTEMPTS


def close(submission: Submission) -> list[bytes]:
    """A session that no audio comes to any more holds the vendor's resources. Raises VendorError."""
    if submission.submitted_at is None and not submission.request.submitted_elsewhere:
        vendor(submission).close(held(submission), kind=submission.request.session.kind)
    return []


def ask(submission: Submission) -> list[bytes]:
    """Raises VendorError."""
    return list(vendor(submission).poll(held(submission)))


def vendor(submission: Submission) -> Vendor:
    """As the request's account sees it. Raises VendorError."""
    account = submission.request.account
    assert account is not None  # noqa: S101 (there is none to ask where the clinic has no account)
    return account.connected()


def held(submission: Submission) -> Held:
    return Held(submission.vendor_request_id, submission.request.session.clinician_ref)


def refused(inquiry: Inquiry, submission: Submission, error: VendorError) -> None:
    """It is asked again; what no asking will change fails the request, which says so."""
    with transaction.atomic():
        request = lifecycle.lock(submission.request_id)
        again = leases.finished() if error.permanent else leases.due_again(later(inquiry, error.retry_after))
        was_ours = settle(inquiry, error_code=error.code, **again)
        if error.permanent and was_ours and request.state == AsyncRequest.State.WAITING:
            lifecycle.fail(request, code=error.code, message=error.message[:500], retryable=True)


def later(inquiry: Inquiry, retry_after: float | None = None) -> datetime:
    pause = min(FIRST_SECONDS * 2.0 ** min(inquiry.attempts, 10), LONGEST_SECONDS)
    return timezone.now() + timedelta(seconds=max(pause, retry_after or 0.0))
