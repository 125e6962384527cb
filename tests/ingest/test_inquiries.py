"""Vendors that can be asked are asked until they have answered; a notice hurries, and what is abandoned is ended."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from access.models import Clinic
from config import leases
from ingest import inquiries, lifecycle, processing, submission
from ingest.models import AsyncRequest, Callback, Inquiry, Submission, Utterance, VendorAccount
from ingest.progress import Progress
from notes.models import Note, Transcript
from tests.factories import CallbackFactory, SubmissionFactory
from tests.ingest.scripted_vendor import Script, ScriptedVendor, notice, said
from vendors import VENDORS
from vendors.base import Job, Submitted, Superseded, VendorError
from vendors.base import Progress as Steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    monkeypatch.setitem(VENDORS, "scripted", ScriptedVendor)
    monkeypatch.setattr(ScriptedVendor, "script", Script())
    return ScriptedVendor.script


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


def fresh(row: Any) -> Any:
    row.refresh_from_db()
    return row


def due(row: Submission) -> None:
    Inquiry.objects.filter(submission=row).update(**leases.due_again(timezone.now()))


def test_what_was_streamed_is_asked_for(waiting: Submission, script: Script) -> None:
    assert (waiting.state, waiting.vendor_request_id, waiting.sent_ms) == ("waiting", "session-1", 40_000)
    assert waiting.request.state == "submitting" or fresh(waiting.request).state == "waiting"
    assert fresh(waiting.inquiry).next_attempt_at > timezone.now()
    due(waiting)
    assert not inquiries.inquire_due()
    assert [held.ref for held in script.asked] == ["session-1"]
    assert Callback.objects.count() == 0
    assert fresh(waiting.inquiry).next_attempt_at > timezone.now()


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
    assert fresh(waiting.inquiry).next_attempt_at is None
    assert len(script.asked) == 2


def test_a_notice_hurries_and_brings_nothing(waiting: Submission, script: Script) -> None:
    Inquiry.objects.update(attempts=9, next_attempt_at=timezone.now() + timedelta(hours=1))
    told = from_account(waiting, notice(problem="It links to a foreign host."))
    processing.process_due()
    assert (fresh(told).state, told.problem) == ("notice", "It links to a foreign host.")
    assert told.request_id == waiting.request_id
    assert fresh(waiting.inquiry).next_attempt_at <= timezone.now()
    assert waiting.inquiry.attempts == 0


@pytest.mark.parametrize("body", [notice(problem="A state that we do not know."), b"not JSON"])
def test_what_is_no_result_is_kept_once_and_asked_about_again(waiting: Submission, script: Script, body: bytes) -> None:
    script.answers = [(body,)]
    for asked in (1, 2, 3):
        due(waiting)
        inquiries.inquire_due()
        processing.process_due()
        inquiry = fresh(waiting.inquiry)
        assert (inquiry.attempts, len(script.asked)) == (asked, asked)
        assert inquiry.next_attempt_at > timezone.now()
    assert Callback.objects.get().state in ("notice", "junk")
    assert fresh(waiting.request).state == "waiting"


def test_a_dictation_is_never_asked_for(script: Script) -> None:
    row, script.submits = queued(request__session__kind="dictation"), streamed
    submission.send(row.pk)
    due(row)
    inquiries.inquire_due()
    assert (script.asked, script.closed) == ([], [])
    assert Inquiry.objects.filter(next_attempt_at__gt=timezone.now()).exists()


def from_account(row: Submission, body: bytes, **more: Any) -> Callback:
    proof = {"proven_by": "account", "proven_id": row.request.account_id, "submission": None, "request": None}
    facts = {"clinic": row.clinic, "vendor": "scripted", "body": body, **proof, **more}
    made: Callback = CallbackFactory(**facts)
    return made


def test_a_notice_that_is_early_waits_for_its_session(script: Script) -> None:
    row = queued()
    early = from_account(row, notice("session-1"))
    processing.process_due()
    assert (fresh(early).state, early.named_request) == ("orphan", "session-1")
    script.submits = streamed
    submission.send(row.pk)
    processing.process_due()
    assert fresh(early).state == "notice"


def test_the_vendors_refusal_is_tried_again_and_a_final_one_fails_the_request(
    waiting: Submission, script: Script
) -> None:
    script.answers = [VendorError("Not now.", permanent=False, code="unavailable", retry_after=900)]
    due(waiting)
    inquiries.inquire_due()
    inquiry = fresh(waiting.inquiry)
    assert inquiry.error_code == "unavailable"
    assert inquiry.next_attempt_at > timezone.now() + timedelta(seconds=800)
    script.answers = [VendorError("The account is closed.", permanent=True, code="unauthorized")]
    due(waiting)
    inquiries.inquire_due()
    request = fresh(waiting.request)
    assert (request.state, request.failure_code) == ("failed", "unauthorized")
    assert request.failure_retryable
    assert fresh(inquiry).next_attempt_at is None


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
