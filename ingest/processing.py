"""What callbacks mean: each is parsed and applied exactly once, in one transaction with all that follows from it."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from config import leases
from feed import events
from ingest import lifecycle, orphans, states, tasks
from ingest.asking import NotNow
from ingest.models import AsyncRequest, Callback, Submission
from notes import services as notes
from vendors import VENDORS
from vendors.base import NOTE, TRANSCRIPT, Failure, Result, Unreadable

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
ATTEMPTS = 6
State = Callback.State
WORDS = {TRANSCRIPT: "the transcript", NOTE: "the note"}
Verdict = tuple[str, str]
NOBODYS = "No request of the clinic has the client_request_id it names. It is applied when the request is made."
NAMELESS = "It names no request of the clinic, and has no client_request_id to wait with. Its sender must add one."
CAN_GO_AGAIN = [State.STORED, State.FAILED, State.JUNK, State.MISMATCH, State.NOT_APPLIED, State.ORPHAN]


class LeaseLost(Exception):
    """Somebody else has this callback now: what was done for it is rolled back."""


def process_due(most: int = 200) -> bool:
    """Processes callbacks that are due. True when it stopped at `most` and more may be due.

    One is claimed at a time, so that one which kills its worker uses up no attempts but its own.
    """
    for _ in range(most):
        claimed = leases.claim(Callback, lease=LEASE)
        if not claimed:
            return False
        process(claimed[0])
    return True


def process(callback: Callback) -> None:
    try:
        read_and_apply(callback)
    except LeaseLost:
        log.info("callback %s is processed elsewhere", callback.pk)
    except Exception as error:
        log.exception("callback %s could not be processed", callback.pk)
        pause = timedelta(seconds=2**callback.attempts)
        problem = f"Could not be processed yet ({type(error).__name__}); it is tried again."
        held(callback).update(problem=problem, **leases.due_again(timezone.now() + pause))


def read_and_apply(callback: Callback) -> None:
    if callback.attempts > ATTEMPTS:
        settle(callback, State.FAILED, "Processing failed each time. Process it again, or tell the operator.")
        return
    try:
        result = VENDORS[callback.vendor].parse(bytes(callback.body or b""))
    except Unreadable as error:
        settle(callback, State.JUNK, str(error)[:500])
    else:
        apply(callback, result)
        orphans.look_again(callback, result)


def process_again(callback: Callback) -> None:
    """A person wants a callback looked at once more, with fresh attempts. Raises NotNow where that changes nothing."""
    if callback.body is None:
        raise NotNow("Its body is no longer kept.")
    now = timezone.now()
    free = models.Q(lease_until=None) | models.Q(lease_until__lt=now)
    due = leases.due_again(now) | {"attempts": 0, "state": State.STORED, "problem": "", "processed_at": None}
    if not Callback.objects.filter(free, pk=callback.pk, state__in=CAN_GO_AGAIN).update(**due):
        raise NotNow("It has been applied already, or is being processed at this moment.")
    transaction.on_commit(tasks.ring_callbacks)


def held(callback: Callback) -> models.QuerySet[Callback]:
    """The row, as long as this worker's lease on it stands."""
    return Callback.objects.filter(pk=callback.pk, state=State.STORED, lease_token=callback.lease_token)


def settle(callback: Callback, state: str, problem: str = "", result_digest: bytes | None = None, **facts: Any) -> None:
    """Ends a callback. Raises LeaseLost."""
    done = {"state": state, "problem": problem, "result_digest": result_digest, **facts}
    if not held(callback).update(**done, processed_at=timezone.now(), **leases.finished()):
        raise LeaseLost


@transaction.atomic
def apply(callback: Callback, result: Result) -> None:
    """Decides what the answer means for its request and does it."""
    digest = digest_of(result)
    submission = orphans.addressee(callback, result)
    if submission is None:
        name = result.client_request_id or ""
        return settle(callback, State.ORPHAN, NOBODYS if name else NAMELESS, digest, named_request=name)
    request = lifecycle.lock(submission.request_id)
    submission.refresh_from_db()  # it may have moved before the request was ours
    state, problem = judge(request, submission, callback, result, digest)
    settle(callback, state, problem, digest, submission=submission, request=request)
    if state != State.APPLIED:
        return None
    if result.failure:
        return apply_failure(request, submission, result, result.failure)
    return apply_success(request, submission, result)


def judge(request: AsyncRequest, submission: Submission, callback: Callback, result: Result, digest: bytes) -> Verdict:
    """The state a callback ends in, and why. Changes nothing."""
    if callback.proven_by != Callback.Proof.TICKET and not request.submitted_elsewhere:
        return State.MISMATCH, "This service asks the vendor for that request itself: a partner may not answer it."
    if names_another(submission, result):
        return State.MISMATCH, "It names another request than the address it came to."
    if request.state == AsyncRequest.State.CANCELLED:
        return State.NOT_APPLIED, "The request had been cancelled."
    if not result.failure and result.transcript is None and result.note is None:
        return State.NOT_APPLIED, "It brings neither a transcript nor a note."
    if submission.state == Submission.State.ANSWERED and not brings_missing(request, result):
        return judge_second(submission, result, digest)
    if request.state == AsyncRequest.State.READY:
        return State.NOT_APPLIED, "Another try had brought the result."
    if result.failure and submission.state == Submission.State.REPLACED:
        return State.NOT_APPLIED, "The vendor has been asked again since."
    if result.failure and submission.state == Submission.State.FAILED:
        return State.DUPLICATE, "The try had failed already."
    return State.APPLIED, ""


def brings_missing(request: AsyncRequest, result: Result) -> bool:
    """Whether an incomplete request gets something that was asked for and has not come: parts may arrive apart."""
    if request.state == AsyncRequest.State.READY or result.failure:
        return False
    brought = {TRANSCRIPT: result.transcript is not None, NOTE: result.note is not None}
    return any(brought[wanted] for wanted in missing_objects(request))


def judge_second(submission: Submission, result: Result, digest: bytes) -> Verdict:
    if result.failure:
        return State.NOT_APPLIED, "A failure after a success."
    same = submission.callbacks.filter(state=State.APPLIED, result_digest=digest).exists()
    if same:
        return State.DUPLICATE, "It says what was applied already."
    return State.CONFLICT, "A second answer that differs from the first. The first one stands."


def names_another(submission: Submission, result: Result) -> bool:
    """Whether the body is for somebody else. A body without any id is for whom its address says."""
    if result.client_request_id is not None:
        return result.client_request_id != submission.client_request_id
    known = submission.vendor_request_id
    return bool(known and result.ref) and known.casefold() != str(result.ref).casefold()


def digest_of(result: Result) -> bytes:
    """SHA-256 of what an answer says, without its ids: two spellings of one result are equal."""
    said = asdict(result) | {"client_request_id": None, "ref": None}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()


def close_submission(submission: Submission, state: str, result: Result, **changes: str) -> None:
    states.SUBMISSION.moves(submission.state, state)
    ref = submission.vendor_request_id or (result.ref or "")[:200]
    changes |= {"state": state, "vendor_request_id": ref}
    Submission.objects.filter(pk=submission.pk).update(**changes, **leases.finished())


def apply_failure(request: AsyncRequest, submission: Submission, result: Result, failure: Failure) -> None:
    close_submission(submission, "failed", result, error_code=failure.code, error_message=failure.message)
    lifecycle.fail(request, code=failure.code, message=failure.message, retryable=failure.retryable)


def apply_success(request: AsyncRequest, submission: Submission, result: Result) -> None:
    close_submission(submission, "answered", result, error_code="", error_message="")
    lifecycle.set_aside(request, "replaced", but=submission.pk)
    owner = {"clinic_id": request.clinic_id, "session_id": request.session_id, "request_id": request.pk}
    if result.transcript is not None:
        notes.store_transcript(result.transcript, **owner, language=request.language)
    if result.note is not None:
        notes.store_note(result.note, **owner, language=request.language, template=request.note_template)
    if missing := missing_objects(request):
        without = " and ".join(WORDS[wanted] for wanted in missing)
        lifecycle.fail(request, code="incomplete", message=f"The vendor answered without {without}.", retryable=True)
        return
    lifecycle.move(request, AsyncRequest.State.READY)
    events.record("request.ready", clinic_id=request.clinic_id, object_id=request.pk)


def missing_objects(request: AsyncRequest) -> list[str]:
    """What was asked for and is not there; empty when the request is complete."""
    transcript, note = AsyncRequest.objects.values_list("transcript", "note").get(pk=request.pk)
    there = {TRANSCRIPT: transcript, NOTE: note}
    return [wanted for wanted in request.output_objects if not there[wanted]]
