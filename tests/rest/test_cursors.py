"""A cursor leads back to its place in its list of its clinic, and anything else is refused: never read as another."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from access.models import Clinic
from config import cursors
from config.paging import ByTime
from tests.factories import AudioFactory, NoteFactory, SessionFactory
from tests.rest.api import Api, assert_problem

LISTS = ["sessions", "requests", "transcripts", "notes", "recordings"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def cursor(page: Any, link: str = "next") -> str:
    return parse_qs(urlsplit(page.json()[link]).query)["cursor"][0]


@pytest.fixture
def given(api: Api, clinic: Clinic) -> str:
    """A cursor of the list of sessions."""
    SessionFactory.create_batch(3, clinic=clinic)
    return cursor(api.get("sessions?limit=1"))


def refused(api: Api, path: str, text: str) -> None:
    address = f"{path}{'&' if '?' in path else '?'}{urlencode({'cursor': text})}"
    problem = assert_problem(api.get(address), 422, "cursor")
    assert problem["errors"][0]["detail"] == "Take a cursor from next or previous as it is."


def test_a_cursor_with_one_letter_changed_is_refused(api: Api, given: str) -> None:
    assert len(given) == 32
    for place, letter in enumerate(given):
        other = LETTERS[LETTERS.index(letter) ^ 1]
        refused(api, "sessions", given[:place] + other + given[place + 1 :])


def test_a_cursor_cut_short_is_refused(api: Api, given: str) -> None:
    for length in range(len(given)):
        refused(api, "sessions", given[:length])


def test_a_cursor_has_one_spelling(api: Api, given: str) -> None:
    padded = [given + "=", given + "====", given + "\n", " " + given, given + "A", given * 2, given * 1000]
    altered = [given[:5] + "\n" + given[5:], given.swapcase(), given[::-1], given + "é", "\u0661" + given[1:]]
    for text in [*padded, *altered]:
        refused(api, "sessions", text)


@pytest.mark.parametrize("text", ["", "x", "%00", "\0", "é", "====", "*" * 32, "A" * 32, "null", "-" * 32])
@pytest.mark.parametrize("path", LISTS)
def test_what_is_no_cursor_is_refused(api: Api, path: str, text: str) -> None:
    refused(api, path, text)


@pytest.mark.parametrize("path", LISTS[1:])
def test_a_cursor_of_another_list_is_refused(api: Api, given: str, path: str) -> None:
    refused(api, path, given)


def test_a_cursor_of_another_sessions_audio_is_refused(api: Api, clinic: Clinic) -> None:
    one, other = AudioFactory(session__clinic=clinic).session, AudioFactory(session__clinic=clinic).session
    AudioFactory(session=one, number=2)
    refused(api, f"sessions/{other.pk}/audio", cursor(api.get(f"sessions/{one.pk}/audio?limit=1")))


def test_a_cursor_of_another_clinic_is_refused(stranger: Api, given: str) -> None:
    refused(stranger, "sessions", given)


def test_a_cursor_of_another_order_is_refused(api: Api, clinic: Clinic) -> None:
    NoteFactory.create_batch(2, request__session__clinic=clinic)
    by_id = cursor(api.get("notes?limit=1"))
    by_change = cursor(api.get("notes?limit=1&updated_since=2020-01-01T00:00:00Z"))
    refused(api, "notes", by_change)
    refused(api, "notes?updated_since=2020-01-01T00:00:00Z", by_id)


def test_a_made_up_one_that_fits_leads_nowhere_else(api: Api, stranger: Api, given: str, clinic: Clinic) -> None:
    """There is no secret in it: what keeps clinics apart is that every query is by clinic."""
    NoteFactory()
    for direction in (b"<", b">"):
        made = cursors.write("/api/v1/notes id", clinic.pk, direction + b"\xff" * 16)
        assert api.get(f"notes?cursor={made}").json()["results"] == []
    refused(api, "notes", cursors.write("/api/v1/notes id", clinic.pk, b"?" + b"\1" * 16))
    for passed in (b"\x7f" + b"\xff" * 7, b"\x80" + b"\0" * 7):
        beyond = cursors.write("/api/v1/notes updated_at", clinic.pk, b"<" + passed + b"\1" * 16)
        refused(api, "notes?updated_since=2020-01-01T00:00:00Z", beyond)


def test_a_cursor_goes_on_under_another_filter_and_limit(api: Api, given: str) -> None:
    assert len(api.get(f"sessions?cursor={given}&limit=7&state=open").json()["results"]) == 2


def test_a_cursor_is_the_same_whatever_keys_are_set(clinic: Clinic, settings: Any) -> None:
    clinic_id = clinic.pk
    written = cursors.write("events", clinic_id, b"12345678")
    settings.SECRET_KEY, settings.TICKET_KEYS = "another", []
    assert cursors.write("events", clinic_id, b"12345678") == written
    assert cursors.read("events", clinic_id, written, 8) == b"12345678"
    assert cursors.read("events", clinic_id, written, 9) is None
    assert base64.urlsafe_b64decode(written)[:8] == b"12345678"


def test_a_place_in_time_is_kept_to_the_microsecond(clinic: Clinic) -> None:
    note, order = NoteFactory(request__session__clinic=clinic), ByTime("updated_at")
    assert order.values(order.place(note)) == (note.updated_at, note.pk)
