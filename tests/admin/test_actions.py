"""Every button of a page, and every action of a list, is pressed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.models import AccessEntry, ApiKey, Clinic
from feed.models import Event
from ingest.models import AsyncRequest, Callback, Session
from tests.admin.conftest import signed_in
from tests.admin.rows import list_of, page_of
from tests.factories import (
    ApiKeyFactory,
    AsyncRequestFactory,
    CallbackFactory,
    MembershipFactory,
    SessionFactory,
    SubmissionFactory,
)


def press(desk: Client, row: Any, action: str) -> list[str]:
    """Presses the button on the row's page; what the person is then told."""
    response = desk.post(page_of(row, "press"), {"action": action, "confirm": "yes"}, follow=True)
    assert response.redirect_chain == [(page_of(row), 302)]
    row.refresh_from_db()
    return told(response)


def act(desk: Client, rows: list[Any], action: str) -> list[str]:
    """Runs the list's action on the rows; what the person is then told."""
    address = list_of(f"{rows[0]._meta.app_label}_{rows[0]._meta.model_name}")
    answers = {"action": action, "_selected_action": [row.pk for row in rows], "confirm": "yes"}
    response = desk.post(address, answers, follow=True)
    assert response.redirect_chain == [(address, 302)]
    for row in rows:
        row.refresh_from_db()
    return told(response)


def told(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def offered(desk: Client, row: Any) -> list[str]:
    page = desk.get(page_of(row)).content.decode()
    return [name for name in ("close", "retry", "cancel", "process_again", "revoke") if f'value="{name}"' in page]


def logged_changes() -> list[tuple[str, list[str]]]:
    entries = AccessEntry.objects.filter(action="changed")
    return [(entry.object_type, [str(key) for key in entry.object_ids]) for entry in entries]


@pytest.fixture
def failed(clinic: Clinic) -> AsyncRequest:
    return SubmissionFactory(request__session__clinic=clinic, request__failed=True).request


# --- Requests
OFFERED = [
    ({}, ["retry", "cancel"]),
    ({"state": "submitting"}, ["cancel"]),
    ({"waiting": True}, ["cancel"]),
    ({"waiting": True, "waiting_since": timezone.now() - timedelta(hours=5)}, ["retry", "cancel"]),
    ({"waiting": True, "submitted_elsewhere": True}, ["cancel"]),
    ({"failed": True}, ["retry", "cancel"]),
    ({"ready": True}, []),
    ({"cancelled": True}, []),
]


@pytest.mark.parametrize(("state", "buttons"), OFFERED)
def test_a_page_offers_what_makes_sense(
    manager: Client, viewer: Client, clinic: Clinic, state: dict[str, Any], buttons: list[str]
) -> None:
    request = SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic, **state)).request
    assert offered(manager, request) == buttons
    assert offered(viewer, request) == []


def test_retry_on_the_page(manager: Client, failed: AsyncRequest) -> None:
    assert press(manager, failed, "retry") == ["It is on its way to the vendor again."]
    assert failed.state == "queued"
    assert failed.submissions.count() == 2
    assert logged_changes() == [("asyncrequest", [str(failed.pk)])]


def test_cancel_on_the_page(manager: Client, failed: AsyncRequest) -> None:
    assert press(manager, failed, "cancel") == ["It is cancelled."]
    assert failed.state == "cancelled"


def test_what_cannot_be_done_now_is_said(manager: Client, clinic: Clinic) -> None:
    ready = SubmissionFactory(request__session__clinic=clinic, request__ready=True).request
    assert press(manager, ready, "retry") == ["Not done: Its result is there already."]
    assert press(manager, ready, "cancel") == ["Not done: Its result is there already."]
    assert ready.state == "ready"
    assert not logged_changes()


def test_retry_and_cancel_for_several(manager: Client, clinic: Clinic, failed: AsyncRequest) -> None:
    second = SubmissionFactory(request__session__clinic=clinic, request__failed=True).request
    ready = SubmissionFactory(request__session__clinic=clinic, request__ready=True).request
    assert act(manager, [failed, second, ready], "retry") == [
        "It is on its way to the vendor again. (2 of them)",
        "Not done: Its result is there already.",
    ]
    assert [failed.state, second.state, ready.state] == ["queued", "queued", "ready"]
    assert act(manager, [failed, second], "cancel") == ["It is cancelled. (2 of them)"]
    assert [failed.state, second.state] == ["cancelled", "cancelled"]


def test_an_operator_may_too(operator: Client, failed: AsyncRequest) -> None:
    assert act(operator, [failed], "retry") == ["It is on its way to the vendor again."]


@pytest.mark.parametrize("action", ["retry", "cancel", "delete_selected", "no_such_action", ""])
def test_those_who_only_read_press_nothing(viewer: Client, reviewer: Client, failed: AsyncRequest, action: str) -> None:
    for desk in (viewer, reviewer):
        assert desk.post(page_of(failed, "press"), {"action": action}).status_code == 403
        desk.post(list_of("ingest_asyncrequest"), {"action": action, "_selected_action": [failed.pk]})
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_a_manager_elsewhere_changes_nothing_here(clinic: Clinic, other_clinic: Clinic, failed: AsyncRequest) -> None:
    person = MembershipFactory(clinic=other_clinic, role="manager").user
    MembershipFactory(clinic=clinic, role="viewer", user=person)
    desk = signed_in(person)
    assert desk.post(page_of(failed, "press"), {"action": "retry"}).status_code == 403
    assert act(desk, [failed], "retry") == ["Not done: Only a manager of its clinic may do this."]
    assert failed.state == "failed"


def test_a_stranger_selects_in_vain(colleague_elsewhere: Client, failed: AsyncRequest) -> None:
    act(colleague_elsewhere, [failed], "cancel")
    assert failed.state == "failed"


def test_a_button_is_pressed_by_post_alone_and_with_its_token(manager: Client, failed: AsyncRequest) -> None:
    assert manager.get(page_of(failed, "press"), {"action": "cancel"}).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = manager.cookies
    assert strict.post(page_of(failed, "press"), {"action": "cancel"}).status_code == 403
    failed.refresh_from_db()
    assert failed.state == "failed"


# --- Sessions
def test_close_a_session(manager: Client, clinic: Clinic) -> None:
    session = SessionFactory(clinic=clinic)
    assert offered(manager, session) == ["close"]
    assert press(manager, session, "close") == ["The session is closed: it takes no more audio."]
    assert session.state == Session.State.CLOSED
    assert offered(manager, session) == []
    assert press(manager, session, "close")  # twice is no harm
    assert Event.objects.filter(kind="session.closed").count() == 1


def test_close_several(manager: Client, clinic: Clinic) -> None:
    sessions = [SessionFactory(clinic=clinic), SessionFactory(clinic=clinic, state="recording")]
    act(manager, sessions, "close")
    assert [session.state for session in sessions] == ["closed", "closed"]


# --- Callbacks
def callback(clinic: Clinic, state: str, **fields: Any) -> Callback:
    made: Callback = CallbackFactory(
        submission__request__session__clinic=clinic, submission__request__ready=True, state=state, **fields
    )
    return made


@pytest.mark.parametrize("state", ["failed", "junk", "mismatch", "not_applied", "stored", "notice"])
def test_process_a_callback_again(manager: Client, viewer: Client, clinic: Clinic, state: str) -> None:
    row = callback(clinic, state, attempts=7)
    assert offered(manager, row) == ["process_again"]
    assert offered(viewer, row) == []
    (said,) = press(manager, row, "process_again")
    assert said.startswith("It is processed again; look in a few seconds. <a ")
    assert (row.state, row.attempts) == ("stored", 0)
    assert row.next_attempt_at is not None


@pytest.mark.parametrize("state", ["applied", "duplicate", "conflict"])
def test_what_is_settled_is_not_processed_again(manager: Client, clinic: Clinic, state: str) -> None:
    row = callback(clinic, state)
    assert offered(manager, row) == []
    assert press(manager, row, "process_again")[0].startswith("Not done: It has been applied already")
    assert row.state == state


def test_process_several_again(manager: Client, clinic: Clinic) -> None:
    rows = [callback(clinic, "junk"), callback(clinic, "failed"), callback(clinic, "applied")]
    assert len(act(manager, rows, "process_again")) == 2
    assert [row.state for row in rows] == ["stored", "stored", "applied"]


# --- API keys
def test_revoke_a_key_on_its_page_and_in_the_list(manager: Client, clinic: Clinic) -> None:
    first, second = ApiKeyFactory(clinic=clinic), ApiKeyFactory(clinic=clinic)
    assert offered(manager, first) == ["revoke"]
    press(manager, first, "revoke")
    assert offered(manager, first) == []
    revoked_at = first.revoked_at
    act(manager, [first, second], "revoke")
    assert first.revoked_at == revoked_at
    assert ApiKey.objects.filter(revoked_at=None).count() == 0
