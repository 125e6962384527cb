"""A request told in plain words: where it stands, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from access import desk
from ingest.models import AsyncRequest, Submission

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
    """What is going on, and what to do about it."""
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
            return (
                "It was given up. What the vendor may still send is kept and not applied. To ask again, make a new one."
            )
    return failed(request)


def submitting(request: AsyncRequest, submission: Submission) -> str:
    if not submission.sent_ms or request.audio is None:
        return "It is being sent to the vendor at this moment. Nothing to do."
    done, of = (desk.clock(milliseconds) for milliseconds in (submission.sent_ms, request.audio.duration_ms))
    return f"The vendor is listening: {done} of {of}. Nothing to do."


def queued(submission: Submission) -> str:
    if not submission.attempts:
        return "It waits to be sent, which takes seconds. Nothing to do."
    times = "once" if submission.attempts == 1 else f"{submission.attempts} times"
    reason = why(submission.error_code, submission.error_message or "The vendor could not be reached")
    return f"It was tried {times} without success: {reason} It is tried again by itself; Retry sends it now."


def waiting(request: AsyncRequest) -> str:
    since = request.waiting_since or request.created_at
    if not request.is_overdue:
        hours = desk.in_clinic_time(since + timedelta(seconds=settings.CALLBACK_OVERDUE_SECONDS), request.clinic)
        return f"The vendor has it and is at work. Nothing to do unless no answer has come by {hours}."
    silence = "No answer has come for longer than usual."
    if request.submitted_elsewhere:
        return f"{silence} Another system asked the vendor for it: ask again there, or cancel it here."
    return f"{silence} Retry asks the vendor again; should the first answer come after all, the first one counts."


def failed(request: AsyncRequest) -> str:
    reason = why(request.failure_code, request.failure_message or "No reason was given")
    if request.submitted_elsewhere:
        return f"{reason} Another system asked the vendor for it: ask again there."
    if request.failure_retryable:
        return f"{reason} Retry asks the vendor again."
    return f"{reason} Put the cause right first, then Retry: asked the same way, the vendor would refuse again."


def why(code: str, message: str) -> str:
    """The reason as whole sentences, with what to do about it."""
    fact = message if message.endswith((".", "!", "?")) else f"{message}."
    return f"{fact} {REMEDIES[code]}" if code in REMEDIES else fact


def reason(request: AsyncRequest, submission: Submission) -> str:
    """Why it failed, or why its last attempt did, for a list."""
    if request.state == State.FAILED:
        return request.failure_message or request.failure_code
    return submission.error_message if request.state in (State.QUEUED, State.SUBMITTING) else ""
