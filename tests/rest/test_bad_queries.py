from __future__ import annotations

import pytest

from access.models import Clinic
from tests.factories import NoteFactory
from tests.rest.api import Api, assert_problem

LISTS = ["sessions", "requests", "transcripts", "notes"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["", "0", "-1", "201", "1.5", "x", "1" * 5000, "%00", "%FF", "٣"])
def test_a_limit_that_is_no_small_number_is_refused(api: Api, path: str, limit: str) -> None:
    assert_problem(api.get(f"{path}?limit={limit}"), 422, "limit")


@pytest.mark.parametrize("path", LISTS[1:])
@pytest.mark.parametrize("session", ["", " ", "x", "%00", "1", "0" * 33, "%FF", "[]"])
def test_a_session_that_is_no_id_is_refused(api: Api, path: str, session: str) -> None:
    assert_problem(api.get(f"{path}?session={session}"), 422, "session")


@pytest.mark.parametrize("path", ["sessions", "requests", "notes"])
@pytest.mark.parametrize("state", ["", "x", "Open", "%00", "%FF", "open,closed", "x" * 3000])
def test_an_unknown_state_is_refused(api: Api, path: str, state: str) -> None:
    assert_problem(api.get(f"{path}?state={state}"), 422, "state")


@pytest.mark.parametrize(
    "since",
    ["", "x", "2026-03-01", "2026-03-01T09:30:00", "%00", "1e9", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z"],
)
def test_a_time_that_is_none_is_refused(api: Api, since: str) -> None:
    assert_problem(api.get(f"notes?updated_since={since}"), 422, "updated_since")


@pytest.mark.parametrize("words", ["", "%20", "%00", "knee%00", "x" * 201])
def test_words_that_cannot_be_looked_for_are_refused(api: Api, words: str) -> None:
    assert_problem(api.get(f"notes?q={words}"), 422, "q")


@pytest.mark.parametrize("include", ["", "x", "sections,", "sections transcript", "%00", "search"])
def test_what_cannot_be_included_is_refused(api: Api, clinic: Clinic, include: str) -> None:
    note = NoteFactory(request__session__clinic=clinic)
    assert_problem(api.get(f"notes?include={include}"), 422, "include")
    assert_problem(api.get(f"notes/{note.pk}?include={include}"), 422, "include")
