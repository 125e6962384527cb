"""Sending one submission: claim it, call the vendor outside of any transaction, write the outcome narrowly.

A callback that has come always wins over an outcome that is late: the outcome is written only while the lease holds.
A vendor that takes a stream is at it for as long as the audio lasts; `Progress` renews the lease on the way.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from access import log as access_log
from access.models import AccessEntry
from config import leases
from ingest import fetched, inquiries, lifecycle, progress, states, tasks, tickets
from ingest.models import AsyncRequest, Audio, Callback, Submission
from ingest.sound import StoredSound
from recordings import waveforms
from vendors import VENDORS
from vendors.base import Job, Speech, Submitted, Superseded, Vendor, VendorError, Wish

log = logging.getLogger(__name__)

#: The guarded client's own limit, with a second to spare.
LONGEST_CALL = timedelta(seconds=26)
#: Longer, so that a call has ended before its lease does. Before a stream's first step there are several.
LEASE = timedelta(seconds=35)
SENDER = access_log.worker("submission")
# A thread or two of a process are left over: for the bells, and for the heartbeat of their queue.
streams_at_once = threading.BoundedSemaphore(settings.STREAMS_AT_ONCE)
#: An hour of audio takes three.
LOOK_SECONDS = 20.0
#: Where others are at the first ones due already.
MOST_TRIED = 20
LONGEST_PAUSE = 900.0
LONGEST_RETRY_AFTER = 24 * 3600.0


class TooLate(Exception):
    """Nothing was sent: the lease would not have outlasted the call."""


def send(submission_id: UUID) -> None:
    """Sends it if it is due and nobody else is at it."""
    if submission := claim(submission_id):
        deliver(submission)


def due(way: Literal["link", "stream"], limit: int) -> list[tuple[UUID, str]]:
    """Those longest due of the vendors that take audio this way: their ids and vendors."""
    vendors = [name for name, vendor in VENDORS.items() if vendor.takes_audio == way]
    found = Submission.objects.filter(next_attempt_at__lte=timezone.now(), request__vendor__in=vendors)
    return list(found.order_by("next_attempt_at").values_list("pk", "request__vendor")[:limit])


def stream_due() -> bool:
    """Sends one whose audio is streamed. False where none is due, or this process is at as many as it may be."""
    if not streams_at_once.acquire(blocking=False):
        return False
    try:
        submission = next(filter(None, (claim(submission_id) for submission_id, _ in due("stream", MOST_TRIED))), None)
        if submission:
            tasks.ring_streams()  # for the next one: this one may take an hour
            if look_first(submission):
                deliver(submission)
        return submission is not None
    finally:
        streams_at_once.release()


def look_first(submission: Submission) -> bool:
    """How its audio sounds is known before it is sent, unless that takes too long. False: it was lost meanwhile."""
    request = AsyncRequest.objects.select_related("audio").get(pk=submission.request_id)
    waveforms.look_first([audio.pk for audio in request.audio_in_order()], LOOK_SECONDS)
    submission.lease_until = until = timezone.now() + progress.LEASE
    return bool(held(submission).update(lease_until=until, next_attempt_at=until))


def deliver(submission: Submission) -> None:
    """Sends what is claimed, and writes what came of it."""
    try:
        submitted = call(submission)
    except VendorError as error:
        refused(submission, error)
    except TooLate:
        log.warning("submission %s is left to the next worker: its lease was nearly over", submission.pk)
    except Superseded:
        log.warning("submission %s is not this worker's any more", submission.pk)
    else:
        accepted(submission, submitted)


def claim(submission_id: UUID) -> Submission | None:
    """Leases the submission to this worker; None when it is not due, or its attempts are used up."""
    owner = Submission.objects.filter(pk=submission_id).values_list("request_id", flat=True).first()
    if owner is None:
        return None
    with transaction.atomic():
        request = lifecycle.lock(owner)
        lease = progress.LEASE if is_streamed(request) else LEASE
        claimed = leases.claim(Submission, lease=lease, ids=[submission_id])
        if not claimed:
            return None
        submission = claimed[0]
        if submission.attempts > settings.SUBMISSION_ATTEMPTS:
            give_up(request, submission)
            return None
        # A claim that never came to an outcome: its worker died, perhaps after the vendor had the request.
        submission.unanswered |= submission.state == Submission.State.SUBMITTING
        states.SUBMISSION.moves(submission.state, Submission.State.SUBMITTING)
        submission.state = Submission.State.SUBMITTING
        submission.save(update_fields=["state", "unanswered"])
        lifecycle.move(request, AsyncRequest.State.SUBMITTING)
    return submission


def call(submission: Submission) -> Submitted:
    """Asks the vendor. Raises VendorError."""
    request = AsyncRequest.objects.select_related("account", "audio", "session").get(pk=submission.request_id)
    assert request.account is not None and request.audio is not None  # noqa: PT018, S101 (the row's own constraint)
    vendor: Vendor = request.account.connected()
    audios = request.audio_in_order()
    file_ticket = tickets.for_file(request.audio.pk, seconds=settings.FILE_TICKET_SECONDS)
    job = Job(
        id=submission.pk,
        client_request_id=submission.client_request_id,
        wish=wish_of(request),
        file_url=f"{settings.DOOR_URL}/files/{file_ticket}",
        callback_url=f"{settings.DOOR_URL}/callbacks/{request.vendor}/{tickets.for_callback(submission.pk)}",
        unanswered_before=submission.unanswered,
        encounter_ref=request.session.encounter_ref,
        clinician_ref=request.session.clinician_ref,
        started_at=request.session.started_at,
        sounds=tuple(StoredSound(audio, Speech(request.language)) for audio in audios) if is_streamed(request) else (),
    )
    if submission.lease_until is None or submission.lease_until - timezone.now() < LONGEST_CALL:
        raise TooLate  # the rows took so long to read that another worker may send before we are done
    log_handing(submission, request, audios)
    return vendor.submit(job, progress.Progress(submission))


def is_streamed(request: AsyncRequest) -> bool:
    return VENDORS[request.vendor].takes_audio == "stream"


def log_handing(submission: Submission, request: AsyncRequest, audios: Sequence[Audio]) -> None:
    """The vendor is about to be handed the audio, or a link that opens it: who wished it, and how."""
    ids, wished_by = [str(audio.pk) for audio in audios], submission.asked_by
    mode = "stream" if is_streamed(request) else "file"
    linked = AccessEntry.Action.LINKED
    access_log.note(SENDER, linked, submission.clinic_id, "audio", ids, mode=mode, on_behalf_of=wished_by)


def wish_of(request: AsyncRequest) -> Wish:
    return Wish(
        kind=request.session.kind,
        output_objects=tuple(request.output_objects),
        language=request.language,
        note_template=request.note_template,
        section_style=request.section_style,
        split_by_sentence=request.split_by_sentence,
        split_by_problem=request.split_by_problem,
    )


def accepted(submission: Submission, submitted: Submitted) -> None:
    """The vendor has it: wait for its answer. When that has come already, only the vendor's own id is added."""
    ref = submitted.ref or ""
    with transaction.atomic():
        request = lifecycle.lock(submission.request_id)
        now = timezone.now()
        waiting = {"state": Submission.State.WAITING, "vendor_request_id": ref, "submitted_at": now}
        done = {"error_code": "", "error_message": "", "call_id": submitted.call_id}
        if held(submission).update(**waiting, **done, **leases.finished()):
            lifecycle.move(request, AsyncRequest.State.WAITING, submitted_at=now)
            inquiries.let_go(submission)
            if submitted.answer is not None:
                fetched.keep(submission, [submitted.answer], Callback.Proof.STREAMED)
            else:
                inquiries.begin(submission)
        else:
            Submission.objects.filter(pk=submission.pk, vendor_request_id="").update(vendor_request_id=ref)


def refused(submission: Submission, error: VendorError) -> None:
    """It did not work: due again after a pause, or at its end with a reason."""
    with transaction.atomic():
        request = lifecycle.lock(submission.request_id)
        unanswered = submission.unanswered or error.unanswered
        reason = {"error_code": error.code, "error_message": error.message[:500], "unanswered": unanswered}
        reason["call_id"] = error.call_id
        if error.permanent or submission.attempts >= settings.SUBMISSION_ATTEMPTS:
            if held(submission).update(state=Submission.State.FAILED, **reason, **leases.finished()):
                lifecycle.fail(request, code=error.code, message=error.message, retryable=not error.permanent)
                inquiries.let_go(submission)
            return
        again = timezone.now() + pause(submission.attempts, error.retry_after)
        if held(submission).update(state=Submission.State.QUEUED, **reason, **leases.due_again(again)):
            lifecycle.move(request, AsyncRequest.State.QUEUED)
    log.info("submission %s will be tried again: %s", submission.pk, error.code)


def give_up(request: AsyncRequest, submission: Submission) -> None:
    """More claims than attempts: worker after worker died at it."""
    message = "It could not be sent: the worker stopped each time it was tried. Retry, and tell the operator."
    reason = {"error_code": "workers_died", "error_message": message}
    Submission.objects.filter(pk=submission.pk).update(state=Submission.State.FAILED, **reason, **leases.finished())
    lifecycle.fail(request, code="workers_died", message=message, retryable=True)
    inquiries.let_go(submission)


def held(submission: Submission) -> models.QuerySet[Submission]:
    """The row, as long as this worker's lease on it stands and nothing else has moved it."""
    return Submission.objects.filter(
        pk=submission.pk, state=Submission.State.SUBMITTING, lease_token=submission.lease_token
    )


def pause(attempts: int, retry_after: float | None) -> timedelta:
    """Exponential, with jitter so that a vendor's outage does not end in a stampede; never sooner than it asked for."""
    backoff = min(settings.SUBMISSION_RETRY_SECONDS * 2.0 ** (attempts - 1), LONGEST_PAUSE)
    backoff *= random.uniform(0.75, 1.25)  # noqa: S311
    return timedelta(seconds=max(backoff, min(retry_after or 0.0, LONGEST_RETRY_AFTER)))
