"""Asking vendors for answers: soon where a webhook announced one, and now and then as webhooks may be lost.

What stands behind a notice's link is fetched in the same way, by an inquiry of the notice's own.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config import leases
from ingest import fetched, questions, tasks
from ingest.models import Callback, Inquiry, Submission, VendorAccount
from ingest.orphans import Addressee
from ingest.questions import ATTEMPTS
from vendors import VENDORS
from vendors.base import VendorError

log = logging.getLogger(__name__)

#: A vendor is asked for several things at once, each within the guarded client's limit.
LEASE = timedelta(seconds=150)
AT_ONCE = 4
FIRST_SECONDS, LONGEST_SECONDS = 5.0, 600.0
#: To end what was abandoned.
CLOSE_ATTEMPTS = 50
#: Where only a change of the account, or at the vendor, can help.
REFUSED_PAUSE = timedelta(hours=1)
COSTLY = ("answer_too_large",)
#: Nothing can help.
FINAL = (questions.NOTHING_TO_FETCH,)
NO_ERROR = {"error_code": "", "error_message": "", "call_id": ""}
ENDED = NO_ERROR | leases.finished()
UNREAD = "What is behind the notice's link is no answer that can be read: it is kept as it came."
NOTHING_CAME = "It was tried as often as it may be, and nothing came of it. Tell the operator."
#: What a vendor announces is there: it goes before what may be.
AHEAD = timedelta(days=1)
#: While a worker is at the try: whoever ends that hurries.
HELD_BACK = timedelta(minutes=10)


def begin(submission: Submission) -> None:
    """From now on the vendor has something of ours. Called within the transaction that says so."""
    vendor = VENDORS[submission.request.vendor]
    if vendor.polled or vendor.opens_sessions:
        due = timezone.now() + timedelta(seconds=FIRST_SECONDS)
        facts = {"clinic_id": submission.clinic_id, "attempts": 0, **leases.due_again(due)}
        Inquiry.objects.update_or_create(submission=submission, callback=None, defaults=facts)


def hurry(submission_ids: Collection[UUID]) -> None:
    """Their vendor has announced an answer: it is asked now."""
    asking = Inquiry.objects.filter(submission__in=submission_ids, callback=None)
    if asking.update(attempts=0, **_ahead()):
        transaction.on_commit(tasks.ring_inquiries)


def let_go(submission: Submission) -> None:
    """No worker is at it any more: what waited for that is due now. Called within the transaction that says so."""
    waiting = Inquiry.objects.filter(submission=submission, next_attempt_at__isnull=False)
    if waiting.update(created_at=timezone.now(), **_ahead()):
        transaction.on_commit(tasks.ring_inquiries)


def fetch(notices: dict[UUID, Addressee]) -> None:
    """What is behind the links of these callbacks is fetched now, also where it was before.

    Called within the transaction that settles them.
    """
    if not notices:
        return
    facts = {"created_at": timezone.now(), "attempts": 0, **_ahead()}
    rows = [
        Inquiry(callback_id=callback_id, submission_id=meant.submission_id, clinic_id=meant.clinic_id, **facts)
        for callback_id, meant in notices.items()
    ]
    Inquiry.objects.bulk_create(rows, update_conflicts=True, unique_fields=["callback"], update_fields=list(facts))
    transaction.on_commit(tasks.ring_inquiries)


def _ahead() -> dict[str, Any]:
    return leases.due_again(timezone.now() - AHEAD)


def ask_refused_again(account_id: UUID) -> None:
    """The account has changed: what was refused to it may be granted now."""
    account = VendorAccount.objects.only("clinic", "vendor").get(pk=account_id)
    theirs = Inquiry.objects.filter(clinic=account.clinic_id, submission__request__vendor=account.vendor)
    refused = theirs.filter(next_attempt_at__isnull=False, lease_until=None).exclude(error_code="")
    if refused.update(next_attempt_at=timezone.now()):
        transaction.on_commit(tasks.ring_inquiries)


def is_due() -> bool:
    return bool(leases.due_ids(Inquiry, 1))


def inquire_due() -> bool:
    """Asks for some that are due. True when there may be more."""
    claimed = leases.claim(Inquiry, lease=LEASE, limit=AT_ONCE)
    for place, inquiry in enumerate(claimed):
        leases.renew(claimed[place:], LEASE)
        inquire(inquiry)
    return bool(claimed)


def inquire(inquiry: Inquiry) -> None:
    """Asks, or ends what a job left open that nobody goes on with. Written if the lease is still held."""
    submission = Submission.objects.select_related("request__account", "request__session").get(pk=inquiry.submission_id)
    if questions.is_early(submission):
        # Not even what is announced: an answer to what has been sent so far would end the request, and the sending.
        settle(inquiry, attempts=inquiry.attempts - 1, **leases.due_again(timezone.now() + HELD_BACK))
        return
    awaits = questions.is_awaited(submission, inquiry)
    try:
        answers = put(submission, inquiry, is_awaited=awaits)
    except VendorError as error:
        log.info("inquiry %s: %s", inquiry.pk, error.code)
        refused(inquiry, error, is_awaited=awaits)
    else:
        is_done = not awaits or has_come(submission, inquiry, answers)
        with transaction.atomic():
            if settle(inquiry, **(ENDED if is_done else unread(inquiry, answers))) and answers:
                fetched.keep(submission, worth_keeping(submission, answers), Callback.Proof.POLLED)


def put(submission: Submission, inquiry: Inquiry, *, is_awaited: bool) -> list[bytes]:
    """Its question to the vendor; nobody's, where a notice is for a request that was given up. Raises VendorError."""
    if is_awaited:
        return questions.ask(submission, inquiry.callback)
    if inquiry.callback_id and not questions.is_given_up(submission):
        raise VendorError(NOTHING_CAME, permanent=True, code="nothing_came")
    return [] if inquiry.callback_id else questions.close(submission)


def has_come(submission: Submission, inquiry: Inquiry, answers: Collection[bytes]) -> bool:
    """Whether this is the end of asking. Of a vendor that sends parts, one is not: it is asked until all are there."""
    if VENDORS[submission.request.vendor].answers_in_parts and not inquiry.callback_id:
        return False
    return any(questions.is_answer(submission, body) for body in answers)


def worth_keeping(submission: Submission, answers: Collection[bytes]) -> list[bytes]:
    """All of them, or those that are an answer once there is enough that is none."""
    return [body for body in answers if questions.is_answer(submission, body) or not fetched.is_full(submission)]


def unread(inquiry: Inquiry, answers: Collection[bytes]) -> dict[str, Any]:
    """There is no answer yet; or there is something behind a link, and none that can be read."""
    is_strange = bool(inquiry.callback_id and answers)
    told = NO_ERROR | ({"error_code": "unread", "error_message": UNREAD} if is_strange else {})
    again = inquiry.attempts < ATTEMPTS or not is_strange
    return told | (leases.due_again(later(inquiry)) if again else leases.finished())


@transaction.atomic
def settle(inquiry: Inquiry, **columns: Any) -> bool:
    """Written where the lease is still held. What ends with an error is its notice's failure, for staff to see."""
    if columns["next_attempt_at"] is None and columns["error_code"] not in ("", *FINAL):
        # The notice first: whoever processes it again locks it, and then its inquiry.
        notices = Callback.objects.filter(inquiry=inquiry, inquiry__lease_token=inquiry.lease_token)
        problem = f"What it announces could not be fetched: {columns['error_message']}"[:500]
        notices.filter(state=Callback.State.NOTICE).update(state=Callback.State.FAILED, problem=problem)
    return bool(Inquiry.objects.filter(pk=inquiry.pk, lease_token=inquiry.lease_token).update(**columns))


def refused(inquiry: Inquiry, error: VendorError, *, is_awaited: bool) -> None:
    """What was written is not given up because somebody may not ask just now: staff see why, and mend it."""
    if error.code in FINAL or inquiry.attempts >= (ATTEMPTS if is_awaited else CLOSE_ATTEMPTS):
        again = leases.finished()
    elif error.permanent or error.code in COSTLY:
        again = leases.due_again(timezone.now() + REFUSED_PAUSE)
    else:
        again = leases.due_again(later(inquiry, error.retry_after))
    settle(inquiry, error_code=error.code, error_message=error.message[:500], call_id=error.call_id, **again)


def later(inquiry: Inquiry, retry_after: float | None = None) -> datetime:
    pause = min(FIRST_SECONDS * 2.0 ** min(inquiry.attempts, 10), LONGEST_SECONDS)
    return timezone.now() + timedelta(seconds=max(pause, retry_after or 0.0))
