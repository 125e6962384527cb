"""Whoever reads a patient's words over REST is in the access log."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory

from access import log
from access.models import AccessEntry, ApiKey, Clinic
from notes.models import Note
from tests.factories import NoteFactory, TranscriptFactory, UserFactory
from tests.rest.api import Api


@pytest.fixture
def notes(clinic: Clinic) -> list[Note]:
    """Two, with their transcripts; newest first."""
    rows: list[Any] = [NoteFactory(request__session__clinic=clinic) for _ in range(2)]
    for note in rows:
        TranscriptFactory(request=note.request)
    return rows[::-1]


def read() -> AccessEntry:
    entry: AccessEntry = AccessEntry.objects.get(action="read")
    return entry


def entries() -> list[tuple[str, list[str]]]:
    found = AccessEntry.objects.exclude(action="granted").order_by("id")  # the test's own key was granted
    return [(entry.object_type, entry.object_ids) for entry in found]


def ids(*rows: Any) -> list[str]:
    return [str(row.pk) for row in rows]


def test_reading_a_note_is_logged_whole(api: Api, notes: list[Note], clinic: Clinic) -> None:
    response = api.get(f"notes/{notes[0].pk}", headers={"X-Request-ID": "0123-abcd"}, REMOTE_ADDR="192.0.2.7")
    assert response.status_code == 200
    entry = read()
    assert (entry.clinic, entry.object_type, entry.object_ids) == (clinic, "note", ids(notes[0]))
    assert (entry.actor_kind, entry.actor_id) == ("api_key", str(ApiKey.objects.get().pk))
    assert (entry.address, entry.request_id) == ("192.0.2.7", "0123-abcd")


def test_reading_a_transcript_is_logged(api: Api, notes: list[Note]) -> None:
    transcript = notes[0].request.transcript
    api.get(f"transcripts/{transcript.pk}")
    assert entries() == [("transcript", ids(transcript))]


def test_a_list_is_logged_once_for_all_that_it_includes(api: Api, notes: list[Note]) -> None:
    api.get("notes?include=sections")
    assert entries() == [("note", ids(*notes))]


def test_included_transcripts_are_logged_as_transcripts(api: Api, notes: list[Note]) -> None:
    api.get(f"notes?include=transcript&session={notes[0].session_id}")
    assert entries() == [("transcript", ids(notes[0].request.transcript))]


@pytest.mark.parametrize(
    "path", ["notes", "notes?q=knee", "transcripts", "sessions", "requests", "notes?include=sections&q=elbow"]
)
def test_lists_without_contents_are_not_logged(api: Api, notes: list[Note], path: str) -> None:
    api.get(path)
    assert entries() == []


def test_what_cannot_be_logged_is_not_shown(api: Api, notes: list[Note]) -> None:
    refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$"
    with connection.cursor() as cursor:
        cursor.execute(refuse)
        cursor.execute("CREATE TRIGGER refuse BEFORE INSERT ON access_accessentry EXECUTE FUNCTION refuse()")
    response = api.get(f"notes/{notes[0].pk}")
    assert response.status_code == 500
    assert b"knee" not in response.content


def test_a_person_is_logged_as_a_person(notes: list[Note]) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="2001:db8::1")
    request.user = UserFactory()
    log.record(request, AccessEntry.Action.SIGNED, notes[:1])
    entry = AccessEntry.objects.get()
    assert (entry.actor_kind, entry.actor_id, entry.action) == ("user", str(request.user.pk), "signed")
    assert entry.address == "2001:db8::1"


def test_each_clinic_has_its_own_entry(notes: list[Note]) -> None:
    request = RequestFactory().get("/")
    request.user = UserFactory(is_superuser=True)
    elsewhere: Any = NoteFactory()
    log.record(request, AccessEntry.Action.READ, [*notes, elsewhere])
    found = {entry.clinic_id: entry.object_ids for entry in AccessEntry.objects.all()}
    assert found == {notes[0].clinic_id: ids(*notes), elsewhere.clinic_id: ids(elsewhere)}


@pytest.mark.parametrize(
    ("remote", "forwarded", "behind_proxy", "address"),
    [
        ("192.0.2.1", "203.0.113.9", False, "192.0.2.1"),
        ("192.0.2.1", "10.9.9.9, 203.0.113.9", True, "203.0.113.9"),
        ("192.0.2.1", "nonsense", True, None),
        ("192.0.2.1", "", True, "192.0.2.1"),
        ("fe80::1%eth0", "", False, "fe80::1"),
        ("::ffff:192.0.2.7", "", False, "192.0.2.7"),
        ("", "", False, None),
    ],
)
def test_the_address_is_the_proxys_word_only_behind_one(
    remote: str, forwarded: str, behind_proxy: bool, address: str | None, settings: Any
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if behind_proxy else None
    request = RequestFactory().get("/", REMOTE_ADDR=remote, headers={"X-Forwarded-For": forwarded})
    assert log.address(request) == address
