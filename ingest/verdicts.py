"""What an answer means for its request. Nothing here reads or changes a row: all that counts has been read before."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.models import AsyncRequest, Callback, Submission
from vendors import VENDORS
from vendors.base import NOTE, TRANSCRIPT, Notice, Result

State = Callback.State
Verdict = tuple[str, str]
PARTNERS = [Callback.Proof.API_KEY, Callback.Proof.APPLICATION]
WORDS = {TRANSCRIPT: "the transcript", NOTE: "the note"}
CANCELLED = "The request had been cancelled."
#: How it begins.
CUT_SHORT = "It is of the first"
NO_NOTE_YET = "It supplements a note that has not come yet. Process it again once the note is here."


@dataclass(frozen=True, slots=True)
class Case:
    """An answer, and what it meets. `there`: the objects that the request has got.

    `is_second`: an earlier answer of the same try was applied. `differing`: those of the objects there that this answer
    gives in other words. `revision`: what becomes of its note, where there is one and its vendor revises notes.
    """

    proven_by: str
    result: Result
    request: AsyncRequest
    submission: Submission
    there: frozenset[str]
    is_second: bool = False
    differing: frozenset[str] = frozenset()
    revision: Verdict | None = None

    @property
    def brought(self) -> frozenset[str]:
        objects = {TRANSCRIPT: self.result.transcript, NOTE: self.result.note}
        return frozenset(wanted for wanted, brought in objects.items() if brought is not None)

    @property
    def comes_in_parts(self) -> bool:
        return VENDORS[self.request.vendor].answers_in_parts

    @property
    def is_open(self) -> bool:
        """Whether its request lacks parts of an answer that come apart."""
        return self.comes_in_parts and self.request.state != AsyncRequest.State.READY

    @property
    def is_part(self) -> bool:
        """Whether more is to come after this answer."""
        return self.is_open and not self.result.failure and bool(self.missing(self.there | self.brought))

    @property
    def brings_missing(self) -> bool:
        """Whether an incomplete request gets something that was asked for and has not come: parts may arrive apart."""
        if self.request.state == AsyncRequest.State.READY or self.result.failure:
            return False
        return not self.brought.isdisjoint(self.missing(self.there))

    @property
    def is_cut_short(self) -> bool:
        """Whether its try ended before the vendor had all of the audio: what it wrote up then is no whole answer."""
        request, row = self.request, self.submission
        ended_early = row.submitted_at is None and row.state in (Submission.State.FAILED, Submission.State.REPLACED)
        is_streamed = not request.submitted_elsewhere and VENDORS[request.vendor].takes_audio == "stream"
        return ended_early and is_streamed and row.sent_ms < (request.audio_ms or 0)

    @property
    def is_revision(self) -> bool:
        """Whether its note is kept, as a later text of one that is there."""
        return self.revision is not None and self.revision[0] == State.APPLIED

    def missing(self, there: frozenset[str]) -> list[str]:
        """What was asked for and is not among these."""
        return [wanted for wanted in self.request.output_objects if wanted not in there]


def judge(case: Case) -> Verdict:
    """The state a callback ends in, and why."""
    return refused(case) or (judge_part(case) if case.is_open else judge_whole(case))


def judge_notice(case: Case, notice: Notice) -> Verdict:
    """Nothing is fetched any more for a request that was given up."""
    if notice.link and case.request.state == AsyncRequest.State.CANCELLED:
        return State.NOT_APPLIED, CANCELLED
    return State.NOTICE, notice.problem


def refused(case: Case) -> Verdict | None:
    """What counts for nothing, whatever has come before it."""
    if case.proven_by in PARTNERS and not case.request.submitted_elsewhere:
        return State.MISMATCH, "This service asks the vendor for that request itself: a partner may not answer it."
    if names_another(case.submission, case.result):
        return State.MISMATCH, "It names another request than the address it came to."
    if case.request.state == AsyncRequest.State.CANCELLED:
        return State.NOT_APPLIED, CANCELLED
    if not case.result.failure and not case.brought:
        return State.NOT_APPLIED, "It brings neither a transcript nor a note."
    if case.comes_in_parts and case.brought and case.brought.isdisjoint(case.request.output_objects):
        return State.NOT_APPLIED, f"It brings {listed(case.brought)}, which was not asked for."
    if case.brought and case.is_cut_short and case.request.state != AsyncRequest.State.READY:
        return State.NOT_APPLIED, cut_short(case)
    if case.result.is_supplement and NOTE not in case.there:
        return State.NOT_APPLIED, NO_NOTE_YET
    return None


def cut_short(case: Case) -> str:
    sent, of = (f"{ms // 60_000}:{ms // 1000 % 60:02d}" for ms in (case.submission.sent_ms, case.request.audio_ms or 0))
    is_failed = case.request.state == AsyncRequest.State.FAILED
    then = "Retry sends all of it." if is_failed else "The vendor has been asked again since."
    return f"{CUT_SHORT} {sent} of {of} alone: that try ended before all of the audio was sent. {then}"


def judge_whole(case: Case) -> Verdict:
    """An answer that is all of it, or that comes after all of it."""
    if case.is_second and not case.brings_missing:
        return judge_second(case)
    if case.request.state == AsyncRequest.State.READY:
        return State.NOT_APPLIED, "Another try had brought the result."
    return judge_failure(case) or (State.APPLIED, said_otherwise(case))


def judge_part(case: Case) -> Verdict:
    """An answer of which more may come, in any order and after any other."""
    if case.result.failure:
        return judge_failure(case) or (State.APPLIED, "")
    if case.brings_missing:
        return State.APPLIED, said_otherwise(case)
    return judge_second(case) if case.is_second else (State.NOT_APPLIED, "Another try had brought it.")


def judge_failure(case: Case) -> Verdict | None:
    """Why a failure changes nothing; None where it does, or is none."""
    if case.result.failure and case.submission.state == Submission.State.REPLACED:
        return State.NOT_APPLIED, "The vendor has been asked again since."
    if case.result.failure and case.submission.state == Submission.State.FAILED:
        return State.DUPLICATE, "The try had failed already."
    return None


def judge_second(case: Case) -> Verdict:
    if case.result.failure:
        return State.NOT_APPLIED, "A failure after a success."
    if case.is_revision:
        return State.APPLIED, said_otherwise(case)
    if not case.brought <= case.there - case.differing:
        return State.CONFLICT, "A second answer that differs from the first. The first one stands."
    return case.revision or (State.DUPLICATE, "It says what was applied already.")


def said_otherwise(case: Case) -> str:
    """What staff should know of an answer that is applied, and repeats something in other words."""
    said = f"It gives {listed(case.differing)} in other words than before. The first one stands."
    later = case.revision[1] if case.revision and case.is_revision else ""
    return " ".join(filter(None, [later, said if case.differing else ""]))


def listed(objects: frozenset[str]) -> str:
    return " and ".join(WORDS[one] for one in (TRANSCRIPT, NOTE) if one in objects)


def names_another(submission: Submission, result: Result) -> bool:
    """Whether the body is for somebody else. A body without any id is for whom its address says."""
    if result.client_request_id is not None:
        return result.client_request_id != submission.client_request_id
    known = submission.vendor_request_id
    return bool(known and result.ref) and known.casefold() != str(result.ref).casefold()
