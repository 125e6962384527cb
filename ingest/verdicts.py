"""What an answer means for its request. Nothing here reads or changes a row: all that counts has been read before."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.models import AsyncRequest, Callback, Submission
from vendors.base import NOTE, TRANSCRIPT, Result

State = Callback.State
Verdict = tuple[str, str]
PARTNERS = [Callback.Proof.API_KEY, Callback.Proof.APPLICATION]
WORDS = {TRANSCRIPT: "the transcript", NOTE: "the note"}


@dataclass(frozen=True, slots=True)
class Case:
    """An answer, and what it meets. `there`: the objects that the request has got.

    `differing`: those of them that this answer, a second one to the same try, gives in other words.
    """

    proven_by: str
    result: Result
    request: AsyncRequest
    submission: Submission
    there: frozenset[str]
    differing: frozenset[str]

    @property
    def brought(self) -> frozenset[str]:
        objects = {TRANSCRIPT: self.result.transcript, NOTE: self.result.note}
        return frozenset(wanted for wanted, brought in objects.items() if brought is not None)

    def missing(self, there: frozenset[str]) -> list[str]:
        """What was asked for and is not among these."""
        return [wanted for wanted in self.request.output_objects if wanted not in there]


def judge(case: Case) -> Verdict:
    """The state a callback ends in, and why."""
    request, submission, result = case.request, case.submission, case.result
    if case.proven_by in PARTNERS and not request.submitted_elsewhere:
        return State.MISMATCH, "This service asks the vendor for that request itself: a partner may not answer it."
    if names_another(submission, result):
        return State.MISMATCH, "It names another request than the address it came to."
    if request.state == AsyncRequest.State.CANCELLED:
        return State.NOT_APPLIED, "The request had been cancelled."
    if not result.failure and not case.brought:
        return State.NOT_APPLIED, "It brings neither a transcript nor a note."
    if submission.state == Submission.State.ANSWERED and not brings_missing(case):
        return judge_second(case)
    if request.state == AsyncRequest.State.READY:
        return State.NOT_APPLIED, "Another try had brought the result."
    if result.failure and submission.state == Submission.State.REPLACED:
        return State.NOT_APPLIED, "The vendor has been asked again since."
    if result.failure and submission.state == Submission.State.FAILED:
        return State.DUPLICATE, "The try had failed already."
    return State.APPLIED, said_otherwise(case)


def said_otherwise(case: Case) -> str:
    """What staff should know of an answer that brings more, and repeats something in other words."""
    differing = [WORDS[one] for one in (TRANSCRIPT, NOTE) if one in case.differing]
    return f"It gives {' and '.join(differing)} in other words than before. The first one stands." if differing else ""


def brings_missing(case: Case) -> bool:
    """Whether an incomplete request gets something that was asked for and has not come: parts may arrive apart."""
    if case.request.state == AsyncRequest.State.READY or case.result.failure:
        return False
    return not case.brought.isdisjoint(case.missing(case.there))


def judge_second(case: Case) -> Verdict:
    if case.result.failure:
        return State.NOT_APPLIED, "A failure after a success."
    if case.brought <= case.there - case.differing:
        return State.DUPLICATE, "It says what was applied already."
    return State.CONFLICT, "A second answer that differs from the first. The first one stands."


def names_another(submission: Submission, result: Result) -> bool:
    """Whether the body is for somebody else. A body without any id is for whom its address says."""
    if result.client_request_id is not None:
        return result.client_request_id != submission.client_request_id
    known = submission.vendor_request_id
    return bool(known and result.ref) and known.casefold() != str(result.ref).casefold()
