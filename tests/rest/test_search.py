"""REST finds notes by words, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from access.models import Clinic
from notes.api import NoteList
from notes.models import Note
from tests.factories import AsyncRequestFactory, NoteFactory, TranscriptFactory
from tests.notes.slow import looked_at, make_slow
from tests.rest.api import Api, assert_problem, ids


@pytest.fixture
def knees(clinic: Clinic) -> list[str]:
    """Five, newest first, with others between them."""
    made = []
    for _ in range(5):
        made.append(str(NoteFactory(request__session__clinic=clinic).pk))
        NoteFactory(request__session__clinic=clinic, title="Elbow", text="The elbow.")
    return made[::-1]


def test_what_is_found_is_read_to_its_end_and_back(api: Api, knees: list[str]) -> None:
    first = api.get("notes?q=knee&limit=2").json()
    assert (ids(first), first["previous"]) == (knees[:2], None)
    second = api.get(first["next"]).json()
    assert ids(second) == knees[2:4]
    third = api.get(second["next"]).json()
    assert (ids(third), third["next"]) == (knees[4:], None)
    assert ids(api.get(third["previous"]).json()) == knees[2:4]


def test_a_note_is_found_by_what_was_said(api: Api, clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, ready=True)
    TranscriptFactory(request=request, lines=[{"text": "It clicks on stairs.", "speaker": "patient"}])
    note = NoteFactory(request=request)
    assert ids(api.get("notes?q=click").json()) == [str(note.pk)]


def test_words_and_filters_together(api: Api, clinic: Clinic, knees: list[str]) -> None:
    rejected = NoteFactory(request__session__clinic=clinic, state="rejected")
    assert ids(api.get("notes?q=knee&state=rejected").json()) == [str(rejected.pk)]
    assert ids(api.get("notes?q=elbow&state=rejected").json()) == []


@pytest.mark.parametrize("words", ["the", "%3F%21", "-", '""', "OR", "%22", "'"])
def test_what_finds_nothing_is_an_empty_page(api: Api, knees: list[str], words: str) -> None:
    assert api.get(f"notes?q={words}").json() == {"next": None, "previous": None, "results": []}


def test_another_clinics_words_are_not_found(stranger: Api, knees: list[str]) -> None:
    assert ids(stranger.get("notes?q=knee").json()) == []


DAY = 24 * 3600 * 1000 << 80


@pytest.fixture
def old_knees(clinic: Clinic) -> list[str]:
    """Four, newest first, months apart."""
    made = NoteFactory(request__session__clinic=clinic).pk
    for days in (50, 200, 800):
        NoteFactory(pk=UUID(int=made.int - days * DAY), request__session__clinic=clinic)
    return [str(pk) for pk in Note.objects.order_by("-pk").values_list("pk", flat=True)]


#: What look_at (tests/notes/slow.py) does besides being slow.
ENDING = """
CREATE FUNCTION look_at(one uuid, slow uuid, seconds float8) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION USING ERRCODE = 'admin_shutdown';
END $$
"""
ONCE = """
CREATE SEQUENCE looks;
CREATE FUNCTION look_at(one uuid, slow uuid, seconds float8) RETURNS boolean COST 100000 LANGUAGE plpgsql AS $$ BEGIN
    RETURN one <> slow OR nextval('looks') = 1;
END $$
"""


def look_slowly(slow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows_of = NoteList.get_queryset
    monkeypatch.setattr(NoteList, "get_queryset", lambda view: looked_at(rows_of(view), slow, 0.5))


def pages(api: Api, path: str | None, onwards: str = "next") -> Iterator[dict[str, Any]]:
    while path:
        page = api.get(path).json()
        yield page
        path = page[onwards]


@pytest.mark.parametrize("place", range(4))
def test_what_takes_long_comes_on_several_pages(
    api: Api, old_knees: list[str], place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row takes half a second to look at, as many thousands would. What cannot be begun in time takes its time."""
    make_slow()
    look_slowly(old_knees[place], monkeypatch)
    monkeypatch.setattr("notes.api.PATIENCE_SECONDS", 0.1)
    onwards = list(pages(api, "notes?q=knee"))
    assert [pk for page in onwards for pk in ids(page)] == old_knees
    assert (len(onwards) > 1) == (place > 0)
    back = list(pages(api, onwards[-1]["previous"], "previous")) if ids(onwards[-1]) else []
    assert [pk for page in back for pk in ids(page)[::-1]] == old_knees[::-1][len(ids(onwards[-1])) :]


def test_a_search_that_finds_no_time_at_all_is_to_be_tried_again(
    api: Api, old_knees: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_slow()
    look_slowly(old_knees[0], monkeypatch)
    monkeypatch.setattr("notes.api.PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("notes.api.LAST_SECONDS", 0.1)
    assert_problem(api.get("notes?q=knee"), 503)


def test_a_database_that_goes_away_meanwhile_is_unavailable(
    api: Api, old_knees: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ENDING)
    look_slowly(old_knees[0], monkeypatch)
    assert_problem(api.get("notes?q=knee"), 503)


def test_one_that_is_claimed_meanwhile_ends_no_list(
    api: Api, old_knees: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there when it is looked for, and not when it is read."""
    with connection.cursor() as cursor:
        cursor.execute(ONCE)
    look_slowly(old_knees[0], monkeypatch)
    assert [pk for page in pages(api, "notes?q=knee&limit=1") for pk in ids(page)] == old_knees[1:]
