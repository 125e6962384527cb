"""Every field of every body: of the wrong type, missing, too long, with characters that no column takes."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from access.models import Clinic
from feed.models import Event
from ingest.models import AsyncRequest, Session, Submission
from tests.factories import AudioFactory, RecordingFactory, SessionFactory, SubmissionFactory, VendorAccountFactory
from tests.rest.api import Api, assert_problem

SESSION = {"kind": "ambient", "language": "en-US", "consent": True}
REQUEST = {"vendor": "nabla", "output_objects": ["note"]}

NO_STRING: list[Any] = [None, True, 0, 1.5, -(10**400), [], ["x"], {}, {"a": "b"}, [[[[]]]]]
NO_TEXT = ["\0", "a\0b", "\ud800", "a\udfffb"]
NO_FLAG: list[Any] = [None, 0, 1, "true", "", [], {}, 10**400]
NO_MOMENT = [
    *("", "now", "2026-03-01", "2026-03-01T09:30:00", "2026-13-01T09:30:00Z", "2026-03-01T24:30:00Z", "\0", "\ud800"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-01T09:30:00+99:00", "٢٠٢٦-03-01T09:30:00Z"),
    *(0, 1e300, True, [], {}, "2026-03-01T09:30:00Z" * 1000),
]
NO_ID = ["", "x", "\0", "\ud800", 1, -1, 10**100, True, None, [], {}, "0" * 33, "f" * 100_000]

BAD_SESSIONS: dict[str, list[Any]] = {
    "kind": [*NO_STRING, *NO_TEXT, "", "Ambient", "x" * 100_000],
    "language": [
        *NO_STRING,
        *NO_TEXT,
        "",
        " ",
        "en_US",
        "en-US ",
        "e",
        "englisch",
        "en-",
        "en-" + "a-" * 17 + "ab",
        "é",
        "en\n",
    ],
    "encounter_ref": [*NO_STRING, *NO_TEXT, "x" * 201],
    "patient_ref": [*NO_STRING, *NO_TEXT, "x" * 201],
    "clinician_ref": [*NO_STRING, *NO_TEXT, "x" * 201],
    "started_at": NO_MOMENT,
    "consent": NO_FLAG,
}
BAD_REQUESTS: dict[str, list[Any]] = {
    "vendor": [*NO_STRING, *NO_TEXT, "", " ", "x" * 21],
    "audio": NO_ID,
    "output_objects": [None, True, 1, "note", {}, [], ["note", "note"], ["note"] * 11],
    "output_objects.0": [["x"], [None], [1], [[]], [{}], ["\0"], ["\ud800"], ["x" * 100_000]],
    "language": [*NO_STRING, *NO_TEXT, "", "en_US", "x" * 36],
    "split_by_sentence": NO_FLAG,
    "section_style": [*NO_STRING, *NO_TEXT, "", "x" * 41, "rhyme"],
    "split_by_problem": NO_FLAG,
    "note_template": [*NO_STRING, *NO_TEXT, "", "x" * 61, "POETRY"],
    "client_request_id": [*NO_STRING, *NO_TEXT, "", "x" * 129],
    "submitted_elsewhere": NO_FLAG,
}


def cases(bad: dict[str, list[Any]]) -> list[Any]:
    numbered = ((field, number, value) for field, values in bad.items() for number, value in enumerate(values))
    return [pytest.param(field, value, id=f"{field}-{number}") for field, number, value in numbered]


@pytest.fixture
def session(clinic: Clinic) -> Session:
    VendorAccountFactory(clinic=clinic)
    return AudioFactory(session=SessionFactory(clinic=clinic)).session


@pytest.mark.parametrize(("field", "value"), cases(BAD_SESSIONS))
def test_a_session_with_a_bad_field_is_refused(api: Api, field: str, value: Any) -> None:
    assert_problem(api.post("sessions", SESSION | {field: value}), 422, field)
    assert not Session.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize(("field", "value"), cases(BAD_REQUESTS))
def test_a_request_with_a_bad_field_is_refused(api: Api, session: Session, field: str, value: Any) -> None:
    body = REQUEST | {field.partition(".")[0]: value}
    assert_problem(api.post(f"sessions/{session.pk}/requests", body), 422, field)
    assert not AsyncRequest.objects.exists()
    assert not Submission.objects.exists()


@pytest.mark.parametrize("field", SESSION)
def test_a_session_with_a_missing_field_is_refused(api: Api, field: str) -> None:
    body = {name: value for name, value in SESSION.items() if name != field}
    assert_problem(api.post("sessions", body), 422, field)


@pytest.mark.parametrize("field", REQUEST)
def test_a_request_with_a_missing_field_is_refused(api: Api, session: Session, field: str) -> None:
    body = {name: value for name, value in REQUEST.items() if name != field}
    assert_problem(api.post(f"sessions/{session.pk}/requests", body), 422, field)


def test_every_wrong_field_is_named_at_once(api: Api) -> None:
    assert_problem(api.post("sessions", {"kind": 1, "consent": 1}), 422, "kind", "language", "consent")


@pytest.mark.parametrize("path", ["sessions", "sessions/{}/requests", "recordings"])
def test_a_member_that_there_is_not_is_refused_beside_the_fields_that_are_wrong(
    api: Api, session: Session, path: str
) -> None:
    """A misspelt submitted_elsewhere, passed over, would send the audio."""
    path = path.format(session.pk)
    wrong = {error["field"] for error in api.post(path, {}).json()["errors"]}
    said = assert_problem(
        api.post(path, {"submited_elsewhere": True, "Ä": 1}), 422, "submited_elsewhere", "body", *wrong
    )
    (unknown,) = (error for error in said["errors"] if error["field"] == "submited_elsewhere")
    assert unknown["detail"].startswith("There is no such member. There are: ")


@pytest.mark.parametrize("action", ["requests/{}/retry", "requests/{}/cancel", "recordings/{}/link"])
def test_what_takes_no_body_refuses_one_with_members(api: Api, clinic: Clinic, action: str) -> None:
    """A download said there, and not in the address, would give links for playing."""
    SubmissionFactory(request__session__clinic=clinic, request__pk=(pk := uuid4()))
    path = action.format(pk if "requests" in action else RecordingFactory(session__clinic=clinic).pk)
    assert_problem(api.post(path, {"download": True}), 422, "download")
    assert_problem(api.post(path, [1]), 422, "body")
    assert_problem(api.post(path, b"{"), 400)
    assert AsyncRequest.objects.get().state == "queued"


def test_without_a_body_every_required_field_is_missing(api: Api) -> None:
    assert_problem(api.post("sessions"), 422, *SESSION)


def test_a_refusal_does_not_repeat_what_was_sent(api: Api) -> None:
    response = api.post("sessions", dict.fromkeys(BAD_SESSIONS, "the patient's words " * 20))
    assert b"words" not in response.content
