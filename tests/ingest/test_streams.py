"""Audio that is streamed waits for its turn, and keeps nothing else waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from ingest import asking, submission, sweeps, tasks
from ingest.models import AsyncRequest, Submission
from recordings import waveforms
from tests.factories import SubmissionFactory
from tests.ingest.scripted_vendor import Script
from vendors.base import Job, Progress, Submitted

pytestmark = pytest.mark.django_db


def queued(minutes_ago: int, vendor: str = "scripted", **facts: Any) -> Submission:
    due = timezone.now() - timedelta(minutes=minutes_ago)
    row: Submission = SubmissionFactory(
        **{"state": "queued", "request__state": "queued", "request__vendor": vendor, "next_attempt_at": due, **facts}
    )
    return row


def test_those_that_wait_longest_are_streamed_first(script: Script) -> None:
    sent: list[str] = []

    def streams(job: Job, progress: Progress) -> Submitted:
        sent.append(job.client_request_id)
        return Submitted(f"session-{len(sent)}")

    script.submits = streams
    later, first = queued(1), queued(5)
    queued(9, vendor="nabla")
    while submission.stream_due():
        pass
    assert sent == [first.client_request_id, later.client_request_id]


def test_a_process_streams_no_more_at_once_than_it_may(script: Script) -> None:
    queued(1)
    free = 0
    while submission.streams_at_once.acquire(blocking=False):
        free += 1
    try:
        assert not submission.stream_due()
        assert Submission.objects.get().attempts == 0
    finally:
        for _ in range(free):
            submission.streams_at_once.release()
    assert submission.stream_due()


def test_however_many_streams_wait_the_sweep_rings_once_for_them_and_for_the_others(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(tasks, "ring_submission", lambda submission_id, vendor: rung.append(vendor))
    for _ in range(60):
        queued(9)
    queued(1, vendor="nabla")
    sweeps.sweep()
    assert sorted(rung) == ["nabla", "scripted"]


def test_what_is_cancelled_while_its_audio_is_looked_at_never_reaches_the_vendor(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queued(1)

    def cancel(audio_ids: object, seconds: float) -> None:
        asking.cancel(AsyncRequest.objects.get(pk=row.request_id))

    def submits(job: Job, progress: Progress) -> Submitted:
        raise AssertionError("It was sent.")

    monkeypatch.setattr(waveforms, "look_first", cancel)
    script.submits = submits
    assert submission.stream_due()
    row.refresh_from_db()
    assert row.state == "cancelled"
