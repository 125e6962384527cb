"""What follows from answers, written for many at once in one transaction of few statements, however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config import leases, rows
from feed import events
from feed.events import Happening
from ingest import inquiries, lifecycle, states, tasks
from ingest.models import AsyncRequest, Callback, Session, Submission
from ingest.orphans import Addressee, Name
from ingest.verdicts import WORDS, Case, Verdict, judge
from notes import services as notes
from notes.services import Origin
from recordings import services as recordings
from recordings.services import Kept
from vendors import VENDORS
from vendors.base import NOTE, TRANSCRIPT, Notice, Result

State = Callback.State
NOBODYS = "No request of the clinic has the id it names. It is applied when the request is made."
NAMELESS = "It names no request of the clinic, and has no id to wait with. Its sender must add one."

FINISHED = ", ".join(f"{column} = NULL" for column in leases.finished())
SETTLE = f"""state = new.state, problem = new.problem, processed_at = new.processed_at,
    submission_id = coalesce(new.submission_id, old.submission_id),
    request_id = coalesce(new.request_id, old.request_id), clinic_id = coalesce(old.clinic_id, new.clinic_id),
    named_request = coalesce(new.named_request, old.named_request), {FINISHED}"""
HELD = f"old.state = '{State.STORED}' AND old.lease_token = new.lease_token"
CLOSED = ["state", "vendor_request_id", "error_code", "error_message"]
CLOSE = ", ".join([*(f"{column} = new.{column}" for column in CLOSED), FINISHED])


class LeaseLost(Exception):
    """Somebody else has one of these callbacks now: what was done for all of them is rolled back."""


@dataclass(slots=True)
class Answer:
    """A claimed callback and what it says. `verdict`: the end it has come to already, where it says nothing.

    `notice`: it says that the vendor has to be asked.
    """

    callback: Callback
    result: Result = field(default_factory=Result)
    notice: Notice | None = None
    addressee: Addressee | None = None
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        callback = self.callback
        if not self.verdict and callback.submission_id and callback.request_id and callback.clinic_id:
            self.addressee = Addressee(callback.submission_id, callback.request_id, callback.clinic_id)

    @property
    def name(self) -> Name:
        callback, result = self.callback, self.result
        ref = self.notice.ref if self.notice else result.ref
        return Name(callback.clinic_id, callback.proven_id, callback.vendor, result.client_request_id, ref)


@transaction.atomic
def apply(answers: Sequence[Answer]) -> None:
    """Decides what each answer means for its request and does it; no two are for one request. Raises LeaseLost."""
    cases = read(answers)
    verdicts = [answer.verdict or decide(answer, case) for answer, case in zip(answers, cases, strict=True)]
    settle(answers, verdicts)
    applied = [case for case, (state, _) in zip(cases, verdicts, strict=True) if case and state == State.APPLIED]
    close(applied)
    bring([case for case in applied if not case.result.failure])
    # After the submissions: a worker that is at one locks it, and then its inquiry.
    inquiries.hurry([answer.addressee.submission_id for answer in answers if answer.addressee and is_news(answer)])
    happened = [finish(case) for case in applied]
    lifecycle.save([case.request for case in applied])
    events.record_all(happened)


def read(answers: Sequence[Answer]) -> list[Case | None]:
    """What each answer meets, its request locked first: what is read after that stays as it is."""
    meant = [answer.addressee for answer in answers if answer.addressee]
    requests = lifecycle.lock_all({one.request_id for one in meant})
    tries = Submission.objects.in_bulk([one.submission_id for one in meant])
    there = objects_there(list(requests))
    differing = said_otherwise(answers, tries)
    return [
        Case(
            proven_by=answer.callback.proven_by,
            result=answer.result,
            request=requests[answer.addressee.request_id],
            submission=tries[answer.addressee.submission_id],
            there=there[answer.addressee.request_id],
            differing=differing.get(answer.addressee.request_id, frozenset()),
        )
        if answer.addressee
        else None
        for answer in answers
    ]


def decide(answer: Answer, case: Case | None) -> Verdict:
    if case is None:
        return State.ORPHAN, NOBODYS if any(answer.name[-2:]) else NAMELESS
    if answer.notice:
        return State.NOTICE, answer.notice.problem
    return judge(case)


def is_news(answer: Answer) -> bool:
    """Whether the vendor announces something by itself. What it said when it was asked is no reason to ask at once."""
    return answer.notice is not None and answer.callback.proven_by != Callback.Proof.POLLED


def objects_there(request_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """What each of the requests has got."""
    found = AsyncRequest.objects.filter(pk__in=request_ids).values_list("pk", "transcript", "note")
    return {
        request_id: frozenset(name for name, one in ((TRANSCRIPT, transcript), (NOTE, note)) if one)
        for request_id, transcript, note in found
    }


def said_otherwise(answers: Sequence[Answer], tries: dict[UUID, Submission]) -> dict[UUID, frozenset[str]]:
    """By request, which objects an answer gives in other words than those that are kept.

    Asked only of tries that had an answer before: where a vendor sends parts, most are not for these.
    """
    answered = {one.request_id for one in tries.values() if one.state == Submission.State.ANSWERED}
    seconds = {one.addressee.request_id: one.result for one in answers if one.addressee} if answered else {}
    return notes.differing({request_id: seconds[request_id] for request_id in answered})


def settle(answers: Sequence[Answer], verdicts: Sequence[Verdict]) -> None:
    """Ends the callbacks, each as its verdict says. Raises LeaseLost."""
    outcomes = [outcome(answer, *verdict) for answer, verdict in zip(answers, verdicts, strict=True)]
    if rows.update(Callback, outcomes, to=SETTLE, where=HELD) != len(outcomes):
        raise LeaseLost


def outcome(answer: Answer, state: str, problem: str) -> dict[str, object]:
    """The columns of a callback that came to its end; what is None stays as it was."""
    meant, name = answer.addressee, answer.name
    return {
        "id": answer.callback.pk,
        "lease_token": answer.callback.lease_token,
        "state": state,
        "problem": problem,
        "processed_at": timezone.now(),
        "submission_id": meant.submission_id if meant else None,
        "request_id": meant.request_id if meant else None,
        "clinic_id": meant.clinic_id if meant else None,
        "named_request": (name.client_request_id or name.ref or "")[:200] if state == State.ORPHAN else None,
    }


def close(cases: Sequence[Case]) -> None:
    """Ends the tries that were answered."""
    closed = []
    for case in cases:
        submission, failure = case.submission, case.result.failure
        to = Submission.State.FAILED if failure else Submission.State.ANSWERED
        states.SUBMISSION.moves(submission.state, to)
        closed.append(
            {
                "id": submission.pk,
                "state": to,
                "vendor_request_id": submission.vendor_request_id or (case.result.ref or "")[:200],
                "error_code": failure.code if failure else "",
                "error_message": failure.message if failure else "",
            }
        )
    rows.update(Submission, closed, to=CLOSE)


def bring(cases: Sequence[Case]) -> None:
    """Keeps what successes brought. Other tries at their requests are not sent any more."""
    lifecycle.set_aside_all([case.request.pk for case in cases], Submission.State.REPLACED)
    brought = [(origin(case.request), case.result) for case in cases]
    notes.store_transcripts([(of, said.transcript) for of, said in brought if said.transcript is not None])
    notes.store_notes([(of, said.note) for of, said in brought if said.note is not None])
    keep_recordings([case for case in cases if VENDORS[case.request.vendor].keeps_recordings])


def keep_recordings(cases: Sequence[Case]) -> None:
    """Registers what the vendors keep of the sessions that are complete, to be copied."""
    if not cases:
        return
    sessions = Session.objects.in_bulk([case.request.session_id for case in cases])
    found = [kept_recording(case, sessions[case.request.session_id]) for case in cases]
    kept = [one for one in found if one]
    if kept and recordings.register_all(kept):
        transaction.on_commit(tasks.ring_recordings)


def kept_recording(case: Case, session: Session) -> Kept | None:
    request, ref = case.request, case.submission.vendor_request_id or case.result.ref
    if not ref or request.account_id is None or session.kind not in VENDORS[request.vendor].keeps_recordings:
        return None
    return Kept(
        clinic_id=request.clinic_id,
        session_id=request.session_id,
        account_id=request.account_id,
        vendor=request.vendor,
        ref=ref,
        clinician_ref=session.clinician_ref,
        ended_at=request.submitted_at or timezone.now(),
    )


def origin(request: AsyncRequest) -> Origin:
    of = (request.clinic_id, request.session_id, request.pk)
    return Origin(*of, vendor=request.vendor, language=request.language, template=request.note_template)


def finish(case: Case) -> Happening:
    """Moves the request, in memory, as far as its answer brings it."""
    request, failure = case.request, case.result.failure
    if failure:
        return lifecycle.step_to_failure(
            request, code=failure.code, message=failure.message, retryable=failure.retryable
        )
    if missing := case.missing(case.there | case.brought):
        said = f"The vendor answered without {' and '.join(WORDS[wanted] for wanted in missing)}."
        return lifecycle.step_to_failure(request, code="incomplete", message=said, retryable=True)
    lifecycle.step(request, AsyncRequest.State.READY)
    return Happening("request.ready", request.clinic_id, request.pk)
