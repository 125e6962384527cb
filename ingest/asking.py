"""Asking a vendor: a request is opened, asked again, or given up. Sending is ingest/submission.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

from access import log
from access.log import Actor
from feed import events
from ingest import inquiries, orphans, states, tasks
from ingest.lifecycle import happened, lock, move, set_aside
from ingest.models import AsyncRequest, Audio, Inquiry, Session, Submission, VendorAccount
from vendors import VENDORS
from vendors.base import Problem, Wish

State = AsyncRequest.State
NO_ACCOUNT = Problem("vendor", "no_account", "The clinic has no account at this vendor.")
LONGEST_MS = 24 * 3600 * 1000
#: What a request takes from a wish as it is.
WISHED = ("language", "note_template", "section_style", "split_by_sentence", "split_by_problem")


class Refused(Exception):
    """The request cannot be made, for these reasons."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(problem.code for problem in problems))
        self.problems = problems


class AlreadyUsed(Exception):
    """The clinic has used this client_request_id before."""


class NotNow(Exception):
    """The request's state does not allow it. The text says why and what to do."""


def ask(
    session: Session,
    *,
    vendor: str,
    audio: Audio | None,
    wish: Wish,
    all_audio: bool = False,
    client_request_id: str | None = None,
    submitted_elsewhere: bool = False,
    ref: str = "",
    by: Actor,
) -> AsyncRequest:
    """Opens a request and queues its first submission.

    `audio` None: the session's latest. `all_audio`: and all of the session's audio before it, one after the other.
    `submitted_elsewhere`: nothing is sent, the answer is waited for; where the vendor's own id of it is known as `ref`,
    or else by the `client_request_id`, a vendor that can be asked is asked.
    Raises Refused and AlreadyUsed; then nothing is stored.
    """
    if not submitted_elsewhere and audio is None:
        audio = session.audio.order_by("number").last()
    request = AsyncRequest(
        clinic_id=session.clinic_id,
        session=session,
        account=VendorAccount.objects.filter(clinic=session.clinic_id, vendor=vendor).first(),
        vendor=vendor,
        audio=audio,
        all_audio=all_audio,
        submitted_elsewhere=submitted_elsewhere,
        output_objects=list(wish.output_objects),
        state=State.WAITING if submitted_elsewhere else State.QUEUED,
        waiting_since=timezone.now() if submitted_elsewhere else None,
        **{name: getattr(wish, name) for name in WISHED},
    )
    if audio:
        request.audio_ms = sum(each.duration_ms for each in request.audio_in_order())
    if submitted_elsewhere and vendor in VENDORS and VENDORS[vendor].polled:
        ref = ref or client_request_id or ""
    if problems := _problems(request, replace(wish, kind=session.kind, duration_ms=request.audio_ms), ref):
        raise Refused(problems)
    _store(request, client_request_id or str(uuid4()), by, ref)
    return request


def _store(request: AsyncRequest, client_request_id: str, by: Actor, ref: str) -> None:
    """With its first try. Raises AlreadyUsed."""
    try:
        with transaction.atomic():
            request.save(force_insert=True)
            events.record_all([happened("created", request)])
            _try(request, 1, client_request_id, by, ref)
    except IntegrityError as error:
        if "client_request_id_once_a_clinic" in str(error):
            raise AlreadyUsed from None
        raise


def _problems(request: AsyncRequest, wish: Wish, ref: str) -> Sequence[Problem]:
    if request.vendor not in VENDORS:
        return [Problem("vendor", "unknown_vendor", f"There is no such vendor. Known: {', '.join(sorted(VENDORS))}.")]
    vendor, kind = VENDORS[request.vendor], request.session.kind
    if kind not in vendor.kinds:
        said = f"{vendor.title} takes sessions of kind {' or '.join(sorted(vendor.kinds))} alone."
        return [Problem("vendor", "kind_unsupported", said)]
    problems = list(vendor.check(wish))
    if not request.session.consent:
        problems.append(Problem("consent", "no_consent", "The session has no consent to be written up."))
    if request.all_audio and kind not in vendor.takes_several:
        said = f"{vendor.title} takes one audio file of a session of kind {kind}. Ask for each, or leave all_audio out."
        problems.append(Problem("all_audio", "one_audio_only", said))
    problems += _elsewhere_problems(request, ref) if request.submitted_elsewhere else _sending_problems(request)
    return problems


def _sending_problems(request: AsyncRequest) -> Iterator[Problem]:
    if request.audio is None:
        yield Problem("audio", "no_audio", "The session has no audio yet. Upload it first.")
    if (request.audio_ms or 0) > LONGEST_MS:
        yield Problem("all_audio", "too_long", "All of it lasts longer than a day. Name an earlier audio as its last.")
    if request.account is None:
        yield NO_ACCOUNT
    vendor = VENDORS[request.vendor]
    if vendor.needs_clinician and not request.session.clinician_ref:
        said = f"{vendor.title} asks whose recording it is. Open a session with the clinician's reference."
        yield Problem("clinician_ref", "required", said)


def _elsewhere_problems(request: AsyncRequest, ref: str) -> Iterator[Problem]:
    """Of a vendor that has to be asked, which takes an account and the vendor's own id of it."""
    vendor, kind = VENDORS[request.vendor], request.session.kind
    if not vendor.polled:
        return
    if kind not in vendor.polled:
        said = f"{vendor.title} cannot be asked for a session of kind {kind} that was made elsewhere."
        yield Problem("submitted_elsewhere", "never_answered", said)
    if not ref:
        yield Problem("request_id", "required", f"Name {vendor.title}'s own id of the session: it is asked for that.")
    if request.account is None:
        yield NO_ACCOUNT


def _try(request: AsyncRequest, number: int, client_request_id: str, by: Actor, ref: str = "") -> None:
    """A new try: to be sent at once, or only waited for where another system sends it."""
    elsewhere = request.submitted_elsewhere
    submission = Submission.objects.create(
        clinic_id=request.clinic_id,
        request=request,
        number=number,
        client_request_id=client_request_id,
        vendor_request_id=ref,
        asked_by=str(by),
        state=Submission.State.WAITING if elsewhere else Submission.State.QUEUED,
        next_attempt_at=None if elsewhere else timezone.now(),
    )
    if elsewhere:
        if ref and request.account_id:
            inquiries.begin(submission)
        for name in filter(None, (client_request_id, ref)):
            transaction.on_commit(partial(orphans.recall, request.clinic_id, name), robust=True)
    else:
        transaction.on_commit(lambda: tasks.ring_submission(submission.pk, request.vendor))


def retry(request: AsyncRequest, by: Actor) -> AsyncRequest:
    """A person asks again: a queued try is sent now, a failed or overdue request gets a new one. Raises NotNow."""
    with transaction.atomic():
        request = lock(request.pk)
        if request.submitted_elsewhere:
            raise NotNow("Another system asks the vendor for this request: ask again there.")
        if request.state == State.QUEUED:
            _send_now(request)
        elif request.state == State.FAILED or request.is_overdue:
            ask_again(request, by)
        else:
            raise NotNow(WHY_NO_RETRY[request.state])
    return request


WHY_NO_RETRY: dict[str, str] = {
    State.SUBMITTING: "It is being sent at this moment.",
    State.WAITING: "The vendor is still at work on it. It can be asked again once it is overdue.",
    State.READY: "Its result is there already.",
    State.CANCELLED: "It was cancelled. Make a new request.",
}


def _send_now(request: AsyncRequest) -> None:
    submission = request.current_submission
    Submission.objects.filter(pk=submission.pk, state="queued").update(next_attempt_at=timezone.now())
    transaction.on_commit(lambda: tasks.ring_submission(submission.pk, request.vendor))


def ask_again(request: AsyncRequest, by: Actor) -> None:
    """A new try at a locked request, under a new client_request_id. An older try's answer counts if it is first."""
    number = request.current_submission.number + 1
    set_aside(request, "replaced")
    _try(request, number, str(uuid4()), by)
    move(request, State.QUEUED)
    events.record_all([happened("retried", request)])


def cancel(request: AsyncRequest) -> AsyncRequest:
    """Gives a request up: nothing more is sent, and whatever comes is kept but not applied. Raises NotNow."""
    with transaction.atomic():
        request = lock(request.pk)
        if request.state == State.READY:
            raise NotNow("Its result is there already.")
        if states.REQUEST.moves(request.state, State.CANCELLED):
            set_aside(request, "cancelled")
            inquiries.hurry(list(request.submissions.values_list("pk", flat=True)))
            move(request, State.CANCELLED)
            events.record_all([happened("cancelled", request)])
    return request


def ask_overdue_again(limit: int) -> int:
    """Where CALLBACK_ASK_AGAIN allows it, asks again for overdue requests. Returns how many."""
    most = 1 + settings.CALLBACK_ASK_AGAIN
    tries = AsyncRequest.objects.overdue().filter(submitted_elsewhere=False).annotate(tries=Count("submissions"))
    # What is announced has an answer already, which is being fetched.
    announced = Inquiry.objects.filter(callback__isnull=False, next_attempt_at__isnull=False)
    overdue = tries.filter(~Exists(announced.filter(submission__request=OuterRef("pk"))), tries__lt=most)
    asked = 0
    for request_id in overdue.order_by("waiting_since").values_list("pk", flat=True)[:limit]:
        with transaction.atomic():
            request = lock(request_id)
            if overdue.filter(pk=request_id).exists():
                ask_again(request, log.worker("sweep"))
                asked += 1
    return asked
