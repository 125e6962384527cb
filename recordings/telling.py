"""A recording told in plain words: where it is, what will be lost and when, and what to do."""

from __future__ import annotations

from django.utils import timezone

from access import desk
from recordings import links, services
from recordings.models import SOON, Recording

State = Recording.State


def story(recording: Recording) -> str:
    match recording.state:
        case State.ARCHIVED:
            return "A copy of it is kept here. It stays when the vendor deletes its own."
        case State.LOST:
            again = " Try again has it looked for once more." if services.is_given_up(recording) else ""
            return f"{why(recording)} {copied_of(recording)}{again}"
    return f"{going(recording)} {threat(recording)}"


def going(recording: Recording) -> str:
    """How far the copy is."""
    if recording.lease_until and recording.lease_until > timezone.now():
        return "It is being copied at this moment."
    if not recording.error_code and recording.state == State.PENDING:
        return "It was not looked for yet. It waits to be copied, which begins by itself within seconds."
    if not recording.error_code:
        return "It waits to be copied, which begins by itself within seconds."
    return f"{why(recording)} It is tried again by itself{_when(recording)}; Try again does it now."


def threat(recording: Recording) -> str:
    """What is lost, and when, should nothing be done."""
    ends = recording.available_until
    if ends is None:
        return "The vendor did not write the session up, and may have no recording of it either."
    moment = desk.in_clinic_time(ends, recording.clinic)
    if ends < timezone.now():
        return f"The vendor was to delete it on {moment}: it may be lost."
    if ends < timezone.now() + SOON:
        return f"On {moment} the vendor deletes it, and it is lost unless it is copied before: tell the operator."
    return f"The vendor deletes it on {moment}."


def copied_of(recording: Recording) -> str:
    """What is left of one that was lost."""
    parts = list(recording.told_parts())
    ours = sum(part.is_ours for part in parts)
    return f"{ours} of its {len(parts)} parts had been copied and are kept." if ours else "Nothing of it is here."


def why(recording: Recording) -> str:
    if recording.error_code == links.PENDING and recording.state == State.LOST:
        return "The vendor knew of none when it was asked last."
    if recording.error_code == links.PENDING:
        return "The vendor is still processing it, or knows of none."
    if recording.error_code == links.GONE or not recording.error_message:
        return "The vendor had deleted it before all of it was copied."
    return recording.error_message


def _when(recording: Recording) -> str:
    due = recording.next_attempt_at
    return f" at {desk.in_clinic_time(due, recording.clinic)}" if due and due > timezone.now() else ""
