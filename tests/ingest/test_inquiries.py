"""Vendors that can be asked are asked until they have answered; a notice hurries, and what is abandoned is ended."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from access.models import Clinic
from config import leases
from ingest import asking, inquiries, lifecycle, processing, submission
from ingest.admin import telling
from ingest.models import AsyncRequest, Callback, Inquiry, Submission, Utterance, VendorAccount
from ingest.progress import Progress
from notes.models import Note, Transcript
from tests.factories import SubmissionFactory
from tests.ingest.conftest import fresh, from_account
from tests.ingest.scripted_vendor import Script, ScriptedVendor, notice, said
from vendors.base import Job, Submitted, Superseded, VendorError
from vendors.base import Progress as Steps

pytestmark = pytest.mark.django_db


def queued(**more: Any) -> Submission:
    row: Submission = SubmissionFactory(state="queued", request__vendor="scripted", request__state="queued", **more)
    return row


def streamed(job: Job, progress: Steps) -> Submitted:
    progress.opened("session-1")
    progress.sending(40_000)
    return Submitted("session-1")


@pytest.fixture
def waiting(script: Script) -> Submission:
    row, script.submits = queued(), streamed
    submission.send(row.pk)
    return fresh(row)


def inquiry_of(row: Submission) -> Any:
    return Inquiry.objects.get(submission=row)


def due(row: Submission) -> None:
    Inquiry.objects.filter(submission=row).update(**leases.due_again(timezone.now()))


def test_what_was_streamed_is_asked_for(waiting: Submission, script: Script) -> None:
    assert (waiting.state, waiting.vendor_request_id, waiting.sent_ms) == ("waiting", "session-1", 40_000)
    assert waiting.request.state == "submitting" or fresh(waiting.request).state == "waiting"
    assert inquiry_of(waiting).next_attempt_at > timezone.now()
    due(waiting)
    assert inquiries.inquire_due()
    assert not inquiries.inquire_due()
    assert [held.ref for held in script.asked] == ["session-1"]
    assert Callback.objects.count() == 0
    assert inquiry_of(waiting).next_attempt_at > timezone.now()


def test_an_answer_goes_the_way_of_callbacks_once(waiting: Submission, script: Script) -> None:
    script.answers = [(said("The knee."),)]
    for _ in range(2):
        due(waiting)
        inquiries.inquire_due()
    processing.process_due()
    callback = Callback.objects.get()
    assert (callback.proven_by, callback.state, callback.proven_id) == ("polled", "applied", waiting.pk)
    assert fresh(waiting.request).state == "ready"
    assert Transcript.objects.get().lines[0]["text"] == "The knee."
    assert Note.objects.get().vendor == "scripted"
    due(waiting)
    inquiries.inquire_due()
    assert inquiry_of(waiting).next_attempt_at is None
    assert len(script.asked) == 2


def test_a_notice_hurries_and_brings_nothing(waiting: Submission, script: Script) -> None:
    Inquiry.objects.update(attempts=9, next_attempt_at=timezone.now() + timedelta(hours=1))
    told = from_account(waiting, notice(problem="It links to a foreign host."))
    processing.process_due()
    assert (fresh(told).state, told.problem) == ("notice", "It links to a foreign host.")
    assert told.request_id == waiting.request_id
    assert inquiry_of(waiting).next_attempt_at <= timezone.now()
    assert inquiry_of(waiting).attempts == 0


@pytest.mark.parametrize("body", [notice(problem="A state that we do not know."), b"not JSON"])
def test_what_is_no_result_is_kept_once_and_asked_about_again(waiting: Submission, script: Script, body: bytes) -> None:
    script.answers = [(body,)]
    for asked in (1, 2, 3):
        due(waiting)
        inquiries.inquire_due()
        processing.process_due()
        inquiry = inquiry_of(waiting)
        assert (inquiry.attempts, len(script.asked)) == (asked, asked)
        assert inquiry.next_attempt_at > timezone.now()
    assert Callback.objects.get().state in ("notice", "junk")
    assert fresh(waiting.request).state == "waiting"


def asked_before(count: int, next_attempt_at: datetime) -> list[Inquiry]:
    facts = {
        "state": "waiting",
        "submitted_at": timezone.now(),
        "request__vendor": "scripted",
        "request__waiting": True,
    }
    rows = [SubmissionFactory(**facts, vendor_request_id=f"session-{number + 10}") for number in range(count)]
    times = {"attempts": 2, "next_attempt_at": next_attempt_at}
    return [Inquiry.objects.create(submission=row, clinic=row.clinic, **times) for row in rows]


def test_whoever_hears_the_bell_goes_on_until_all_that_is_due_is_asked_for(script: Script) -> None:
    asked_before(7, timezone.now())
    rounds = 0
    while inquiries.inquire_due():
        rounds += 1
    assert (len(script.asked), rounds) == (7, 7)


def test_what_a_vendor_has_announced_goes_before_what_is_only_looked_for(script: Script) -> None:
    asked_before(5, timezone.now() - timedelta(minutes=1))
    (announced,) = asked_before(1, timezone.now() + timedelta(minutes=9))
    inquiries.hurry([announced.submission_id])
    inquiries.inquire_due()
    assert [held.ref for held in script.asked] == [announced.submission.vendor_request_id]


def test_a_success_that_is_announced_after_a_failure_is_fetched(waiting: Submission, script: Script) -> None:
    script.answers = [(failed(),), (said("All of it."),)]
    due(waiting)
    inquiries.inquire_due()
    processing.process_due()
    assert fresh(waiting.request).state == "failed"
    from_account(waiting, notice())
    processing.process_due()
    inquiries.inquire_due()
    processing.process_due()
    assert fresh(waiting.request).state == "ready"


def failed() -> bytes:
    return json.dumps({"ref": "session-1", "failure": "It could not be written up."}).encode()


@pytest.mark.parametrize(("cancelled", "state"), [(False, "failed"), (True, "cancelled")])
def test_a_vendors_reason_that_is_too_long_is_cut(
    waiting: Submission, script: Script, cancelled: bool, state: str
) -> None:
    why = {"ref": "session-1", "failure": "It could not be written up. " * 50, "cancelled": cancelled}
    script.answers = [(json.dumps(why).encode(),)]
    due(waiting)
    inquiries.inquire_due()
    processing.process_due()
    request, row = fresh(waiting.request), fresh(waiting)
    assert (request.state, len(request.failure_message), len(row.error_message)) == (state, 500, 500)


def test_a_dictation_that_failed_at_its_end_is_not_asked_for_either(script: Script) -> None:
    row = queued(request__session__kind="dictation", request__output_objects=["transcript_item"])

    def fails(job: Job, progress: Steps) -> Submitted:
        progress.opened("session-1")
        return Submitted("session-1", answer=failed())

    script.submits = fails
    submission.send(row.pk)
    processing.process_due()
    assert fresh(row.request).state == "failed"
    due(row)
    inquiries.inquire_due()
    assert (script.asked, script.closed) == ([], [])
    assert inquiry_of(row).next_attempt_at is None


def test_what_was_given_up_at_the_vendor_is_cancelled_and_says_so(script: Script) -> None:
    row = queued(request__session__kind="dictation", request__output_objects=["transcript_item"])
    answer = json.dumps({"ref": "session-1", "failure": "It was cancelled there.", "cancelled": True}).encode()
    script.submits = lambda job, progress: Submitted("session-1", answer=answer)
    submission.send(row.pk)
    processing.process_due()
    request = fresh(row.request)
    assert (request.state, fresh(row).state, request.failure_code) == ("cancelled", "cancelled", "skipped")
    assert telling.story(request, row).startswith("It was cancelled there. What the vendor may")


def test_a_webhook_brings_no_result_itself(waiting: Submission, script: Script) -> None:
    forged = from_account(waiting, said("What nobody said."))
    processing.process_due()
    assert (fresh(forged).state, fresh(waiting.request).state) == ("junk", "waiting")
    assert not Note.objects.exists()


def test_what_is_cancelled_while_the_vendor_makes_its_session_is_ended_there(script: Script) -> None:
    def creates(job: Job, progress: Steps) -> Submitted:
        asking.cancel(AsyncRequest.objects.get(pk=row.request_id))
        progress.opened("session-1")
        raise AssertionError("It went on.")

    row, script.submits = queued(), creates
    submission.send(row.pk)
    due(row)
    inquiries.inquire_due()
    assert (fresh(row).state, [held.ref for held, _ in script.closed]) == ("cancelled", ["session-1"])


def test_what_is_cancelled_is_ended_at_once(script: Script) -> None:
    def streams(job: Job, progress: Steps) -> Submitted:
        progress.opened("session-1")
        asking.cancel(AsyncRequest.objects.get(pk=row.request_id))
        progress.sending(1_000)
        raise AssertionError("It went on.")

    row, script.submits = queued(), streams
    submission.send(row.pk)
    inquiries.inquire_due()
    assert [held.ref for held, _ in script.closed] == ["session-1"]


def test_what_could_not_be_ended_with_a_bad_account_is_ended_once_the_account_is_right(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise VendorError("The token has ended.", permanent=True, code="unauthorized")

    row = SubmissionFactory(state="failed", request__vendor="scripted", request__failed=True, vendor_request_id="one")
    inquiry = Inquiry.objects.create(submission=row, clinic=row.clinic, next_attempt_at=timezone.now())
    with monkeypatch.context() as patched:
        patched.setattr(ScriptedVendor, "close", refused)
        inquiries.inquire_due()
    inquiries.ask_refused_again(row.request.account_id)
    inquiries.inquire_due()
    assert [held.ref for held, _ in script.closed] == ["one"]
    assert fresh(inquiry).next_attempt_at is None


def test_what_cannot_be_ended_is_not_tried_for_ever(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: Any, **__: Any) -> None:
        raise VendorError("Not now.", permanent=False, code="unavailable")

    monkeypatch.setattr(ScriptedVendor, "close", unavailable)
    row = SubmissionFactory(state="failed", request__vendor="scripted", request__failed=True, vendor_request_id="one")
    inquiry = Inquiry.objects.create(submission=row, clinic=row.clinic, next_attempt_at=timezone.now())
    for attempts, is_due in ((3, True), (inquiries.CLOSE_ATTEMPTS, False)):
        Inquiry.objects.update(attempts=attempts, **leases.due_again(timezone.now()))
        inquiries.inquire_due()
        assert (fresh(inquiry).next_attempt_at is not None) is is_due


def test_a_dictation_is_never_asked_for(script: Script) -> None:
    row, script.submits = queued(request__session__kind="dictation"), streamed
    submission.send(row.pk)
    due(row)
    inquiries.inquire_due()
    assert (script.asked, script.closed) == ([], [])
    assert not Inquiry.objects.filter(next_attempt_at__isnull=False).exists()


def test_a_notice_that_is_early_waits_for_its_session(script: Script) -> None:
    row = queued()
    early = from_account(row, notice("session-1"))
    processing.process_due()
    assert (fresh(early).state, early.named_request) == ("orphan", "session-1")
    script.submits = streamed
    submission.send(row.pk)
    processing.process_due()
    assert fresh(early).state == "notice"


def test_the_vendors_refusal_is_tried_again(waiting: Submission, script: Script) -> None:
    script.answers = [VendorError("Not now.", permanent=False, code="unavailable", retry_after=900)]
    due(waiting)
    inquiries.inquire_due()
    inquiry = inquiry_of(waiting)
    assert (inquiry.error_code, inquiry.error_message) == ("unavailable", "Not now.")
    assert inquiry.next_attempt_at > timezone.now() + timedelta(seconds=800)


def test_what_a_bad_account_may_not_ask_for_is_told_and_had_once_the_account_is_right(
    waiting: Submission, script: Script
) -> None:
    script.answers = [VendorError("The token has ended.", permanent=True, code="unauthorized"), (said("The knee."),)]
    due(waiting)
    inquiries.inquire_due()
    request = fresh(waiting.request)
    assert request.state == "waiting"
    assert "did not say what became of it: The token has ended. It is asked again" in telling.waiting(request)
    assert inquiry_of(waiting).next_attempt_at > timezone.now() + timedelta(minutes=50)
    inquiries.ask_refused_again(request.account_id)
    inquiries.inquire_due()
    processing.process_due()
    assert fresh(request).state == "ready"
    assert inquiry_of(waiting).error_message == ""


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_a_job_left_open_is_ended(script: Script, state: str) -> None:
    def breaks(job: Job, progress: Steps) -> Submitted:
        progress.opened("session-1")
        raise VendorError("Refused.", permanent=True, code="refused")

    row, script.submits = queued(), breaks
    submission.send(row.pk)
    Submission.objects.update(state=state)
    due(row)
    inquiries.inquire_due()
    assert [held.ref for held, _ in script.closed] == ["session-1"]
    assert script.asked == []
    assert Inquiry.objects.get().next_attempt_at is None


def test_while_a_worker_is_at_it_nobody_asks_or_ends_anything(script: Script) -> None:
    def looks(job: Job, progress: Steps) -> Submitted:
        progress.opened("session-1")
        due(row)
        inquiries.inquire_due()
        return Submitted("session-1")

    row, script.submits = queued(), looks
    submission.send(row.pk)
    assert (script.asked, script.closed) == ([], [])


# --- Progress
def test_a_worker_that_lost_its_lease_ends(script: Script) -> None:
    def loses(job: Job, progress: Steps) -> Submitted:
        progress.opened("session-1")
        Submission.objects.update(lease_token=uuid4())
        with pytest.raises(Superseded):
            progress.sending(1000)
        raise Superseded

    row, script.submits = queued(), loses
    submission.send(row.pk)
    assert (fresh(row).state, row.sent_ms) == ("submitting", 0)


def test_a_request_that_is_cancelled_stops_its_stream(script: Script) -> None:
    def cancelled(job: Job, progress: Steps) -> Submitted:
        progress.opened("session-1")
        request = lifecycle.lock(row.request_id)
        lifecycle.set_aside(request, "cancelled")
        progress.sending(1000)
        raise AssertionError("it went on")

    row, script.submits = queued(), cancelled
    submission.send(row.pk)
    assert fresh(row).state == "cancelled"


def test_each_step_renews_the_lease(script: Script) -> None:
    row = submission.claim(queued().pk)
    assert row is not None
    Submission.objects.update(lease_until=timezone.now())
    Progress(row).sending(100)
    assert fresh(row).lease_until > timezone.now() + timedelta(seconds=50)
    assert row.next_attempt_at == row.lease_until


def test_who_follows_goes_on_where_the_first_one_stopped(script: Script) -> None:
    def breaks(job: Job, progress: Steps) -> Submitted:
        progress.opened("session-1")
        progress.sending(12_000)
        progress.heard("First.", is_final=True)
        raise VendorError("Broken off.", permanent=False, code="no_answer")

    row, script.submits = queued(request__session__kind="dictation"), breaks
    submission.send(row.pk)
    Submission.objects.update(next_attempt_at=timezone.now())
    found = submission.claim(row.pk)
    assert found is not None
    progress = Progress(found)
    assert (progress.ref, progress.sent_ms, progress.finals()) == ("session-1", 12_000, ["First."])
    progress.heard("Sec", is_final=False)
    progress.heard("Second.", is_final=True)
    assert progress.finals() == ["First.", "Second."]


def test_where_a_connection_was_lost_is_kept_once_and_what_was_heard_out_is_not_heard_again(script: Script) -> None:
    row = submission.claim(queued().pk)
    assert row is not None
    progress = Progress(row)
    for until_ms in (4_000, 2_000, 4_000):
        progress.sending(until_ms)
        progress.broke()
    progress.heard_out(4_000)
    row.refresh_from_db()
    assert (row.broke_at_ms, Progress(row).heard_ms) == ([2_000, 4_000], 4_000)


def test_what_is_heard_is_kept_as_it_comes(script: Script) -> None:
    row = submission.claim(queued().pk)
    assert row is not None
    progress = Progress(row)
    for text in ("The", "The knee", "The knee hurts"):
        progress.heard(text, is_final=False)
    assert kept() == [(1, "The", False)]  # those that nobody could read in time are left out
    progress.heard("The knee hurts.", is_final=True)
    progress.heard("And", is_final=False)
    assert kept() == [(1, "The knee hurts.", True), (2, "And", False)]


def kept() -> list[tuple[int, str, bool]]:
    return list(Utterance.objects.order_by("number").values_list("number", "text", "is_final"))


def test_the_last_word_of_a_stream_is_a_callback_too(script: Script) -> None:
    row = queued(request__session__kind="dictation", request__output_objects=["transcript_item"])
    script.submits = lambda job, progress: Submitted("session-1", answer=said("All of it."))
    submission.send(row.pk)
    assert fresh(row.request).state == "waiting"
    processing.process_due()
    assert Callback.objects.get().proven_by == "streamed"
    assert fresh(row.request).state == "ready"
    assert Transcript.objects.get().lines[0]["text"] == "All of it."


# --- Accounts of one partner share their webhooks
@pytest.fixture
def shared(waiting: Submission, other_clinic: Clinic) -> Callback:
    """Came to the other clinic's account, and is for the first one's session."""
    VendorAccount.objects.update(partner="group-practice")
    account = VendorAccount.objects.create(clinic=other_clinic, vendor="scripted", partner="group-practice")
    return from_account(waiting, notice(), clinic=None, proven_id=account.pk)


def test_a_shared_webhook_finds_the_clinic_of_its_session(shared: Callback, waiting: Submission) -> None:
    processing.process_due()
    assert (fresh(shared).state, shared.clinic_id) == ("notice", waiting.clinic_id)


def test_until_then_it_is_of_no_clinic(shared: Callback, waiting: Submission) -> None:
    Submission.objects.update(vendor_request_id="another")
    processing.process_due()
    assert (fresh(shared).state, shared.clinic_id, shared.named_request) == ("orphan", None, "session-1")


def test_a_session_of_another_partner_is_not_found_by_it(shared: Callback, waiting: Submission) -> None:
    VendorAccount.objects.filter(clinic=waiting.clinic).update(partner="somebody-else")
    processing.process_due()
    assert fresh(shared).state == "orphan"


def test_a_request_that_failed_says_so_plainly(waiting: Submission, script: Script) -> None:
    script.answers = [(json.dumps({"failure": "Less than a minute was recorded.", "ref": "session-1"}).encode(),)]
    due(waiting)
    inquiries.inquire_due()
    processing.process_due()
    request = AsyncRequest.objects.get()
    assert (request.state, request.failure_message) == ("failed", "Less than a minute was recorded.")
