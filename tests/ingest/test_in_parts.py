"""Transcript and note that come apart, in any order, meet on their request."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access import log
from config import leases
from feed.models import Event
from ingest import asking, inquiries, processing, submission
from ingest.admin import telling
from ingest.models import AsyncRequest, Callback, Inquiry, Submission
from notes.models import Note, Transcript
from tests.factories import CallbackFactory, SubmissionFactory
from tests.ingest.conftest import came, fresh, waiting_at_exchange
from tests.ingest.scripted_vendor import ExchangeVendor, Script, part, said
from tests.rest.api import Api
from vendors.base import Job, Progress, Submitted

pytestmark = pytest.mark.django_db
TRANSCRIPT, NOTE = part(transcript="My knee hurts."), part(note="Rest.")
FAILED = json.dumps({"ref": "session-1", "failure": "It could not be written up."}).encode()


@pytest.fixture
def waiting(script: Script) -> Submission:
    return waiting_at_exchange()


def overdue(row: Submission) -> AsyncRequest:
    AsyncRequest.objects.filter(pk=row.request_id).update(waiting_since=timezone.now() - timedelta(days=1))
    found: AsyncRequest = fresh(row.request)
    return found


def again(row: Submission) -> Submission:
    """Somebody retries, and the vendor has the new try."""
    asking.retry(overdue(row), log.command())
    new: Submission = Submission.objects.get(request=row.request_id, number=2)
    Submission.objects.filter(pk=new.pk).update(
        state="waiting", submitted_at=timezone.now(), vendor_request_id="session-2", **leases.finished()
    )
    AsyncRequest.objects.filter(pk=row.request_id).update(state="waiting", waiting_since=timezone.now())
    return new


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (TRANSCRIPT, NOTE, "The transcript is here; the note is not yet."),
        (NOTE, TRANSCRIPT, "The note is here; the transcript is not yet."),
    ],
)
def test_the_request_waits_for_the_other_part(waiting: Submission, first: bytes, second: bytes, told: str) -> None:
    since = waiting.request.waiting_since
    assert came(waiting, first).state == "applied"
    request = fresh(waiting.request)
    assert (request.state, request.waiting_since, fresh(waiting).state) == ("waiting", since, "waiting")
    assert telling.story(request, waiting).startswith(f"{told} The vendor has it and is at work.")
    assert came(waiting, second).state == "applied"
    request = fresh(waiting.request)
    assert (request.state, fresh(waiting).state) == ("ready", "answered")
    assert telling.story(request, waiting).startswith("The vendor has answered")
    assert Event.objects.filter(kind="request.ready").count() == 1
    assert not Event.objects.filter(kind="request.failed").exists()


def test_both_at_once_are_the_whole(waiting: Submission) -> None:
    assert came(waiting, said("The knee.")).state == "applied"
    assert fresh(waiting.request).state == "ready"


def test_programs_see_the_part_that_is_here(waiting: Submission) -> None:
    came(waiting, TRANSCRIPT)
    shown = json.loads(Api.of(waiting.clinic).get(f"requests/{waiting.request_id}").content)
    assert (shown["state"], shown["note"], shown["finished_at"]) == ("waiting", None, None)
    assert shown["transcript"] == str(Transcript.objects.get().pk)


def test_a_part_that_comes_twice_is_a_duplicate_and_a_different_transcript_a_conflict(waiting: Submission) -> None:
    came(waiting, TRANSCRIPT)
    assert came(waiting, part(transcript="My knee hurts.", again="1")).state == "duplicate"
    assert came(waiting, part(transcript="Something else.")).state == "conflict"
    assert fresh(waiting.request).state == "waiting"
    came(waiting, NOTE)
    assert came(waiting, part(note="Rest.", again="1")).state == "duplicate"
    assert Transcript.objects.get().lines[0]["text"] == "My knee hurts."


def test_a_part_that_repeats_the_other_differently_says_so_and_brings_its_own(waiting: Submission) -> None:
    came(waiting, TRANSCRIPT)
    both = came(waiting, said("Rest."))
    assert both.state == "applied"
    assert both.problem == "It gives the transcript in other words than before. The first one stands."
    assert fresh(waiting.request).state == "ready"


def test_what_brings_nothing_is_no_part(waiting: Submission) -> None:
    blank = came(waiting, part())
    assert (blank.state, blank.problem) == ("not_applied", "It brings neither a transcript nor a note.")
    assert fresh(waiting.request).state == "waiting"


@pytest.mark.parametrize("is_ready", [False, True])
def test_a_part_that_nobody_asked_for_is_not_kept(script: Script, is_ready: bool) -> None:
    row = waiting_at_exchange(request__output_objects=["note"])
    if is_ready:
        came(row, NOTE)
    unasked = came(row, TRANSCRIPT)
    assert (unasked.state, unasked.problem) == ("not_applied", "It brings the transcript, which was not asked for.")
    assert not Transcript.objects.exists()


def test_a_failure_after_a_part_ends_the_request_and_what_came_stays(waiting: Submission) -> None:
    came(waiting, TRANSCRIPT)
    assert came(waiting, FAILED).state == "applied"
    request = fresh(waiting.request)
    assert (request.state, fresh(waiting).state) == ("failed", "failed")
    told = telling.story(request, waiting)
    assert told.startswith("The transcript is here; the note is not. It could not be written up.")
    assert Transcript.objects.count() == 1
    assert came(waiting, NOTE).state == "applied"
    assert (fresh(waiting.request).state, fresh(waiting).state) == ("ready", "answered")


def test_a_failure_after_both_parts_is_not_applied(waiting: Submission) -> None:
    came(waiting, TRANSCRIPT)
    came(waiting, NOTE)
    late = came(waiting, FAILED)
    assert (late.state, late.problem) == ("not_applied", "A failure after a success.")
    assert fresh(waiting.request).state == "ready"


def test_a_request_of_which_a_part_is_overdue_is_asked_for_anew(waiting: Submission) -> None:
    came(waiting, TRANSCRIPT)
    assert overdue(waiting).is_overdue
    assert "No whole answer has come for longer than usual." in telling.story(waiting.request, waiting)
    new = again(waiting)
    assert new.client_request_id != waiting.client_request_id
    assert fresh(waiting).state == "replaced"


def test_the_first_trys_missing_part_counts_if_it_comes_first(waiting: Submission) -> None:
    came(waiting, TRANSCRIPT)
    new = again(waiting)
    assert came(waiting, NOTE).state == "applied"
    assert (fresh(waiting.request).state, fresh(waiting).state, fresh(new).state) == ("ready", "answered", "replaced")
    late = came(new, part("session-2", note="Rest more."))
    assert (late.state, late.problem) == ("not_applied", "Another try had brought the result.")
    assert Note.objects.get().sections.get().text == "Rest."


def test_the_second_trys_part_meets_the_first_trys(waiting: Submission) -> None:
    came(waiting, TRANSCRIPT)
    new = again(waiting)
    repeated = came(new, part("session-2", transcript="My knees hurt."))
    assert (repeated.state, repeated.problem) == ("not_applied", "Another try had brought it.")
    assert came(new, part("session-2", note="Rest.")).state == "applied"
    assert (fresh(waiting.request).state, fresh(new).state) == ("ready", "answered")


def test_a_retry_that_is_not_sent_yet_is_sent_although_a_part_of_the_first_try_comes(waiting: Submission) -> None:
    asking.retry(overdue(waiting), log.command())
    new = Submission.objects.get(number=2)
    assert came(waiting, TRANSCRIPT).state == "applied"
    assert (fresh(new).state, fresh(waiting.request).state) == ("queued", "queued")
    assert new.next_attempt_at is not None


def test_a_part_that_comes_while_the_audio_is_still_sent_stops_nothing(script: Script) -> None:
    def streams(job: Job, progress: Progress) -> Submitted:
        progress.opened("session-1")
        assert came(row, TRANSCRIPT).state == "applied"
        progress.sending(40_000)
        return Submitted("session-1")

    row = SubmissionFactory(state="queued", request__vendor="exchange", request__state="queued")
    script.submits = streams
    submission.send(row.pk)
    assert (fresh(row).state, fresh(row.request).state) == ("waiting", "waiting")
    came(row, NOTE)
    assert fresh(row.request).state == "ready"


def test_where_parts_are_asked_for_they_are_until_all_are_there(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ExchangeVendor, "polled", frozenset({"ambient"}))
    row = waiting_at_exchange()
    inquiries.begin(row)
    script.answers = [(TRANSCRIPT,), (NOTE,)]
    for state in ("waiting", "ready"):
        Inquiry.objects.update(**leases.due_again(timezone.now()))
        inquiries.inquire_due()
        processing.process_due()
        assert fresh(row.request).state == state
        assert Inquiry.objects.get().next_attempt_at is not None
    Inquiry.objects.update(**leases.due_again(timezone.now()))
    inquiries.inquire_due()
    assert Inquiry.objects.get().next_attempt_at is None
    assert len(script.asked) == 2


@pytest.mark.parametrize("have_one", [False, True])
def test_fifty_parts_take_as_many_statements_as_one(script: Script, have_one: bool) -> None:
    counts = []
    for size in (1, 50):
        rows = [waiting_at_exchange(f"session-{size}-{number}") for number in range(size)]
        for row in rows if have_one else []:
            came(row, part(row.vendor_request_id, transcript="My knee hurts."))
        for row in rows:
            body = part(row.vendor_request_id, note="Rest.")
            CallbackFactory(submission=row, proven_by="polled", body=body)
        claimed = leases.claim(Callback, lease=processing.LEASE, limit=size)
        with CaptureQueriesContext(connection) as asked:
            processing.process(claimed)
        assert {fresh(row.request).state for row in rows} == {"ready" if have_one else "waiting"}
        counts.append(len(asked))
    assert counts[0] == counts[1]
