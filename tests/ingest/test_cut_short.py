"""What a vendor writes up before it has all of the audio neither stops the sending nor passes for the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from access import log
from config import leases
from ingest import asking, inquiries, processing, replays, submission
from ingest.admin import telling
from ingest.models import Callback, Inquiry, Submission
from notes.models import Note
from tests.factories import AsyncRequestFactory, AudioFactory, SessionFactory, SubmissionFactory
from tests.ingest.conftest import came, fresh, from_account
from tests.ingest.scripted_vendor import Script, notice, said
from vendors.base import Job, Progress, Submitted, VendorError

pytestmark = pytest.mark.django_db
LINK = "https://exchange.example/data/4711"
REFUSED = VendorError("It takes no more of it.", permanent=True, code="refused")
Then = Callable[[Progress], Submitted]


@pytest.fixture
def row(script: Script) -> Submission:
    """To be sent: three recordings of 40 seconds. What is announced brings a whole answer."""
    script.answers = [(said("The knee."),)]
    session = SessionFactory()
    *_, last = (AudioFactory(session=session) for _ in range(3))
    asked = {"session": session, "audio": last, "audio_ms": 120_000, "all_audio": True, "state": "queued"}
    request = AsyncRequestFactory(vendor="exchange", **asked)
    made: Submission = SubmissionFactory(state="queued", request=request)
    return made


def send(row: Submission, script: Script, then: Then, announced: str = LINK) -> Submission:
    """The answer is announced once the first recording is stored. `then`: what becomes of the others."""

    def streams(job: Job, progress: Progress) -> Submitted:
        assert [sound.duration_ms for sound in job.sounds] == [40_000] * 3
        progress.opened(f"session-{fresh(row).number}")
        progress.reached({"recording": 2}, 40_000)
        from_account(row, notice(progress.ref or "", link=announced, event=announced))
        for _ in range(3):
            processing.process_due()
            look()
        return then(progress)

    script.submits = streams
    submission.send(row.pk)
    return fresh(row)


def the_rest(progress: Progress) -> Submitted:
    progress.reached({"recording": 3}, 80_000)
    progress.reached({"recording": 4}, 120_000)
    return Submitted(progress.ref)


def nothing_more(progress: Progress) -> Submitted:
    raise REFUSED


def look() -> None:
    """Whatever is asked for is due, and is asked for."""
    Inquiry.objects.filter(next_attempt_at__isnull=False).update(**leases.due_again(timezone.now()))
    fetch()


def fetch() -> None:
    while inquiries.inquire_due():
        pass
    processing.process_due()


def inquiry() -> Any:
    return Inquiry.objects.get()


def test_an_answer_that_is_announced_while_audio_is_sent_is_fetched_when_all_is(
    row: Submission, script: Script
) -> None:
    def rest(progress: Progress) -> Submitted:
        assert (script.fetched, inquiry().attempts) == ([], 0), "nobody has asked"
        assert inquiry().next_attempt_at > timezone.now()
        return the_rest(progress)

    sent = send(row, script, rest)
    assert (sent.state, sent.sent_ms, sent.request.state) == ("waiting", 120_000, "waiting")
    assert inquiry().next_attempt_at < timezone.now(), "it is asked for at once"
    fetch()
    assert fresh(row.request).state == "ready"
    assert len(script.fetched) == 1


def test_it_waits_also_where_the_sending_is_tried_again_later(row: Submission, script: Script) -> None:
    def later(progress: Progress) -> Submitted:
        raise VendorError("Not now.", permanent=False, code="unavailable")

    assert send(row, script, later).state == "queued"
    look()
    assert (script.fetched, fresh(row.request).state) == ([], "queued")


def test_what_is_written_up_of_a_part_of_the_audio_is_kept_and_is_no_answer(row: Submission, script: Script) -> None:
    assert send(row, script, nothing_more).state == "failed"
    assert inquiry().next_attempt_at < timezone.now(), "it is asked for at once"
    fetch()
    kept = Callback.objects.get(proven_by="polled")
    told = "It is of the first 0:40 of 2:00 alone: that try ended before all of the audio was sent. Retry sends all of"
    assert (kept.state, kept.problem) == ("not_applied", f"{told} it.")
    request = fresh(row.request)
    assert (request.state, request.failure_code, Note.objects.exists()) == ("failed", "refused", False)
    assert told in telling.story(request, fresh(row))


def test_processed_again_it_is_none_either(row: Submission, script: Script) -> None:
    send(row, script, nothing_more)
    fetch()
    kept = Callback.objects.filter(proven_by="polled")
    assert list(replays.replay(row.clinic_id, kept, "one", log.command()))
    processing.process_due()
    assert (kept.get().state, fresh(row.request).state) == ("not_applied", "failed")


def test_nor_is_it_once_all_is_sent_again_whose_answer_counts(row: Submission, script: Script) -> None:
    send(row, script, nothing_more)
    asking.retry(fresh(row.request), log.command())
    new = Submission.objects.get(number=2)
    fetch()
    kept = Callback.objects.get(proven_by="polled")
    assert (kept.state, kept.problem.endswith("The vendor has been asked again since.")) == ("not_applied", True)
    assert (fresh(new).state, fresh(row.request).state) == ("queued", "queued")
    script.answers = [(said("All of it.", "session-2"),)]
    send(new, script, the_rest, f"{LINK}-2")
    fetch()
    assert fresh(row.request).state == "ready"
    assert Note.objects.get().sections.get().text == "All of it."
    assert "It is of the first" not in telling.story(fresh(row.request), fresh(new))


def test_an_answer_counts_where_the_vendor_had_all_of_the_audio_and_the_try_failed_after_that(
    row: Submission, script: Script
) -> None:
    def at_the_end(progress: Progress) -> Submitted:
        the_rest(progress)
        raise REFUSED

    assert send(row, script, at_the_end).state == "failed"
    fetch()
    assert fresh(row.request).state == "ready"


def test_so_does_one_of_a_session_that_another_system_made(script: Script) -> None:
    facts = {"request__failed": True, "request__submitted_elsewhere": True, "vendor_request_id": "session-1"}
    row = SubmissionFactory(request__vendor="exchange", **facts)
    assert came(row, said("The knee.")).state == "applied"


def test_what_workers_died_of_is_fetched_at_once_too(row: Submission, script: Script, settings: Settings) -> None:
    def later(progress: Progress) -> Submitted:
        raise VendorError("Not now.", permanent=False, code="unavailable")

    send(row, script, later)
    Submission.objects.update(attempts=settings.SUBMISSION_ATTEMPTS, **leases.due_again(timezone.now()))
    assert submission.claim(row.pk) is None
    assert fresh(row).state == "failed"
    assert inquiry().next_attempt_at < timezone.now()
