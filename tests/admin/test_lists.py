"""Lists cost the same whether they hold three rows or thirty, and never count without an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.desk.lists import CappedPaginator
from access.models import Clinic
from ingest.models import AsyncRequest
from tests.admin.rows import FOR_MANAGERS, FOR_MEMBERS, FOR_OPERATORS, consultation, list_of, page_of
from tests.factories import (
    AsyncRequestFactory,
    CallbackFactory,
    EventFactory,
    MembershipFactory,
    NoteFactory,
    SubmissionFactory,
)

LISTS = [*FOR_MEMBERS, *FOR_MANAGERS, *FOR_OPERATORS]


def fill(clinic: Clinic, number: int) -> None:
    for _ in range(number):
        consultation(clinic)
        MembershipFactory(clinic=clinic)
        EventFactory(clinic=clinic)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_at_three_and_at_thirty_rows(
    operator: Client, clinic: Clinic, name: str, django_assert_num_queries: Any
) -> None:
    fill(clinic, 3)
    with CaptureQueriesContext(connection) as few:
        assert operator.get(list_of(name)).status_code == 200
    fill(clinic, 27)
    with django_assert_num_queries(len(few)):
        assert operator.get(list_of(name)).status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_every_count_ends_somewhere(operator: Client, clinic: Clinic, name: str) -> None:
    fill(clinic, 1)
    with CaptureQueriesContext(connection) as queries:
        operator.get(list_of(name))
    counts = [query["sql"] for query in queries if query["sql"].startswith("SELECT COUNT(*)")]
    assert counts
    assert all(f"LIMIT {CappedPaginator.MOST}" in sql for sql in counts)


@pytest.mark.parametrize(
    ("name", "heavy"),
    [
        ("ingest_callback", '"body"'),
        ("notes_transcript", '"lines"'),
        ("notes_note", '"search"'),
        ("ingest_vendoraccount", '"encrypted_credentials"'),
        ("access_apikey", '"digest"'),
    ],
)
def test_a_list_leaves_heavy_columns_where_they_are(operator: Client, clinic: Clinic, name: str, heavy: str) -> None:
    fill(clinic, 1)
    with CaptureQueriesContext(connection) as queries:
        operator.get(list_of(name))
    read = [query["sql"].partition(" FROM ")[0].replace(f"{heavy} IS NOT NULL", "") for query in queries]
    assert not [sql for sql in read if heavy in sql]


def test_a_long_list_says_that_there_is_more(operator: Client, clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CappedPaginator, "MOST", 2)
    fill(clinic, 3)
    assert "The newest 2 of about" in operator.get(list_of("ingest_session")).content.decode()


def test_pages_of_fifty(manager: Client, clinic: Clinic) -> None:
    AsyncRequestFactory.reset_sequence()
    requests = [SubmissionFactory(request__session__clinic=clinic).request for _ in range(51)]
    first, second = (manager.get(list_of("ingest_asyncrequest") + f"?p={n}").content.decode() for n in (1, 2))
    assert page_of(requests[-1]) in first
    assert page_of(requests[0]) not in first
    assert page_of(requests[0]) in second


def asked(manager: Client, name: str, query: str) -> str:
    response = manager.get(f"{list_of(name)}?{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("query", ["state__exact=failed", "vendor=nabla", "since=day", "overdue=yes"])
def test_requests_are_narrowed(manager: Client, clinic: Clinic, query: str) -> None:
    long_ago = timezone.now() - timedelta(hours=2)
    failed = SubmissionFactory(request__session__clinic=clinic, request__failed=True).request
    overdue = SubmissionFactory(request__session__clinic=clinic, request__waiting=True).request
    AsyncRequest.objects.filter(pk=overdue.pk).update(waiting_since=long_ago)
    ready = SubmissionFactory(request__session__clinic=clinic, request__ready=True).request
    shown = asked(manager, "ingest_asyncrequest", query)
    expected = {"state__exact=failed": [failed], "overdue=yes": [overdue]}.get(query, [failed, overdue, ready])
    assert [row for row in (failed, overdue, ready) if page_of(row) in shown] == expected


def test_overdue_and_the_reason_stand_in_the_list(manager: Client, clinic: Clinic) -> None:
    overdue = SubmissionFactory(request__session__clinic=clinic, request__waiting=True).request
    AsyncRequest.objects.filter(pk=overdue.pk).update(waiting_since=timezone.now() - timedelta(hours=2))
    SubmissionFactory(request__session__clinic=clinic, request__failed=True)
    shown = asked(manager, "ingest_asyncrequest", "")
    assert '<span class="lp-mark lp-overdue">overdue</span>' in shown
    assert "The vendor refused." in shown


def test_callbacks_with_a_problem(manager: Client, clinic: Clinic) -> None:
    rows = {state: CallbackFactory(submission__request__session__clinic=clinic, state=state) for state in STATES}
    shown = asked(manager, "ingest_callback", "problem=yes")
    assert {state for state, row in rows.items() if page_of(row) in shown} == {"junk", "conflict", "mismatch", "failed"}


STATES = ["stored", "applied", "duplicate", "conflict", "mismatch", "not_applied", "junk", "failed"]


def test_notes_by_state_template_and_time(manager: Client, clinic: Clinic) -> None:
    note = NoteFactory(request__session__clinic=clinic, template="GENERIC_SOAP")
    long_ago = UUID(int=int((timezone.now() - timedelta(days=40)).timestamp() * 1000) << 80)
    old = NoteFactory(pk=long_ago, request__session__clinic=clinic, template="PSYCHOLOGY", state="approved")
    for query, expected in (
        ("state__exact=needs_review", [note]),
        ("template=PSYCHOLOGY", [old]),
        ("since=week", [note]),
        ("", [note, old]),
    ):
        shown = asked(manager, "notes_note", query)
        assert [row for row in (note, old) if page_of(row) in shown] == expected, query


def test_times_are_the_clinics_own(manager: Client, clinic: Clinic) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(time_zone="Asia/Tokyo")
    note = NoteFactory(request__session__clinic=clinic, created_at=datetime(2026, 3, 4, 20, 5, tzinfo=UTC))
    assert "5 Mar 2026, 05:05" in asked(manager, "notes_note", "")
    assert "5 Mar 2026, 05:05" in manager.get(page_of(note)).content.decode()


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("parameter", ["state", "vendor", "since", "q", "p", "%00"])
def test_what_no_column_can_hold_is_not_looked_for(operator: Client, clinic: Clinic, name: str, parameter: str) -> None:
    operator.raise_request_exception = False
    assert operator.get(f"{list_of(name)}?{parameter}=a%00b").status_code == 400


def test_days_are_whole_ones_of_the_clinic(manager: Client, clinic: Clinic) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(time_zone="Asia/Tokyo")
    moments = [datetime(2026, 3, day, hour, tzinfo=UTC) for day, hour in ((3, 14), (3, 15), (4, 14), (4, 15))]
    ids = [UUID(int=int(moment.timestamp() * 1000) << 80) for moment in moments]
    notes = [NoteFactory(pk=pk, request__session__clinic=clinic) for pk in ids]
    for query, expected in (
        ("day__from=2026-03-04&day__to=2026-03-04", notes[1:3]),
        ("day__from=2026-03-05", notes[3:]),
        ("day__to=2026-03-03&state__exact=needs_review", notes[:1]),
        ("day__from=2026-03-05&day__to=2026-03-03", []),
        ("day__from=tomorrow&day__to=0001-01-01", notes),
        ("day__from=9999-12-31&day__to=", notes),
    ):
        shown = asked(manager, "notes_note", query)
        assert [row for row in notes if page_of(row) in shown] == expected, query


def test_days_go_on_with_the_other_filters(manager: Client, clinic: Clinic) -> None:
    shown = asked(manager, "notes_note", "state__exact=signed&day__from=2026-03-04&p=1")
    assert '<input type="hidden" name="state__exact" value="signed">' in shown
    assert 'name="day__from" value="2026-03-04"' in shown
    assert "?day__from=2026-03-04&amp;since=week&amp;state__exact=signed" in shown
