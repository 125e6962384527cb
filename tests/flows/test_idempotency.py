"""One key on the real web process: many at once, and killed in the middle. It is done once, and told once it is."""

from __future__ import annotations

import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import requests
from django.db import connection

from access.models import KeptAnswer
from ingest.models import Session
from tests.flows.clinic import Clinic, eventually
from tests.flows.conftest import Stack

pytestmark = pytest.mark.usefixtures("rows")
BODY = {"kind": "ambient", "language": "en-US", "consent": True}
WAITS_TO_KEEP = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%INTO access_keptanswer%' AND state = 'active'"


def open_session(clinic: Clinic, key: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {clinic.key}", "Idempotency-Key": key}
    return requests.post(f"{clinic.base_url}/api/v1/sessions", json=BODY, headers=headers, timeout=60)


def opened(clinic: Clinic) -> int:
    return Session.objects.filter(clinic__slug=clinic.slug).count()


def owner(stack: Stack) -> psycopg.Connection[Any]:
    return psycopg.connect(stack.env["DATABASE_OWNER_URL"])


def test_twenty_at_once_with_one_key_open_one_session(clinic: Clinic) -> None:
    key = str(uuid4())
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: open_session(clinic, key), range(20)))
    assert opened(clinic) == 1
    told = Counter((answer.status_code, "Idempotency-Replayed" in answer.headers) for answer in answers)
    assert told[201, False] == 1
    assert told.keys() <= {(201, False), (201, True), (409, False)}
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
    for refused in (answer for answer in answers if answer.status_code == 409):
        assert refused.json()["type"] == "/problems/idempotency-key-in-use"
        assert int(refused.headers["Retry-After"]) > 0


def test_two_headers_are_no_key(clinic: Clinic) -> None:
    place = urlsplit(clinic.base_url)
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=30) as line:
        line.sendall(sent(clinic, b"Idempotency-Key: one\r\nIdempotency-Key: two\r\n"))
        assert b" 422 " in line.recv(4096).splitlines()[0]
    assert opened(clinic) == 0


def sent(clinic: Clinic, keys: bytes) -> bytes:
    body = json.dumps(BODY).encode()
    lines = [
        b"POST /api/v1/sessions HTTP/1.1",
        f"Host: {urlsplit(clinic.base_url).netloc}".encode(),
        f"Authorization: Bearer {clinic.key}".encode(),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join(lines) + b"\r\n" + keys + b"\r\n" + body


def test_killed_before_the_answer_is_kept_nothing_is_done_and_the_key_is_free(stack: Stack, clinic: Clinic) -> None:
    key = str(uuid4())
    with owner(stack) as held, ThreadPoolExecutor(1) as threads:
        held.execute("LOCK TABLE access_keptanswer IN SHARE MODE")
        waiting = threads.submit(open_session, clinic, key)
        eventually(lambda: is_waiting(held), what="the session is opened, and its answer about to be kept")
        kill_web(stack, clinic)
        with pytest.raises(requests.ConnectionError):
            waiting.result(30)
        assert opened(clinic) == 0
        held.rollback()
    first = eventually(lambda: free(open_session(clinic, key)), what="the key is free")
    assert "Idempotency-Replayed" not in first.headers
    assert opened(clinic) == 1


def free(answer: requests.Response) -> requests.Response | None:
    """None for as long as PostgreSQL has not noticed that whoever had the key is dead."""
    return answer if answer.status_code == 201 else None


def kill_web(stack: Stack, clinic: Clinic) -> None:
    stack.back("web", stack.kill("web"))
    eventually(lambda: serves(clinic), within=60, what="the web process serves again")


def serves(clinic: Clinic) -> bool:
    try:
        return requests.get(f"{clinic.base_url}/healthz", timeout=10).ok
    except requests.ConnectionError:
        return False


def is_waiting(held: psycopg.Connection[Any]) -> bool:
    (number,) = held.execute(WAITS_TO_KEEP).fetchone() or (0,)
    return bool(number)


def test_killed_before_the_answer_was_heard_it_is_given_again(stack: Stack, clinic: Clinic) -> None:
    key, place = str(uuid4()), urlsplit(clinic.base_url)
    connection.close()
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=30) as line:
        line.sendall(sent(clinic, f"Idempotency-Key: {key}\r\n".encode()))
        eventually(lambda: KeptAnswer.objects.filter(clinic__slug=clinic.slug).exists())
        kill_web(stack, clinic)
    again = open_session(clinic, key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.json()["id"] == str(Session.objects.get(clinic__slug=clinic.slug).pk)
