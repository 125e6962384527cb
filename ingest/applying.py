"""What follows from answers, written for many at once in one transaction of few statements, however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from config import leases, rows
from feed import events
from feed.events import Happening
from ingest import cases, inquiries, lifecycle, states
from ingest.cases import Answer
from ingest.models import AsyncRequest, Callback, Session, Submission
from ingest.verdicts import WORDS, Case, Verdict, judge, judge_notice
from notes import services as notes
from notes.services import Origin
from recordings import services as recordings
from recordings.services import Kept
from vendors import VENDORS
from vendors.base import Failure

State = Callback.State
#: In these the session of an answer has ended. Of what is junk, that of one that was asked for.
ENDS = (State.APPLIED, State.JUNK)
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


@transaction.atomic
def apply(answers: Sequence[Answer]) -> None:
    """Decides what each answer means for its request and does it; no two are for one request. Raises LeaseLost."""
    found = revise(cases.read(answers))
    verdicts = [answer.verdict or decide(answer, case) for answer, case in zip(answers, found, strict=True)]
    settle(answers, verdicts)
    ended = [(case, state) for case, (state, _) in zip(found, verdicts, strict=True) if case and state in ENDS]
    applied = [case for case, state in ended if state == State.APPLIED]
    close([case for case in applied if not case.is_part])
    bring([case for case in applied if not case.result.failure])
    keep_recordings([case for case, _ in ended])
    # After the submissions: a worker that is at one locks it, and then its inquiry.
    inquire(answers, verdicts)
    happened = [finish(case) for case in applied]
    lifecycle.save([case.request for case in applied])
    events.record_all(filter(None, happened))


def revise(found: Sequence[Case | None]) -> list[Case | None]:
    """Keeps the later texts of notes that count. What becomes of them is certain only then: a note may be claimed."""
    counting = [case for case in found if case and case.is_revision and judge(case)[0] == State.APPLIED]
    texts = [(origin(case), *cases.later_text(case)) for case in counting]
    kept = notes.revise_notes(texts, cases.supplements(counting)) if texts else {}
    return [
        replace(case, revision=cases.REVISED[kept[case.request.pk]]) if case and case.request.pk in kept else case
        for case in found
    ]


def decide(answer: Answer, case: Case | None) -> Verdict:
    if case is None:
        return State.ORPHAN, NOBODYS if any(answer.name[-2:]) else NAMELESS
    return judge_notice(case, answer.notice) if answer.notice else judge(case)


def inquire(answers: Sequence[Answer], verdicts: Sequence[Verdict]) -> None:
    """The vendors are asked now for what they announce; what they said when they were asked is no reason for it."""
    announced = [
        (answer, answer.addressee, answer.notice)
        for answer, (state, _) in zip(answers, verdicts, strict=True)
        if answer.addressee
        and answer.notice
        and state == State.NOTICE
        and answer.callback.proven_by != Callback.Proof.POLLED
    ]
    inquiries.hurry([meant.submission_id for _, meant, notice in announced if not notice.link])
    inquiries.fetch({answer.callback.pk: meant for answer, meant, notice in announced if notice.link})


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


def close(answered: Sequence[Case]) -> None:
    """Ends the tries that were answered."""
    closed = []
    for case in answered:
        submission, failure = case.submission, case.result.failure
        to = ended_as(failure)
        states.SUBMISSION.moves(submission.state, to)
        closed.append(
            {
                "id": submission.pk,
                "state": to,
                "vendor_request_id": submission.vendor_request_id or (case.result.ref or "")[:200],
                "error_code": failure.code[:64] if failure else "",
                "error_message": failure.message[:500] if failure else "",
            }
        )
    rows.update(Submission, closed, to=CLOSE)


def ended_as(failure: Failure | None) -> str:
    if failure is None:
        return Submission.State.ANSWERED
    return Submission.State.CANCELLED if failure.is_cancelled else Submission.State.FAILED


def bring(brought: Sequence[Case]) -> None:
    """Keeps what successes brought. Other tries at requests that have all of it now are not sent any more."""
    lifecycle.set_aside_all([case.request.pk for case in brought if not case.is_part], Submission.State.REPLACED)
    of = [(origin(case), case.result) for case in brought]
    notes.store_transcripts([(one, said.transcript) for one, said in of if said.transcript is not None])
    notes.store_notes([(one, said.note) for one, said in of if said.note is not None])


def keep_recordings(ended: Sequence[Case]) -> None:
    """Registers what the vendors keep of sessions that have ended, to be copied, also where nothing was written up."""
    ended = [case for case in ended if VENDORS[case.request.vendor].keeps_recordings]
    if not ended:
        return
    sessions = Session.objects.in_bulk([case.request.session_id for case in ended])
    found = [kept_recording(case, sessions[case.request.session_id]) for case in ended]
    recordings.register_all([one for one in found if one])


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
        ended_at=request.submitted_at or session.started_at or session.created_at,
        is_certain=case.result.failure is None,
    )


def origin(case: Case) -> Origin:
    request, as_of = case.request, case.result.as_of
    of = (request.clinic_id, request.session_id, request.pk)
    return Origin(*of, vendor=request.vendor, language=request.language, template=request.note_template, as_of=as_of)


def finish(case: Case) -> Happening | None:
    """Moves the request, in memory, as far as its answer brings it. One that waits for more of it stays where it is."""
    request, failure = case.request, case.result.failure
    if failure and failure.is_cancelled:
        why = {"failure_code": failure.code, "failure_message": failure.message}
        lifecycle.step(request, AsyncRequest.State.CANCELLED, **why)
        return lifecycle.happened("cancelled", request)
    if failure:
        return lifecycle.step_to_failure(
            request, code=failure.code, message=failure.message, retryable=failure.retryable
        )
    if case.is_part:
        return None
    if missing := case.missing(case.there | case.brought):
        said = f"The vendor answered without {' and '.join(WORDS[wanted] for wanted in missing)}."
        return lifecycle.step_to_failure(request, code="incomplete", message=said, retryable=True)
    is_news = lifecycle.step(request, AsyncRequest.State.READY)
    return lifecycle.happened("ready", request) if is_news else None
