"""What vendors announce with a link is fetched as work: now, again after a failure, and never lost."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from access import log
from access.models import Clinic
from config import leases
from ingest import asking, fetched, inquiries, orphans, processing, questions, replays, standing
from ingest.admin import telling
from ingest.models import AsyncRequest, Callback, Inquiry, Submission, VendorAccount
from notes.models import Note, Transcript
from tests.factories import CallbackFactory
from tests.flows.written import columns_with
from tests.ingest.conftest import fresh, from_account, waiting_at_exchange
from tests.ingest.scripted_vendor import Script, notice, part, said
from vendors.base import VendorError

pytestmark = pytest.mark.django_db
LINK = "https://exchange.example/data/4711?sig=s3cret-signature"
NOT_YET = VendorError("It is not there yet.", permanent=False, code="not_found")
REFUSED = VendorError("The token has ended: connect the vendor again.", permanent=True, code="unauthorized")


@pytest.fixture
def waiting(script: Script) -> Submission:
    return waiting_at_exchange()


def announced(row: Submission, link: str = LINK, **more: Any) -> Callback:
    """A notice that has come, processed."""
    made = from_account(row, notice(link=link, **more))
    processing.process_due()
    made.refresh_from_db()
    return made


def work() -> None:
    """All that is due is fetched, and what it brings is processed."""
    while inquiries.inquire_due():
        pass
    processing.process_due()


def due() -> None:
    Inquiry.objects.update(**leases.due_again(timezone.now()))


def inquiry() -> Any:
    return Inquiry.objects.get()


def test_what_is_behind_a_link_is_fetched_and_goes_the_way_of_callbacks(waiting: Submission, script: Script) -> None:
    script.answers = [(said("The knee."),)]
    told = announced(waiting)
    assert (told.state, told.request_id, told.problem) == ("notice", waiting.request_id, "")
    work()
    brought = Callback.objects.get(proven_by="polled")
    assert (brought.state, brought.proven_id, brought.submission_id) == ("applied", waiting.pk, waiting.pk)
    assert [each.link for each in script.fetched] == [LINK]
    assert fresh(waiting.request).state == "ready"
    assert Transcript.objects.get().lines[0]["text"] == "The knee."
    assert (inquiry().next_attempt_at, inquiry().error_code) == (None, "")
    assert telling.fetching(told) == ""


def test_it_goes_before_what_may_be_there(waiting: Submission) -> None:
    announced(waiting)
    assert inquiry().next_attempt_at < timezone.now() - timedelta(hours=1)
    assert telling.fetching(Callback.objects.get()) == "What it announces is being fetched. Nothing to do."


def test_what_is_not_there_yet_is_fetched_until_it_is(waiting: Submission, script: Script) -> None:
    script.answers = [NOT_YET, NOT_YET, (said("The knee."),)]
    announced(waiting)
    for attempts, pause in ((1, 10), (2, 20)):
        work()
        assert (inquiry().attempts, inquiry().error_code) == (attempts, "not_found")
        assert timedelta(0) < inquiry().next_attempt_at - timezone.now() <= timedelta(seconds=pause)
        due()
    work()
    assert fresh(waiting.request).state == "ready"


@pytest.mark.parametrize("nothing", [(), (b"not JSON",), (notice(problem="A kind that we do not know."),)])
def test_what_brings_no_answer_is_kept_once_and_fetched_again(
    waiting: Submission, script: Script, nothing: tuple[bytes, ...]
) -> None:
    script.answers = [nothing, nothing, (said("The knee."),)]
    announced(waiting)
    for _ in range(2):
        work()
        assert fresh(waiting.request).state == "waiting"
        due()
    assert Callback.objects.filter(proven_by="polled").count() == len(nothing)
    work()
    assert fresh(waiting.request).state == "ready"


def test_what_is_other_junk_each_time_fills_no_table_and_the_answer_still_counts(
    waiting: Submission, script: Script
) -> None:
    most = fetched.MOST_UNREADABLE
    script.answers = [*((b"page %d" % number,) for number in range(most + 3)), (said("The knee."),)]
    announced(waiting)
    for _ in range(most + 3):
        work()
        due()
    assert Callback.objects.filter(proven_by="polled", state="junk").count() == most
    work()
    assert fresh(waiting.request).state == "ready"


def test_a_refusal_is_told_and_tried_hourly_and_at_once_where_the_account_is_changed(
    waiting: Submission, script: Script
) -> None:
    script.answers = [REFUSED, (said("The knee."),)]
    told = announced(waiting)
    work()
    assert timedelta(minutes=50) < inquiry().next_attempt_at - timezone.now() <= timedelta(hours=1)
    why = "could not be fetched yet: The token has ended: connect the vendor again. It is"
    assert f"{why} tried again by itself; Process again does so now." in telling.fetching(told)
    assert f"has announced an answer that {why} fetched again by itself." in telling.waiting(fresh(waiting.request))
    inquiries.ask_refused_again(told.proven_id)
    work()
    assert fresh(waiting.request).state == "ready"
    assert telling.fetching(told) == ""


def test_another_clinics_account_rings_nobody_elses(waiting: Submission, script: Script, other_clinic: Clinic) -> None:
    script.answers = [REFUSED]
    announced(waiting)
    work()
    other = VendorAccount.objects.create(clinic=other_clinic, vendor="exchange")
    inquiries.ask_refused_again(other.pk)
    assert not inquiries.is_due()


def test_what_cannot_be_fetched_is_given_up_in_the_end_with_its_reason(waiting: Submission, script: Script) -> None:
    script.answers = [NOT_YET]
    told = announced(waiting)
    Inquiry.objects.update(attempts=questions.ATTEMPTS - 1)
    work()
    assert inquiry().next_attempt_at is None
    why = "could not be fetched: It is not there yet."
    assert (fresh(told).state, told.problem) == ("failed", f"What it announces {why}")
    assert telling.fetching(told) == "It is given up. Process again fetches it now."
    assert f"has announced an answer that {why} Process again" in telling.story(fresh(waiting.request), fresh(waiting))
    connection.ensure_connection()
    assert standing.read(connection.connection).resting["failed"] == 1


@pytest.mark.parametrize("strange", [b"not JSON", notice(problem="A kind that we do not know.")])
def test_what_is_there_and_cannot_be_read_is_told_and_given_up_in_the_end_with_that(
    waiting: Submission, script: Script, strange: bytes
) -> None:
    script.answers = [(strange,)]
    told = announced(waiting)
    work()
    why = "What is behind the notice's link is no answer that can be read: it is kept as it came."
    assert f"could not be fetched yet: {why}" in telling.fetching(told)
    Inquiry.objects.update(attempts=questions.ATTEMPTS - 1, **leases.due_again(timezone.now()))
    work()
    assert inquiry().next_attempt_at is None
    assert (fresh(told).state, told.problem) == ("failed", f"What it announces could not be fetched: {why}")


def test_processed_again_it_is_fetched_again_at_once(waiting: Submission, script: Script) -> None:
    script.answers = [NOT_YET, (said("The knee."),)]
    told = announced(waiting)
    work()
    assert not inquiries.is_due()
    assert list(replays.replay(waiting.clinic_id, Callback.objects.filter(pk=told.pk), "one", log.command()))
    processing.process_due()
    assert (fresh(told).state, inquiry().attempts) == ("notice", 0)
    work()
    assert fresh(waiting.request).state == "ready"


def given_up(told: Callback) -> None:
    Inquiry.objects.filter(callback=told).update(attempts=questions.ATTEMPTS - 1, **leases.due_again(timezone.now()))
    work()
    assert fresh(told).state == "failed"


def test_what_was_given_up_is_fetched_where_it_is_processed_again(waiting: Submission, script: Script) -> None:
    script.answers = [NOT_YET, (said("The knee."),)]
    told = announced(waiting)
    given_up(told)
    assert list(replays.replay(waiting.clinic_id, Callback.objects.filter(pk=told.pk), "one", log.command()))
    work()
    assert (fresh(told).state, told.problem, inquiry().attempts) == ("notice", "", 0)
    work()
    assert (fresh(waiting.request).state, telling.fetching(told)) == ("ready", "")


def test_a_newer_text_that_was_given_up_is_told_of_a_request_that_is_ready(waiting: Submission, script: Script) -> None:
    script.answers = [(said("The knee."),), NOT_YET]
    announced(waiting)
    work()
    given_up(announced(waiting, f"{LINK}&newer"))
    story = telling.story(fresh(waiting.request), fresh(waiting))
    assert "Since then the vendor has announced an answer that could not be fetched: It is not there yet." in story


def test_what_brings_nothing_or_kills_its_workers_is_given_up_too(waiting: Submission, script: Script) -> None:
    told = announced(waiting)
    Inquiry.objects.update(attempts=questions.ATTEMPTS)
    work()
    assert (inquiry().next_attempt_at, inquiry().error_code, script.fetched) == (None, "nothing_came", [])
    assert (fresh(told).state, told.problem.endswith(inquiries.NOTHING_CAME)) == ("failed", True)


def test_what_somebody_asks_for_anew_meanwhile_is_not_given_up(
    waiting: Submission, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile() -> Any:
        inquiries.fetch({callback.pk: orphans.Addressee(waiting.pk, waiting.request_id, waiting.clinic_id)})
        raise NOT_YET

    callback = announced(waiting)
    Inquiry.objects.update(attempts=questions.ATTEMPTS - 1)
    monkeypatch.setattr(script, "answer", meanwhile)
    inquiries.inquire_due()
    assert (fresh(callback).state, inquiry().attempts) == ("notice", 0)


def test_the_call_that_failed_is_named_for_the_vendors_support(waiting: Submission, script: Script) -> None:
    call_id = "0f3b6f9c-7d0a-4f6e-9a0e-5a1f0a7c2b11"
    refused = VendorError("It is not there yet.", permanent=False, code="not_found", call_id=call_id)
    script.answers = [refused, NOT_YET, refused, (said("The knee."),)]
    told = announced(waiting)
    work()
    named = f"It is not there yet. Last call, for its support: {call_id}. It is"
    assert named in telling.fetching(told)
    assert named in telling.story(fresh(waiting.request), fresh(waiting))
    for is_named in (False, True, False):
        due()
        work()
        assert (inquiry().call_id == call_id) is is_named
    due()


def test_what_was_fetched_before_is_fetched_again_where_somebody_asks_for_it(
    waiting: Submission, script: Script
) -> None:
    script.answers = [(said("The knee."),)]
    told = announced(waiting)
    work()
    list(replays.replay(waiting.clinic_id, Callback.objects.filter(pk=told.pk), "one", log.command()))
    processing.process_due()
    work()
    assert len(script.fetched) == 2
    assert Callback.objects.filter(proven_by="polled").count() == 1


def test_a_notice_for_nobody_is_fetched_when_its_request_appears(waiting: Submission, script: Script) -> None:
    script.answers = [(said("The knee.", ref="session-2"),)]
    early = from_account(waiting, notice("session-2", link=LINK))
    processing.process_due()
    assert (fresh(early).state, Inquiry.objects.count()) == ("orphan", 0)
    row = waiting_at_exchange("session-2", request__session__clinic=waiting.clinic)
    orphans.recall(row.clinic_id, "session-2")
    processing.process_due()
    work()
    assert (fresh(early).state, fresh(row.request).state) == ("notice", "ready")


def test_what_is_announced_for_a_request_that_was_cancelled_is_not_fetched(waiting: Submission, script: Script) -> None:
    asking.cancel(waiting.request)
    told = announced(waiting)
    assert (told.state, told.problem) == ("not_applied", "The request had been cancelled.")
    assert not Inquiry.objects.exists()


def test_nor_is_it_where_the_request_is_cancelled_after_it(waiting: Submission, script: Script) -> None:
    announced(waiting)
    asking.cancel(waiting.request)
    work()
    assert (script.fetched, script.closed) == ([], [])
    assert inquiry().next_attempt_at is None


def test_a_newer_text_may_be_behind_a_notice_for_a_request_that_is_ready(waiting: Submission, script: Script) -> None:
    script.answers = [(said("The knee."),), NOT_YET, (part(transcript="The knee.", note="The left knee."),)]
    announced(waiting)
    work()
    announced(waiting, f"{LINK}&newer")
    work()
    assert "Since then the vendor has announced an answer that could not" in telling.story(
        fresh(waiting.request), fresh(waiting)
    )
    due()
    work()
    assert Note.objects.get().sections.get().text == "The left knee."


def test_two_notices_of_one_link_are_both_fetched_and_bring_one_callback(waiting: Submission, script: Script) -> None:
    script.answers = [(said("The knee."),)]
    for number in range(2):
        announced(waiting, event=number)
    work()
    assert len(script.fetched) == 2
    assert Callback.objects.filter(proven_by="polled").count() == 1


def test_many_at_once_are_begun_in_as_many_statements_as_one(
    waiting: Submission, script: Script, django_assert_num_queries: Any
) -> None:
    rows = [(row.pk, orphans.Addressee(waiting.pk, waiting.request_id, waiting.clinic_id)) for row in told(waiting, 9)]
    with django_assert_num_queries(1):
        inquiries.fetch(dict(rows))
    assert Inquiry.objects.count() == 9


def told(row: Submission, count: int) -> list[Callback]:
    facts = {"submission": row, "proven_by": "account", "proven_id": row.request.account_id, "state": "notice"}
    return [CallbackFactory(body=notice(link=LINK, event=number), **facts) for number in range(count)]


def test_a_notice_of_an_unknown_kind_stays_visible_and_nothing_is_fetched(waiting: Submission, script: Script) -> None:
    strange = announced(waiting, "", problem="An event of a kind that we do not know.")
    assert (strange.state, strange.problem) == ("notice", "An event of a kind that we do not know.")
    assert not Inquiry.objects.exists()


def test_a_notice_that_is_fetched_for_what_was_fetched_leads_nowhere(waiting: Submission, script: Script) -> None:
    """An exchange whose links lead to links is not followed round."""
    script.answers = [(notice(link=LINK, next=1),)]
    announced(waiting)
    work()
    assert Inquiry.objects.count() == 1


def test_a_notice_whose_body_is_no_longer_kept_says_so(waiting: Submission, script: Script) -> None:
    told = announced(waiting)
    Callback.objects.update(body=None)
    work()
    assert (inquiry().error_code, inquiry().next_attempt_at) == ("nothing_to_fetch", None)
    assert telling.fetching(told) == (
        "The notice names nothing that could be fetched. Nothing needs to be done where the answer is here."
    )


def test_a_request_that_another_system_made_is_fetched_with_the_account_that_the_clinic_has_by_then(
    script: Script,
) -> None:
    row = waiting_at_exchange(request__submitted_elsewhere=True, request__account=None, request__audio=None)
    made: Any = CallbackFactory(submission=row, proven_by="account", body=notice(link=LINK))
    processing.process_due()
    work()
    assert (fresh(made).inquiry.error_code, script.fetched) == ("no_account", [])
    account = VendorAccount(clinic=row.clinic, vendor="exchange", base_url="https://exchange.example")
    account.seal({})
    account.save()
    script.answers = [(said("The knee."),)]
    inquiries.ask_refused_again(account.pk)
    work()
    assert fresh(row.request).state == "ready"


def test_what_comes_while_somebody_asks_for_it_anew_is_left_to_the_next_fetch(
    waiting: Submission, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [(said("The knee."),)]

    def meanwhile() -> Any:
        if len(script.fetched) == 1:
            inquiries.fetch({callback.pk: orphans.Addressee(waiting.pk, waiting.request_id, waiting.clinic_id)})
        return answers[0]

    callback = announced(waiting)
    monkeypatch.setattr(script, "answer", meanwhile)
    inquiries.inquire_due()
    assert not Callback.objects.filter(proven_by="polled").exists()
    work()
    assert len(script.fetched) == 2
    assert fresh(waiting.request).state == "ready"


def test_the_link_stays_in_the_notices_body(
    waiting: Submission, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    script.answers = [NOT_YET, REFUSED, (said("The knee."),)]
    with caplog.at_level(logging.DEBUG):
        told = announced(waiting)
        for _ in range(3):
            work()
            shown = telling.fetching(told) + telling.story(fresh(waiting.request), fresh(waiting))
            assert "s3cret" not in shown
            due()
    assert AsyncRequest.objects.get().state == "ready"
    assert columns_with("s3cret-signature") == {"ingest_callback.body"}
    assert "s3cret" not in caplog.text
    assert "s3cret" not in repr(script.fetched)
