"""What vendors are asked: for an answer, for what they have announced, or to end what a job left open."""

from __future__ import annotations

from ingest.models import AsyncRequest, Callback, Inquiry, Submission, VendorAccount
from vendors import VENDORS
from vendors.base import Held, Notice, Result, Unreadable, Vendor, VendorError

State = Submission.State
NOT_YET = (State.QUEUED, State.SUBMITTING)
#: With the pauses between them about a week, in which every vendor has answered or never will.
ATTEMPTS = 1000
NOTHING_TO_FETCH = "nothing_to_fetch"


def is_early(submission: Submission) -> bool:
    """Whether a worker is at it."""
    return submission.state in NOT_YET


def is_awaited(submission: Submission, inquiry: Inquiry) -> bool:
    """Whether an answer would still count: also that of a try that failed or was replaced, if it is the first."""
    if inquiry.attempts > ATTEMPTS or is_given_up(submission):
        return False
    if inquiry.callback_id:
        return True  # there may be a newer text behind it, also where the request is ready
    was_handed_over = submission.submitted_at is not None or submission.request.submitted_elsewhere
    return submission.request.state != AsyncRequest.State.READY and was_handed_over and is_polled(submission)


def is_given_up(submission: Submission) -> bool:
    return submission.request.state == AsyncRequest.State.CANCELLED


def is_polled(submission: Submission) -> bool:
    return submission.request.session.kind in VENDORS[submission.request.vendor].polled


def ask(submission: Submission, callback: Callback | None) -> list[bytes]:
    """For the answer, or for what is behind the link of a notice. Raises VendorError."""
    if callback:
        return list(connected(submission).fetch(notice(callback)))
    return list(connected(submission).poll(held(submission)))


def is_answer(submission: Submission, body: bytes) -> bool:
    """Whether there is nothing more to ask for: a state that we do not know, or junk, is kept, and is none."""
    try:
        return isinstance(VENDORS[submission.request.vendor].parse(body), Result)
    except Unreadable:
        return False


def close(submission: Submission) -> list[bytes]:
    """A session that no audio comes to any more holds the vendor's resources. Raises VendorError."""
    if submission.submitted_at is None and not submission.request.submitted_elsewhere:
        connected(submission).close(held(submission), kind=submission.request.session.kind)
    return []


def notice(callback: Callback) -> Notice:
    """What a kept notice says. Raises VendorError where it names no link any more."""
    try:
        said = VENDORS[callback.vendor].parse(bytes(callback.body or b""))
    except Unreadable:
        said = None
    if isinstance(said, Notice) and said.link:
        return said
    message = "The notice names nothing that could be fetched. Nothing needs to be done where the answer is here."
    raise VendorError(message, permanent=True, code=NOTHING_TO_FETCH)


def connected(submission: Submission) -> Vendor:
    """The vendor as the clinic's account sees it. Raises VendorError."""
    of = {"clinic": submission.clinic_id, "vendor": submission.request.vendor}
    account = submission.request.account or VendorAccount.objects.filter(**of).first()
    if account is None:
        message = "The clinic has no account at the vendor: connect it."
        raise VendorError(message, permanent=True, code="no_account")
    return account.connected()


def held(submission: Submission) -> Held:
    request = submission.request
    return Held(submission.vendor_request_id, request.session.clinician_ref, tuple(request.output_objects))
