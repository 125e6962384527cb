"""What answers meet: all that is read for many at once, before anything is decided or written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ingest import lifecycle
from ingest.models import AsyncRequest, Callback, Submission
from ingest.orphans import Addressee, Name
from ingest.verdicts import Case, Verdict
from notes import services as notes
from notes.services import Revised
from vendors import VENDORS
from vendors.base import NOTE, TRANSCRIPT, NoteText, Notice, Result

State = Callback.State
NOTHING = frozenset[str]()
#: What becomes of a later text of a note. None: it is no other text.
REVISED: dict[Revised, Verdict | None] = {
    Revised.REPLACED: (State.APPLIED, ""),
    Revised.BESIDE: (State.APPLIED, "A newer text of the note: it is kept beside the one under review."),
    Revised.SUPPLEMENT: (State.APPLIED, "A supplement to the note: it is kept beside it."),
    Revised.BLANK: (State.NOT_APPLIED, "A blank repeat of the note. The fuller one stands."),
    Revised.OLDER: (State.NOT_APPLIED, "An older text of the note than the one that is kept."),
    Revised.SAME: None,
}


@dataclass(slots=True)
class Answer:
    """A claimed callback and what it says. `verdict`: the end it has come to already, where it says nothing.

    `notice`: it says that the vendor has to be asked. What a vendor was asked for and cannot be read has an addressee
    too: its session has ended all the same.
    """

    callback: Callback
    result: Result = field(default_factory=Result)
    notice: Notice | None = None
    addressee: Addressee | None = None
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        callback = self.callback
        is_of_an_end = self.verdict and self.verdict[0] == State.JUNK and callback.proven_by == Callback.Proof.POLLED
        if self.verdict and not is_of_an_end:
            return
        if callback.submission_id and callback.request_id and callback.clinic_id:
            self.addressee = Addressee(callback.submission_id, callback.request_id, callback.clinic_id)

    @property
    def name(self) -> Name:
        callback, result = self.callback, self.result
        ref = self.notice.ref if self.notice else result.ref
        return Name(callback.clinic_id, callback.proven_id, callback.vendor, result.client_request_id, ref)


def read(answers: Sequence[Answer]) -> list[Case | None]:
    """What each answer meets, its request locked first: what is read after that stays as it is."""
    cases = met(answers)
    known = [case for case in cases if case]
    answered = answered_before(known)
    repeats = [case for case in known if case.submission.pk in answered or (case.is_open and case.there & case.brought)]
    differing = notes.differing({case.request.pk: case.result for case in repeats})
    revised = [case for case in repeats if is_revised(case)]
    revisions = notes.judge_revisions({case.request.pk: later_text(case) for case in revised}, supplements(revised))
    return [
        case
        and replace(
            case,
            is_second=case.submission.pk in answered,
            differing=differing.get(case.request.pk, NOTHING) - ({NOTE} if is_revised(case) else NOTHING),
            revision=REVISED[revisions.get(case.request.pk, Revised.SAME)],
        )
        for case in cases
    ]


def met(answers: Sequence[Answer]) -> list[Case | None]:
    """Each answer's request, locked, and try; None for nobody's."""
    meant = [answer.addressee for answer in answers if answer.addressee]
    requests = lifecycle.lock_all({one.request_id for one in meant})
    tries = Submission.objects.in_bulk([one.submission_id for one in meant])
    there = objects_there(list(requests))
    return [
        Case(
            proven_by=answer.callback.proven_by,
            result=counting(answer.result),
            request=requests[answer.addressee.request_id],
            submission=tries[answer.addressee.submission_id],
            there=there[answer.addressee.request_id],
        )
        if answer.addressee
        else None
        for answer in answers
    ]


def counting(result: Result) -> Result:
    """Of a supplement its note alone: its transcript would be taken for the session's."""
    return replace(result, transcript=None) if result.is_supplement else result


def objects_there(request_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """What each of the requests has got."""
    found = AsyncRequest.objects.filter(pk__in=request_ids).values_list("pk", "transcript", "note")
    return {
        request_id: frozenset(name for name, one in ((TRANSCRIPT, transcript), (NOTE, note)) if one)
        for request_id, transcript, note in found
    }


def answered_before(cases: Sequence[Case]) -> set[UUID]:
    """The tries of which an answer was applied. Where parts are missing, the state of a try does not say so."""
    parts = [case.submission.pk for case in cases if case.is_open and case.there]
    applied = Callback.objects.filter(submission__in=parts, state=State.APPLIED).values_list("submission", flat=True)
    whole = [case.submission.pk for case in cases if case.submission.state == Submission.State.ANSWERED]
    return {*applied, *whole}


def is_revised(case: Case) -> bool:
    """Whether its note is a later text of one that is there, of a vendor that sends such."""
    has_note = NOTE in case.there and case.result.note is not None
    return has_note and not VENDORS[case.request.vendor].answers_once


def supplements(cases: Sequence[Case]) -> set[UUID]:
    """The requests whose answer is one."""
    return {case.request.pk for case in cases if case.result.is_supplement}


def later_text(case: Case) -> tuple[NoteText, datetime | None]:
    assert case.result.note is not None  # noqa: S101 (is_revised)
    return case.result.note, case.result.as_of
