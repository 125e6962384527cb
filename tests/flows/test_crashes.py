"""Processes and servers that die in the middle: nothing lost, nothing doubled, no hand needed."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import requests
from django.db import connection

from ingest.models import Callback
from notes.models import Note, NoteVersion
from tests.flows.clinic import Clinic, Sandbox, eventually, wav
from tests.flows.conftest import Stack

pytestmark = pytest.mark.usefixtures("rows")
A_MINUTE = 60.0


def one_note(request: dict[str, Any]) -> None:
    assert Note.objects.filter(request=request["id"]).count() == 1
    assert NoteVersion.objects.filter(note__request=request["id"]).count() == 1


def test_a_worker_killed_while_submitting_is_followed_within_a_minute(
    stack: Stack, clinic: Clinic, sandbox: Sandbox
) -> None:
    sandbox.fault("submit_timeout", seconds=60, times=1)
    request = clinic.until(clinic.consult(), "submitting")
    eventually(lambda: sandbox.seen(request["client_request_id"]), what="the vendor is being asked")
    begun = time.monotonic()
    killed = stack.kill("worker")
    stack.back("worker", killed)
    ready = clinic.ready(request, within=A_MINUTE + 20)
    assert time.monotonic() - begun < A_MINUTE + 10
    assert ready["attempts"] == 2
    one_note(ready)


def test_a_worker_killed_while_processing_is_followed_within_a_minute(
    stack: Stack, clinic: Clinic, sandbox: Sandbox
) -> None:
    sandbox.fault("callback_late", delay=2, times=1)
    request = clinic.until(clinic.consult(), "waiting")
    with owner(stack) as held:
        held.execute("SELECT 1 FROM ingest_asyncrequest WHERE id = %s FOR NO KEY UPDATE", [request["id"]])
        # The worker has claimed the callback and stands before the request's lock.
        eventually(lambda: Callback.objects.filter(request=request["id"], attempts=1).exists())
        killed = stack.kill("processor")
        stack.back("processor", killed)
        held.rollback()
    ready = clinic.ready(request, within=A_MINUTE)
    assert Callback.objects.get(request=request["id"]).attempts == 2
    one_note(ready)


def owner(stack: Stack) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(stack.env["DATABASE_OWNER_URL"])


def test_an_emptied_redis_loses_nothing(stack: Stack, clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_late", delay=2)
    broker = redis.Redis.from_url(stack.env["REDIS_URL"])
    asked = []
    for _ in range(4):
        asked.append(clinic.consult())
        broker.flushall()
    for request in asked:
        one_note(clinic.ready(request, within=A_MINUTE))
    broker.close()
    # And the bells ring as before: sweeps alone, five seconds apart, would need two of them for each.
    sandbox.clear()
    assert min(seconds_to_a_note(clinic) for _ in range(3)) < 4.5


def seconds_to_a_note(clinic: Clinic) -> float:
    begun = time.monotonic()
    clinic.ready(clinic.consult())
    return time.monotonic() - begun


def test_postgres_restarted_in_the_middle_loses_nothing(stack: Stack, clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_late", delay=2)
    asked = [clinic.consult() for _ in range(3)]
    restart_postgres()
    for request in asked:
        ready = eventually(lambda request=request: answered(clinic, request), within=A_MINUTE)  # type: ignore[misc]
        one_note(ready)
        assert stored_once(sandbox, request)


def answered(clinic: Clinic, request: dict[str, Any]) -> dict[str, Any] | None:
    """The request when it is ready; while PostgreSQL starts the API may say 503, never 500."""
    response = clinic.http.get(f"{clinic.base_url}/api/v1/requests/{request['id']}", timeout=60)
    assert response.status_code in (200, 503), response.text
    now: dict[str, Any] = response.json()
    assert now.get("failure") is None, now["failure"]
    deliver_refused_again(clinic.sandbox, request)
    return now if now.get("state") == "ready" else None


def deliver_refused_again(sandbox: Sandbox, request: dict[str, Any]) -> None:
    """What was not answered 200 may be lost: its sender has to repeat it, and this one does only when told to."""
    seen = sandbox.seen(request["client_request_id"])
    if seen and seen["state"] == "undelivered" and all(sent["status"] != 200 for sent in seen["callbacks"]):
        sandbox.send_callback(request["client_request_id"])


def stored_once(sandbox: Sandbox, request: dict[str, Any]) -> bool:
    """Whether one callback is there, and its sender was told so; a 503 may hide a commit, never the reverse."""
    seen = sandbox.seen(request["client_request_id"])
    told = [sent["status"] for sent in seen["callbacks"]] if seen else []
    return 200 in told and Callback.objects.filter(request=request["id"]).count() == 1


def restart_postgres() -> None:
    """Crashes the test run's own PostgreSQL; what supervises it starts it again.

    SIGQUIT: an orderly end would first write a checkpoint, for as long as the disk likes.
    """
    connection.close()
    record = Path(os.environ["VAR"]) / "run" / "postgres.pid"
    pid = int(record.read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    eventually(lambda: int(record.read_text().split()[0]) != pid, what="PostgreSQL is started again")


def test_a_callback_while_postgres_is_away_is_kept_or_refused_never_lost(
    stack: Stack, clinic: Clinic, sandbox: Sandbox
) -> None:
    sandbox.fault("callback_lost", times=1)
    request = clinic.until(clinic.consult(), "waiting")
    url = sandbox.seen(request["client_request_id"])["body"]["callback_url"]  # type: ignore[index]
    said: list[int] = []
    body = {"client_request_id": request["client_request_id"], "transcript": [], "note": {"sections": []}}
    vendor = threading.Thread(target=lambda: said.append(requests.post(url, json=body, timeout=30).status_code))
    connection.close()
    with owner(stack) as held:
        held.execute("LOCK TABLE ingest_callback IN ACCESS EXCLUSIVE MODE")
        vendor.start()
        vendor.join(20)
        assert said == [503]
        held.rollback()
    assert requests.post(url, json=body, timeout=30).status_code == 200
    one_note(clinic.ready(request))


def test_a_database_that_takes_no_writes_is_said_to_be_unavailable(
    stack: Stack, clinic: Clinic, sandbox: Sandbox
) -> None:
    """As after a failover, when what is reached has become a replica."""
    sandbox.fault("callback_lost", times=1)
    request = clinic.until(clinic.consult(), "waiting")
    url = sandbox.seen(request["client_request_id"])["body"]["callback_url"]  # type: ignore[index]
    body = {"client_request_id": request["client_request_id"], "transcript": [{"text": "marmalade"}]}
    said = {}
    try:
        writes(stack, allowed=False)
        said = {"door": requests.post(url, json=body, timeout=30)}
        said |= {"door ready": requests.get(f"{clinic.door_url}/readyz", timeout=30)}
        said |= {"web ready": requests.get(f"{clinic.base_url}/readyz", timeout=30)}
        session = {"kind": "ambient", "language": "en-US", "consent": True}
        said |= {"web": clinic.http.post(f"{clinic.base_url}/api/v1/sessions", json=session, timeout=30)}
    finally:
        writes(stack, allowed=True)
    assert {name: answer.status_code for name, answer in said.items()} == dict.fromkeys(said, 503)
    assert said["door"].headers["Retry-After"]
    assert said["web"].headers["Content-Type"] == "application/problem+json"
    assert "marmalade" not in stack.log("door")
    assert "Traceback" not in stack.log("door")
    eventually(lambda: requests.post(url, json=body, timeout=30).status_code == 200)


def writes(stack: Stack, *, allowed: bool) -> None:
    name = connection.settings_dict["NAME"]
    with owner(stack) as held:
        held.autocommit = True
        with held.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {not allowed}')
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'listenpost_app'")


def test_a_broker_that_hangs_keeps_nobody_waiting(stack: Stack, clinic: Clinic) -> None:
    pid = int((Path(os.environ["VAR"]) / "run" / "valkey.pid").read_text().split()[0])
    session = clinic.session()
    clinic.upload(session, wav())
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        asked = [clinic.ask(session) for _ in range(10)]
        assert time.monotonic() - begun < 12  # less than one of the broker's own time limits
    finally:
        os.kill(pid, signal.SIGCONT)
    for request in asked:
        clinic.ready(request, within=A_MINUTE)
