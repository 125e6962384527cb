"""Readers who wait for the next event, through a real web process: they hold up nobody, and are let go in time."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from django.db import connection
from django.utils import timezone

from access.models import ApiKey, Clinic
from feed import events, sequencer
from feed.waiting import Answer, Held, Waiting
from tests.faults.door import DoorProcess
from tests.flows.clinic import eventually
from tests.flows.conftest import on_test_database
from tests.rest.api import a_key

pytestmark = pytest.mark.django_db(transaction=True)
WAITERS = 50
SOON = 20.0
LAST_LOOK = """
SELECT max(query_start) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%"feed_feed"%'"""


class WebProcess(DoorProcess):
    application = "config.web:application"


def started(folder: Path) -> WebProcess:
    env = os.environ | {"DATABASE_URL": on_test_database(os.environ["DATABASE_URL"])}
    return WebProcess(env, folder / "web.log")


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    process = started(tmp_path_factory.mktemp("web"))
    yield process
    process.stop()


@pytest.fixture
def stopping(web: WebProcess, tmp_path: Path) -> Iterator[WebProcess]:
    """Another one, for a test to stop."""
    process = started(tmp_path)
    yield process
    process.stop()


class Reader:
    """A program that follows the clinic's feed."""

    def __init__(self, web: WebProcess, token: str, pool: ThreadPoolExecutor) -> None:
        self.web, self.token, self.pool = web, token, pool

    def get(self, **asked: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.get(f"{self.web.url}/api/v1/events", params=asked, headers=headers, timeout=90)

    def wait(self, **asked: Any) -> Future[tuple[requests.Response, float]]:
        """The answer, and how many seconds it took."""

        def ask() -> tuple[requests.Response, float]:
            begun = time.monotonic()
            return self.get(**asked), time.monotonic() - begun

        return self.pool.submit(ask)


@pytest.fixture
def reader(web: WebProcess, clinic: Clinic) -> Iterator[Reader]:
    with ThreadPoolExecutor(WAITERS) as pool:
        yield Reader(web, a_key(clinic, "events:read"), pool)


def happen(clinic: Clinic, kind: str = "note.created") -> str:
    events.record(kind, clinic_id=clinic.pk, object_id=uuid4())
    (made,) = sequencer.number(clinic.pk)
    return str(made.event_id)


def ids(response: requests.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [event["id"] for event in response.json()["results"]]


def last_look() -> Any:
    """When the web process last looked how far the feeds have come."""
    with connection.cursor() as cursor:
        cursor.execute(LAST_LOOK)
        return cursor.fetchone()[0]


def looks() -> bool:
    before = last_look()
    time.sleep(1.5)
    return bool(last_look() != before)


def test_who_waits_is_told_when_something_happens(clinic: Clinic, reader: Reader) -> None:
    waiting = reader.wait(wait=30)
    time.sleep(1)
    assert not waiting.done()
    made = happen(clinic)
    response, seconds = waiting.result()
    assert ids(response) == [made]
    assert seconds < SOON


def test_who_waits_for_nothing_is_told_so_when_the_time_is_over(reader: Reader) -> None:
    response, seconds = reader.wait(wait=2).result()
    assert (ids(response), response.json()["has_more"]) == ([], False)
    assert seconds >= 2


def test_what_is_there_already_is_told_without_waiting(clinic: Clinic, reader: Reader) -> None:
    made = happen(clinic)
    response, seconds = reader.wait(wait=30).result()
    assert ids(response) == [made]
    assert seconds < SOON


def test_what_happens_in_another_clinic_wakes_nobody(other_clinic: Clinic, reader: Reader) -> None:
    waiting = reader.wait(wait=3)
    happen(other_clinic)
    response, seconds = waiting.result()
    assert ids(response) == []
    assert seconds >= 3


def test_other_types_are_passed_over_while_waiting(clinic: Clinic, reader: Reader) -> None:
    waiting = reader.wait(wait=30, type="note.signed")
    for kind in ("note.created", "note.approved"):
        time.sleep(1)
        happen(clinic, kind)
    assert not waiting.done()
    made = happen(clinic, "note.signed")
    assert ids(waiting.result()[0]) == [made]


def test_many_who_wait_keep_nobody_else_waiting(clinic: Clinic, reader: Reader) -> None:
    waiting = [reader.wait(wait=30) for _ in range(WAITERS)]
    time.sleep(2)
    for _ in range(3):
        assert ids(Reader(reader.web, reader.token, reader.pool).get()) == []
    assert not any(one.done() for one in waiting), "all of them wait while others are answered"
    made = happen(clinic)
    assert [ids(one.result()[0]) for one in waiting] == [[made]] * WAITERS


def test_a_key_that_is_revoked_meanwhile_gets_nothing(clinic: Clinic, reader: Reader) -> None:
    waiting = reader.wait(wait=30)
    time.sleep(1)
    ApiKey.objects.update(revoked_at=timezone.now())
    happen(clinic)
    response, _ = waiting.result()
    assert response.status_code == 401


def test_who_may_not_ask_is_told_so_at_once(clinic: Clinic, reader: Reader) -> None:
    assert reader.wait(wait=31).result()[0].status_code == 422
    reader.token = a_key(clinic, "notes:read")
    assert reader.wait(wait=30).result()[0].status_code == 403


def test_who_leaves_is_forgotten_and_nobody_looks_for_them(reader: Reader) -> None:
    head = f"GET /api/v1/events?wait=30 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {reader.token}\r\n\r\n"
    sockets = [socket.create_connection(("127.0.0.1", reader.web.port)) for _ in range(5)]
    for one in sockets:
        one.sendall(head.encode())
    eventually(looks, what="the web process looks for those who wait")
    for one in sockets:
        one.close()
    eventually(lambda: not looks(), within=20, what="it looks no longer")


def test_one_who_waits_does_not_hold_up_the_next_request_of_the_line(clinic: Clinic, reader: Reader) -> None:
    with closing(requests.Session()) as line:
        line.headers["Authorization"] = f"Bearer {reader.token}"
        for _ in range(3):
            assert ids(line.get(f"{reader.web.url}/api/v1/events?wait=1", timeout=60)) == []
        made = happen(clinic)
        assert ids(line.get(f"{reader.web.url}/api/v1/events?wait=1", timeout=60)) == [made]


def test_a_web_process_that_is_told_to_stop_lets_everybody_go(
    clinic: Clinic, reader: Reader, stopping: WebProcess
) -> None:
    reader.web = stopping
    waiting = [reader.wait(wait=30) for _ in range(5)]
    time.sleep(2)
    assert not any(one.done() for one in waiting)
    begun = time.monotonic()
    reader.web.process.terminate()
    assert [ids(one.result()[0]) for one in waiting] == [[]] * 5
    assert reader.web.process.wait(20) == 0
    assert time.monotonic() - begun < SOON


def test_who_comes_when_as_many_wait_as_may_is_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feed.waiting.MOST", 0)
    sent: list[Any] = []

    async def take(message: Any) -> None:
        sent.append(message)

    async def stay() -> Any:
        await asyncio.Event().wait()

    async def run() -> None:
        with ThreadPoolExecutor(1) as threads:
            answer = Answer(Held(uuid4(), position=0, seconds=30), [{"type": "start"}])
            await Waiting(threads).answer(answer, stay, stay, take)

    begun = time.monotonic()
    asyncio.run(run())
    assert sent == [{"type": "start"}]
    assert time.monotonic() - begun < SOON
