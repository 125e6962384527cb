"""A request, or what a notice announces, told in plain words: where it stands, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from access import desk
from ingest.cases import objects_there
from ingest.models import AsyncRequest, Callback, Inquiry, Submission
from ingest.questions import NOTHING_TO_FETCH
from ingest.verdicts import CUT_SHORT, listed
from vendors import VENDORS

State = AsyncRequest.State
#: What to do about failures of the way to a vendor, whose messages name the fact alone. A vendor's own say both.
REMEDIES = {
    **dict.fromkeys(["address_refused", "token_host_refused"], "Check the base URL of the vendor account."),
    **dict.fromkeys(
        ["answer_too_large", "audio_undecoded", "name_unresolved", "no_answer", "tls_failed", "unreachable"],
        "If it lasts, tell the operator.",
    ),
}


@dataclass(frozen=True)
class Step:
    """`place`: done, current, or ahead. `at`: when it was reached, as far as known. `lasts`: how long, in words."""

    name: str
    place: str
    at: datetime | None = None
    lasts: str = ""


def steps(request: AsyncRequest) -> list[Step]:
    """The way of a request: queued, submitting, waiting, and how it ends."""
    ended = request.finished_at is not None
    end = request.get_state_display() if ended else "ready"
    names = [State.QUEUED, State.SUBMITTING, State.WAITING, end]
    times = [request.created_at, None, request.waiting_since or request.submitted_at, request.finished_at]
    here = 3 if ended else names.index(State(request.state))
    sent = request.submitted_at is not None or request.submitted_elsewhere
    reached = {0, here} | (set(range(here)) if sent or not ended else set())
    places = ["current" if n == here else "done" if n in reached else "ahead" for n in range(len(names))]
    lasting = lasts(request)
    return [
        Step(str(name), place, at if place != "ahead" else None, lasting if place == "current" else "")
        for name, place, at in zip(names, places, times, strict=True)
    ]


def lasts(request: AsyncRequest) -> str:
    """How long it has stood where it stands, such as "for 4 min", or has taken in all."""
    if request.finished_at:
        return f"after {in_minutes(request.finished_at - request.created_at)}"
    asked = request.current_submission.created_at
    since = request.waiting_since or request.created_at if request.state == State.WAITING else asked
    return f"for {in_minutes(timezone.now() - since)}"


def in_minutes(time: timedelta) -> str:
    """Such as 4 min, 2 h 5 min, 3 days."""
    minutes = max(0, int(time.total_seconds() // 60))
    hours, days = minutes // 60, minutes // (24 * 60)
    if days > 1:
        return f"{days} days"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else "less than a minute"


def story(request: AsyncRequest, submission: Submission) -> str:
    """What is here, what is going on, and what to do about it."""
    return " ".join(filter(None, [part(request), standing(request, submission), unfetched(request), partial(request)]))


def standing(request: AsyncRequest, submission: Submission) -> str:
    match request.state:
        case State.QUEUED:
            return queued(submission)
        case State.SUBMITTING:
            return submitting(request, submission)
        case State.WAITING:
            return waiting(request)
        case State.READY:
            return "The vendor has answered, and everything that was asked for is here."
        case State.CANCELLED:
            by = request.failure_message or "It was given up."
            return f"{by} What the vendor may still send is kept and not applied. To ask again, make a new one."
    return failed(request)


def part(request: AsyncRequest) -> str:
    """Which part of the answer is here while another is not."""
    there = objects_there([request.pk])[request.pk]
    missing = [wanted for wanted in request.output_objects if wanted not in there]
    if not there or not missing or request.state == State.CANCELLED or request.failure_code == "incomplete":
        return ""
    yet = "" if request.finished_at else " yet"
    return f"{listed(there).capitalize()} is here; {listed(frozenset(missing))} is not{yet}."


def submitting(request: AsyncRequest, submission: Submission) -> str:
    if not submission.sent_ms or request.audio_ms is None:
        return "It is being sent to the vendor at this moment. Nothing to do."
    done, of = (desk.clock(milliseconds) for milliseconds in (submission.sent_ms, request.audio_ms))
    does = "has stored" if submission.place else "is listening:"
    return f"The vendor {does} {done} of {of}. Nothing to do."


def queued(submission: Submission) -> str:
    if not submission.attempts:
        return "It waits to be sent, as soon as a worker is free. Nothing to do."
    times = "once" if submission.attempts == 1 else f"{submission.attempts} times"
    reason = why(submission.error_code, submission.error_message or "The vendor could not be reached")
    return f"It was tried {times} without success: {reason} It is tried again by itself; Retry sends it now."


def waiting(request: AsyncRequest) -> str:
    if inquiry := troubled(request):
        anew = "; Retry sends it anew" if request.is_overdue and not request.submitted_elsewhere else ""
        return f"The vendor {in_vain(inquiry)}{anew}."
    since = request.waiting_since or request.created_at
    answer = "whole answer" if VENDORS[request.vendor].answers_in_parts else "answer"
    if not request.is_overdue:
        hours = desk.in_clinic_time(since + timedelta(seconds=settings.CALLBACK_OVERDUE_SECONDS), request.clinic)
        return f"The vendor has it and is at work. Nothing to do unless no {answer} has come by {hours}."
    silence = f"No {answer} has come for longer than usual."
    if request.submitted_elsewhere:
        return f"{silence} Another system asked the vendor for it: ask again there, or cancel it here."
    return f"{silence} Retry asks the vendor again; should the first answer come after all, the first one counts."


def troubled(request: AsyncRequest) -> Inquiry | None:
    """The latest that is asked for in vain: the answer to the current try, or what was announced for any."""
    goes_on = Q(next_attempt_at__isnull=False)
    current = Q(submission=request.current_submission, callback=None) & goes_on
    announced = Q(submission__request=request, callback__isnull=False)
    refused = current | announced & (goes_on | Q(callback__state=Callback.State.FAILED))
    found: Inquiry | None = Inquiry.objects.filter(refused).exclude(error_code="").order_by("pk").last()
    return found


def in_vain(inquiry: Inquiry) -> str:
    reason = why_not(inquiry)
    if not inquiry.callback_id:
        return f"has it, but did not say what became of it: {reason} It is asked again by itself"
    if inquiry.next_attempt_at is None:
        return f"has announced an answer that could not be fetched: {reason} Process again on its callback fetches it"
    return f"has announced an answer that could not be fetched yet: {reason} It is fetched again by itself"


def unfetched(request: AsyncRequest) -> str:
    """What came to nothing after a request had ended: there may be a newer text of its note."""
    ended = request.state in (State.READY, State.FAILED)
    inquiry = troubled(request) if ended else None
    return f"Since then the vendor {in_vain(inquiry)}." if inquiry and inquiry.callback_id else ""


def partial(request: AsyncRequest) -> str:
    """What was written up of the part of its audio that had been sent when it failed."""
    kept = request.callbacks.filter(state=Callback.State.NOT_APPLIED, problem__startswith=CUT_SHORT)
    found = kept.order_by("pk").last() if request.state == State.FAILED else None
    return f"The vendor has written something up since, which is kept and not applied. {found.problem}" if found else ""


def fetching(callback: Callback) -> str:
    """What became of what a notice announces; empty where it was fetched, or nothing is to be."""
    inquiry = Inquiry.objects.filter(callback=callback).first()
    if inquiry is None or not (inquiry.error_code or inquiry.next_attempt_at):
        return ""
    if not inquiry.error_code:
        return "What it announces is being fetched. Nothing to do."
    reason = why_not(inquiry)
    if inquiry.error_code == NOTHING_TO_FETCH:
        return reason
    if inquiry.next_attempt_at is None:
        given_up = ("It is given up.", REMEDIES.get(inquiry.error_code), last_call(inquiry))
        return " ".join(filter(None, [*given_up, "Process again fetches it now."]))
    return (
        f"What it announces could not be fetched yet: {reason} It is tried again by itself; Process again does so now."
    )


def failed(request: AsyncRequest) -> str:
    reason = why(request.failure_code, request.failure_message or "No reason was given")
    if request.submitted_elsewhere:
        return f"{reason} Another system asked the vendor for it: ask again there."
    if "Retry" in reason:
        return reason  # it says itself when that helps
    if request.failure_retryable:
        return f"{reason} Retry asks the vendor again."
    return f"{reason} Put the cause right first, then Retry: asked the same way, the vendor would refuse again."


def why_not(inquiry: Inquiry) -> str:
    """Why its vendor did not say, and by what the vendor's support finds that."""
    return f"{why(inquiry.error_code, inquiry.error_message)} {last_call(inquiry)}".rstrip()


def last_call(inquiry: Inquiry) -> str:
    return f"Last call, for its support: {inquiry.call_id}." if inquiry.call_id else ""


def why(code: str, message: str) -> str:
    """The reason as whole sentences, with what to do about it."""
    fact = message if message.endswith((".", "!", "?")) else f"{message}."
    return f"{fact} {REMEDIES[code]}" if code in REMEDIES else fact


def reason(request: AsyncRequest, submission: Submission) -> str:
    """Why it failed, or why its last attempt did, for a list."""
    if request.state == State.FAILED:
        return request.failure_message or request.failure_code
    return submission.error_message if request.state in (State.QUEUED, State.SUBMITTING) else ""
