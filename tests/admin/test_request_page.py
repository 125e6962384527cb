"""A request's page goes on by itself: what it asks for, how often, and when it stops."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from access.models import AccessEntry, Clinic
from ingest.admin import telling
from ingest.models import Inquiry
from tests.admin.rows import Consultation, consultation, list_of, page_of
from tests.factories import AsyncRequestFactory, CallbackFactory, SubmissionFactory, TranscriptFactory


def asked(clinic: Clinic, **facts: Any) -> Any:
    request = AsyncRequestFactory(session__clinic=clinic, **facts)
    SubmissionFactory(request=request)
    return request


def live(client: Client, request: Any, **more: Any) -> Any:
    return client.get(page_of(request, "live"), **more)


@pytest.fixture
def rows(clinic: Clinic) -> Consultation:
    return consultation(clinic)


def test_the_page_asks_for_its_piece_while_the_request_goes_on(viewer: Client, clinic: Clinic) -> None:
    request = asked(clinic, waiting=True)
    page = viewer.get(page_of(request)).content.decode()
    assert f'hx-get="{page_of(request, "live")}"' in page
    assert "htmx.min.js" in page


def test_the_piece_of_a_request_that_has_ended_is_the_last(viewer: Client, rows: Consultation) -> None:
    request = rows["ingest_asyncrequest"]
    answer = live(viewer, request)
    assert answer.status_code == 286
    assert page_of(rows["notes_note"]) in answer.content.decode()
    page = viewer.get(page_of(request)).content.decode()
    assert "hx-get" not in page + answer.content.decode()
    assert "htmx" not in page


def test_a_piece_is_no_page_and_opens_no_patients_words(viewer: Client, clinic: Clinic) -> None:
    answer = live(viewer, asked(clinic, waiting=True))
    assert answer.status_code == 200
    assert b"<html" not in answer.content
    assert b"The vendor has it and is at work." in answer.content
    assert not AccessEntry.objects.exists()


def test_asking_for_news_keeps_nobody_signed_in(viewer: Client, clinic: Clinic) -> None:
    request = asked(clinic, waiting=True)
    assert '{"X-Poll": "1"}' in viewer.get(page_of(request)).content.decode()
    assert settings.SESSION_COOKIE_NAME not in live(viewer, request, headers={"X-Poll": "1"}).cookies
    assert settings.SESSION_COOKIE_NAME in viewer.get(page_of(request)).cookies


def test_somebody_signed_out_is_led_to_the_sign_in_page(clinic: Clinic) -> None:
    answer = live(Client(), asked(clinic, waiting=True), headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith("/admin/login/")


def test_buttons_belong_to_a_form_that_stays(manager: Client, clinic: Clinic) -> None:
    piece = live(manager, asked(clinic, failed=True)).content.decode()
    assert 'form="press" name="action" value="retry"' in piece
    assert "csrfmiddlewaretoken" not in piece


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"waiting": True, "waiting_since": timedelta(minutes=4)}, "for 4 min"),
        ({"waiting": True, "waiting_since": timedelta(hours=2, minutes=5)}, "for 2 h 5 min"),
        ({"waiting": True, "waiting_since": timedelta(days=3)}, "for 3 days"),
        ({}, "for less than a minute"),
        ({"failed": True}, "after less than a minute"),
    ],
)
def test_how_long_it_stands_where_it_stands(viewer: Client, clinic: Clinic, facts: dict[str, Any], told: str) -> None:
    times = {name: timezone.now() - value for name, value in facts.items() if isinstance(value, timedelta)}
    assert told in live(viewer, asked(clinic, **facts | times)).content.decode()


def test_only_the_step_where_it_stands_lasts(clinic: Clinic) -> None:
    steps = telling.steps(asked(clinic, waiting=True))
    assert [step.name for step in steps if step.lasts] == ["waiting"]


def failing_fetch(clinic: Clinic, code: str, why: str, **facts: Any) -> Any:
    """A notice whose answer could not be fetched."""
    request = asked(clinic, **facts)
    row = CallbackFactory(submission=request.current_submission, state="notice", body=b'{"link": "https://v.example"}')
    due = {"next_attempt_at": timezone.now(), "error_code": code, "error_message": why}
    Inquiry.objects.create(callback=row, submission=row.submission, clinic=clinic, **due)
    return row


@pytest.mark.parametrize("facts", [{"waiting": True}, {"ready": True}, {"failed": True}])
def test_what_was_announced_and_cannot_be_fetched_is_told_with_what_to_do(
    viewer: Client, manager: Client, clinic: Clinic, facts: dict[str, Any]
) -> None:
    row = failing_fetch(clinic, "unreachable", "The vendor could not be reached.", **facts)
    why = "could not be fetched yet: The vendor could not be reached. If it lasts, tell the operator."
    assert why in viewer.get(page_of(row.request)).content.decode()
    of_callback = manager.get(page_of(row)).content.decode()
    assert why in of_callback
    assert 'value="process_again"' in of_callback
    assert "v.example" not in of_callback


def test_how_much_is_stored_and_by_what_the_vendors_support_finds_the_last_call(viewer: Client, clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, state="submitting", audio_ms=125_000)
    call_id = "0f3b6f9c-7d0a-4f6e-9a0e-5a1f0a7c2b11"
    SubmissionFactory(request=request, sent_ms=61_000, place={"recording": 1}, call_id=call_id)
    for page in (viewer.get(page_of(request)), live(viewer, request)):
        shown = page.content.decode()
        assert "The vendor has stored 1:01 of 2:05. Nothing to do." in shown
        assert f"Last call, for its support: <code>{call_id}</code>" in shown


def test_a_fetch_that_was_given_up_is_told_where_it_can_be_gone_on_with(
    viewer: Client, manager: Client, clinic: Clinic
) -> None:
    row = failing_fetch(clinic, "unreachable", "The vendor could not be reached.", ready=True)
    Inquiry.objects.update(next_attempt_at=None, call_id="call-4711")
    why = "What it announces could not be fetched: The vendor could not be reached."
    type(row).objects.filter(pk=row.pk).update(state="failed", problem=why)
    page = manager.get(page_of(row)).content.decode()
    told = "If it lasts, tell the operator. Last call, for its support: call-4711. Process again fetches it now."
    assert why in page
    assert f"It is given up. {told}" in page
    assert 'value="process_again"' in page
    of_request = viewer.get(page_of(row.request)).content.decode()
    assert "Since then the vendor has announced an answer that could not be fetched: The vendor could not" in of_request
    assert why in manager.get(list_of("ingest_callback")).content.decode()


def test_a_transcript_is_offered_while_its_note_is_waited_for(viewer: Client, clinic: Clinic) -> None:
    request = asked(clinic, waiting=True)
    transcript = TranscriptFactory(request=request)
    piece = live(viewer, request).content.decode()
    assert "The transcript is here; the note is not yet." in piece
    assert page_of(transcript) in piece
