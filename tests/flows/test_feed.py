"""The change feed through the real processes: what happens is told soon, in ids and in its order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from access.models import Clinic as ClinicRow
from tests.flows.clinic import Clinic, eventually
from tests.flows.conftest import Stack
from tests.rest.api import a_key

pytestmark = pytest.mark.usefixtures("rows")
SOON = 20.0


class Reader:
    """A program that follows a clinic's feed from its end on."""

    def __init__(self, clinic: Clinic) -> None:
        self.http = requests.Session()
        key = a_key(ClinicRow.objects.get(slug=clinic.slug), "events:read")
        self.http.headers["Authorization"] = f"Bearer {key}"
        self.url = f"{clinic.base_url}/api/v1/events"
        self.told: list[Any] = []

    def read(self, **asked: Any) -> list[Any]:
        response = self.http.get(self.url, params=asked, timeout=60)
        assert response.status_code == 200, response.text
        page = response.json()
        self.url = page["next"]
        self.told += page["results"]
        return list(page["results"])


@pytest.fixture
def reader(clinic: Clinic) -> Reader:
    return Reader(clinic)


def test_a_consultation_is_told_from_its_session_to_its_note(clinic: Clinic, reader: Reader) -> None:
    request = clinic.ready(clinic.consult())
    eventually(lambda: reader.read() and reader.told[-1]["type"] == "request.ready", within=SOON)
    assert [event["type"] for event in reader.told] == [
        *("session.created", "audio.created", "request.created"),
        *("transcript.created", "note.created", "request.ready"),
    ]
    (note,) = (event["data"] for event in reader.told if event["type"] == "note.created")
    assert note == {
        **{"object": "note", "id": request["note"], "url": f"{clinic.base_url}/api/v1/notes/{request['note']}"},
        **{"session": request["session"], "request": request["id"]},
    }


def test_who_waits_is_told_as_soon_as_something_happens(clinic: Clinic, reader: Reader) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reader.read, wait=30)
        session = clinic.session()
        (event,) = waiting.result(SOON)
    assert (event["type"], event["data"]["id"]) == ("session.created", session)


def test_a_messenger_that_is_killed_is_followed_by_another(stack: Stack, clinic: Clinic, reader: Reader) -> None:
    killed = stack.kill("messenger")
    session = clinic.session()
    stack.back("messenger", killed)
    eventually(reader.read, within=60)
    assert [event["data"]["id"] for event in reader.told] == [session]
