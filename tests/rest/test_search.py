"""REST finds notes by words, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from access.models import Clinic
from tests.factories import AsyncRequestFactory, NoteFactory, TranscriptFactory
from tests.rest.api import Api


def ids(page: dict[str, Any]) -> list[str]:
    return [row["id"] for row in page["results"]]


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
