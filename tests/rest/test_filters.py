"""What each filter leaves in a list, and that a page costs the same however many rows the list has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.models import Clinic
from ingest.models import AsyncRequest, Session, Submission
from notes.models import Note
from recordings.models import Recording
from tests.factories import (
    AsyncRequestFactory,
    NoteFactory,
    RecordingFactory,
    SessionFactory,
    SubmissionFactory,
    TranscriptFactory,
    VendorAccountFactory,
)
from tests.rest.api import Api, assert_problem


# --- Sessions
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=dictation", True),
        ("kind=ambient", False),
        ("encounter_ref=visit%207", True),
        ("encounter_ref=visit%207%20", False),
        ("encounter_ref=Visit%207", False),
        ("kind=dictation&encounter_ref=visit%207&state=open", True),
    ],
)
def test_sessions(api: Api, clinic: Clinic, query: str, found: bool) -> None:
    session = SessionFactory(clinic=clinic, kind="dictation", encounter_ref="visit 7")
    SessionFactory(kind="dictation", encounter_ref="visit 7")
    assert api.ids(f"sessions?{query}") == ([str(session.pk)] if found else [])


def test_sessions_by_the_time_of_their_making(api: Api, clinic: Clinic) -> None:
    made = [SessionFactory(clinic=clinic) for _ in range(3)]
    middle = made[1].created_at.isoformat().replace("+00:00", "Z")
    assert api.ids(f"sessions?created_since={middle}") == [str(made[2].pk), str(made[1].pk)]
    assert api.ids(f"sessions?created_before={middle}") == [str(made[0].pk)]
    assert api.ids(f"sessions?created_before={middle}&created_since={middle}") == []


@pytest.mark.parametrize("name", ["created_since", "created_before"])
@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_the_ends_of_time_are_times(api: Api, clinic: Clinic, name: str, time: str) -> None:
    SessionFactory(clinic=clinic)
    assert len(api.ids(f"sessions?{name}={time}")) == ((name == "created_since") == (time[0] != "9"))


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("sessions?kind=surgery", "kind"),
        ("sessions?created_since=yesterday", "created_since"),
        ("sessions?encounter_ref=%00", "encounter_ref"),
        ("sessions?encounter_ref=" + "x" * 201, "encounter_ref"),
        ("sessions?encounter_ref=", "encounter_ref"),
        ("requests?vendor=Nabla", "vendor"),
        ("requests?overdue=yes", "overdue"),
        ("requests?overdue=True", "overdue"),
        ("transcripts?request=x", "request"),
        ("notes?request=1", "request"),
        ("notes?updated_before=2026-03-01", "updated_before"),
        ("recordings?vendor=x", "vendor"),
    ],
)
def test_what_a_filter_cannot_read_is_refused(api: Api, path: str, field: str) -> None:
    assert_problem(api.get(path), 422, field)


def test_sessions_are_not_found_by_a_patients_reference(api: Api) -> None:
    assert_problem(api.get("sessions?patient_ref=P-1"), 422, "patient_ref")


# --- Requests, transcripts, recordings
def test_requests(api: Api, clinic: Clinic) -> None:
    def of(vendor: str, **facts: Any) -> str:
        session = SessionFactory(clinic=clinic)
        account = VendorAccountFactory(clinic=clinic, vendor=vendor)
        return str(SubmissionFactory(request__session=session, request__account=account, **facts).request.pk)

    late = timezone.now() - timedelta(days=1)
    nabla = of("nabla", request__vendor="nabla", request__waiting=True, request__waiting_since=late)
    suki = of("suki", request__vendor="suki", request__waiting=True)
    assert api.ids("requests?vendor=suki") == [suki]
    assert api.ids("requests?overdue=true") == [nabla]
    assert api.ids("requests?overdue=false") == [suki]
    assert api.ids("requests?overdue=true&vendor=suki") == []


def test_what_came_of_a_request(api: Api, clinic: Clinic) -> None:
    first, second = (AsyncRequestFactory(session__clinic=clinic, ready=True) for _ in range(2))
    for request in (first, second):
        NoteFactory(request=request)
        TranscriptFactory(request=request)
    assert api.ids(f"notes?request={first.pk}") == [str(first.note.pk)]
    assert api.ids(f"transcripts?request={first.pk}") == [str(first.transcript.pk)]


def test_recordings_by_vendor(api: Api, clinic: Clinic) -> None:
    suki = RecordingFactory(session__clinic=clinic)
    assert api.ids("recordings?vendor=suki") == [str(suki.pk)]
    assert api.ids("recordings?vendor=dragon") == []


@pytest.mark.parametrize("path", ["requests", "transcripts", "notes", "recordings"])
@pytest.mark.parametrize("blanks", ["%20{}", "{}%09", "+{}+"])
def test_blanks_around_an_id_do_no_harm(api: Api, path: str, blanks: str) -> None:
    found = api.get(f"{path}?session={blanks.format(uuid4())}")
    assert (found.status_code, found.json()["results"]) == (200, [])


# --- Notes by their latest change
def test_notes_by_change_are_in_the_order_of_their_changes(api: Api, clinic: Clinic) -> None:
    notes = [NoteFactory(request__session__clinic=clinic) for _ in range(5)]
    days = [3, 5, 1, 5, 2]
    for note, day in zip(notes, days, strict=True):
        Note.objects.filter(pk=note.pk).update(updated_at=datetime(2026, 3, day, tzinfo=UTC))
    by_change = [str(notes[place].pk) for place in (3, 1, 0, 4, 2)]
    assert api.ids("notes?updated_since=2026-03-01T00:00:00Z") == by_change
    assert api.ids("notes?updated_since=2026-03-02T00:00:00Z&updated_before=2026-03-05T00:00:00Z") == by_change[2:4]
    assert read_through(api, "notes?updated_before=2026-03-06T00:00:00Z&limit=2") == by_change
    assert api.ids("notes") == [str(note.pk) for note in reversed(notes)]


def read_through(api: Api, path: str) -> list[str]:
    """Forth to the end, which is what is given, and back to the start."""
    page, pages = api.get(path).json(), []
    pages.append(page)
    while page["next"]:
        pages.append(page := api.get(page["next"]).json())
    for expected in reversed(pages[:-1]):
        page = api.get(page["previous"]).json()
        assert page["results"] == expected["results"]
    assert page["previous"] is None
    return [row["id"] for each in pages for row in each["results"]]


# --- Cost
ROWS = 1500


@pytest.fixture
def many(clinic: Clinic) -> Api:
    """As many rows of each kind."""
    account = VendorAccountFactory(clinic=clinic)
    sessions = Session.objects.bulk_create(a_session(clinic, number) for number in range(ROWS))
    requests = AsyncRequest.objects.bulk_create(a_request(session, account) for session in sessions)
    Submission.objects.bulk_create(a_submission(request) for request in requests)
    Note.objects.bulk_create(a_note(request, number) for number, request in enumerate(requests))
    Recording.objects.bulk_create(a_recording(session, account) for session in sessions)
    with connection.cursor() as cursor:
        for table in TABLES.values():
            cursor.execute(f"REINDEX TABLE {table}")  # it has grown by what other tests wrote and took back
            cursor.execute(f"ANALYZE {table}")
    return Api.of(clinic)


def a_session(clinic: Clinic, number: int) -> Session:
    return Session(clinic=clinic, kind="ambient", language="en-US", consent=True, encounter_ref=f"visit {number}")


def a_request(session: Session, account: Any) -> AsyncRequest:
    facts = {"output_objects": ["note"], "state": "ready", "finished_at": timezone.now(), "submitted_elsewhere": True}
    return AsyncRequest(clinic=session.clinic, session=session, account=account, vendor="nabla", **facts)


def a_submission(request: AsyncRequest) -> Submission:
    facts = {"number": 1, "client_request_id": str(request.pk), "state": "answered"}
    return Submission(clinic=request.clinic, request=request, **facts)


def a_note(request: AsyncRequest, number: int) -> Note:
    """Changed at times that are in no order."""
    changed = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number * 7 % ROWS)
    facts = {"session_id": request.session_id, "vendor": "nabla", "language": "en-US", "updated_at": changed}
    return Note(clinic=request.clinic, request=request, **facts)


def a_recording(session: Session, account: Any) -> Recording:
    return Recording(clinic=session.clinic, session=session, account=account, vendor="suki", vendor_ref=str(session.pk))


TABLES = {
    "sessions": "ingest_session",
    "requests": "ingest_asyncrequest",
    "notes": "notes_note",
    "recordings": "recordings_recording",
}


def seen(api: Api, path: str) -> int:
    """How many rows of its table PostgreSQL looks at for a page."""
    with CaptureQueriesContext(connection) as queries:
        response = api.get(path)
    assert response.status_code == 200, response.content
    asked = next(query["sql"] for query in queries if "LIMIT 51" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked}")
        plan = cursor.fetchone()[0][0]["Plan"]
    table = TABLES[urlsplit(path).path.removeprefix("/api/v1/")]
    scans = [step for step in steps(plan) if step.get("Relation Name") == table]
    return sum(step["Actual Rows"] + step.get("Rows Removed by Filter", 0) for step in scans)


def steps(plan: Any) -> list[Any]:
    return [plan, *(step for inner in plan.get("Plans", ()) for step in steps(inner))]


MIDDLE, SOON, LONG_AGO = "2026-01-01T12:00:00Z", "2999-01-01T00:00:00Z", "2001-01-01T00:00:00Z"
PAGES = [
    "sessions",
    "sessions?state=closed",
    "sessions?kind=dictation",
    "sessions?encounter_ref=visit%207",
    "sessions?encounter_ref=none",
    f"sessions?created_since={SOON}",
    f"sessions?created_before={LONG_AGO}",
    f"sessions?created_since={LONG_AGO}",
    "requests",
    "requests?state=failed",
    "requests?vendor=suki",
    "requests?overdue=true",
    "requests?overdue=false",
    "notes",
    "notes?state=signed",
    f"notes?updated_since={MIDDLE}",
    f"notes?updated_before={MIDDLE}",
    f"notes?updated_since={SOON}",
    f"notes?updated_since={MIDDLE}&state=signed",
    f"notes?updated_since={MIDDLE}&state=needs_review",
    "recordings",
    "recordings?vendor=dragon",
    "recordings?state=lost",
]


def test_a_page_looks_at_hardly_more_rows_than_it_shows(many: Api, clinic: Clinic) -> None:
    following = [link for path in PAGES if (link := many.get(path).json()["next"])]
    assert len(following) == 9
    session: UUID = Session.objects.filter(clinic=clinic).order_by("?")[0].pk
    of_session = [f"{path}?session={session}" for path in ("requests", "notes", "recordings")]
    looked_at = {path: seen(many, path) for path in [*PAGES, *following, *of_session]}
    assert {path: rows for path, rows in looked_at.items() if rows > 60} == {}
