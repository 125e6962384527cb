"""Lists go on where they ended, whatever is added meanwhile, and cost the same however long they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.models import Clinic
from tests.factories import AsyncRequestFactory, NoteFactory, SessionFactory, SubmissionFactory, TranscriptFactory
from tests.rest.api import Api, ids


@pytest.fixture
def sessions(clinic: Clinic) -> list[str]:
    """Five, newest first."""
    SessionFactory()
    return [str(SessionFactory(clinic=clinic).pk) for _ in range(5)][::-1]


def test_a_list_is_read_to_its_end_and_back(api: Api, sessions: list[str]) -> None:
    first = api.get("sessions?limit=2").json()
    assert (ids(first), first["previous"]) == (sessions[:2], None)
    second = api.get(first["next"]).json()
    assert ids(second) == sessions[2:4]
    third = api.get(second["next"]).json()
    assert (ids(third), third["next"]) == (sessions[4:], None)
    back = api.get(third["previous"]).json()
    assert ids(back) == sessions[2:4]
    front = api.get(back["previous"]).json()
    assert (ids(front), front["previous"]) == (sessions[:2], None)
    assert ids(api.get(front["next"]).json()) == sessions[2:4]


def test_rows_added_meanwhile_shift_nothing(api: Api, sessions: list[str], clinic: Clinic) -> None:
    first = api.get("sessions?limit=2").json()
    newest = str(SessionFactory(clinic=clinic).pk)
    second = api.get(first["next"]).json()
    assert ids(second) == sessions[2:4]
    back = api.get(second["previous"]).json()
    assert ids(back) == sessions[:2]
    assert ids(api.get(back["previous"]).json()) == [newest]


def test_a_page_that_is_just_full_is_the_last(api: Api, sessions: list[str]) -> None:
    page = api.get("sessions?limit=5").json()
    assert (ids(page), page["next"], page["previous"]) == (sessions, None, None)


def test_links_are_whole_and_keep_the_filters(api: Api, sessions: list[str]) -> None:
    following = api.get("sessions?state=open&limit=2").json()["next"]
    assert following.startswith("http://testserver/api/v1/sessions?")
    assert "state=open" in following
    assert "limit=2" in following


def test_a_page_holds_fifty_unless_asked_otherwise(api: Api, clinic: Clinic) -> None:
    SessionFactory.create_batch(51, clinic=clinic)
    assert len(ids(api.get("sessions").json())) == 50
    assert len(ids(api.get("sessions?limit=200").json())) == 51


def test_an_empty_list_is_a_list(api: Api) -> None:
    assert api.get("sessions").json() == {"next": None, "previous": None, "results": []}


def result(clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, ready=True)
    SubmissionFactory(request=request)
    NoteFactory(request=request)
    TranscriptFactory(request=request)


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("sessions", 2),  # the key, the rows
        ("requests", 3),  # and their submissions
        ("transcripts", 2),
        ("notes", 2),
        ("notes?q=knee", 8),  # the words in each language, how many there may be, which, and four to end that in time
        ("notes?include=sections", 5),  # and the addenda, and the access log
        ("notes?include=sections,transcript", 7),
    ],
)
def test_a_list_costs_the_same_queries_however_long(
    api: Api, clinic: Clinic, path: str, queries: int, django_assert_num_queries: Callable[[int], Any]
) -> None:
    result(clinic)
    api.get(path)  # the key's first use in a minute is noted
    with django_assert_num_queries(queries):
        assert len(api.get(path).json()["results"]) == 1
    for _ in range(4):
        result(clinic)
    with django_assert_num_queries(queries):
        assert len(api.get(path).json()["results"]) == 5


@pytest.mark.parametrize("path", ["transcripts", "notes", "notes?include=sections"])
def test_a_list_reads_no_column_that_it_does_not_show(api: Api, clinic: Clinic, path: str) -> None:
    result(clinic)
    with CaptureQueriesContext(connection) as queries:
        api.get(path)
    asked = " ".join(query["sql"] for query in queries)
    assert '"search"' not in asked
    assert '"lines"' not in asked
