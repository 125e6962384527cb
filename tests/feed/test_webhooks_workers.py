"""Workers that send side by side, and workers that are killed while they send: real processes on one database."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connections
from django.utils import timezone

from access.models import Clinic
from feed.models import Delivery, Endpoint
from feed.webhooks import sending
from tests.feed.subscriber import Subscriber
from tests.feed.telling import happen, later, listening, send_all
from tests.vendors.scripted_server import http

pytestmark = pytest.mark.django_db(transaction=True)
processes = multiprocessing.get_context("fork")


def worker() -> multiprocessing.Process:
    """Gives turns for as long as anything waits."""

    def run() -> None:
        for connection in connections.all():
            connection.connection = None  # the parent's
        while Delivery.objects.filter(state="pending").exists():
            sending.deliver_due()
        os._exit(0)

    connections.close_all()
    process = processes.Process(target=run)
    process.start()
    return process  # type: ignore[return-value]


def wait_for(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_side_by_side_each_is_sent_by_one(clinic: Clinic, there: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TURN_SECONDS", 0.05)
    for path in "abc":
        listening(clinic, there, url=f"{there.url}/{path}")
    happen(clinic, number=60)
    workers = [worker() for _ in range(4)]
    for process in workers:
        process.join(60)
        assert process.exitcode == 0
    came = Counter((asked.path, asked.headers["webhook-id"]) for asked in there.asked)
    assert len(came) == 180
    assert set(came.values()) == {1}
    assert set(Delivery.objects.values_list("state", "attempts")) == {("delivered", 1)}


def test_what_a_killed_worker_was_sending_is_sent_again(clinic: Clinic) -> None:
    stop = threading.Event()

    def hang(line: socket.socket) -> None:
        stop.wait(60)

    with Subscriber(http(200), hang, http(200)) as there:
        listening(clinic, there)
        happen(clinic, number=3)
        process = worker()
        wait_for(lambda: len(there.asked) == 2)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        held = Endpoint.objects.get()
        assert held.lease_until
        assert held.lease_until > timezone.now(), "another waits until the lease is over"
        assert not sending.due().exists()

        later()
        send_all()
        sent = there.ids
        stop.set()
    assert len(set(sent)) == 3
    assert Counter(sent)[sent[1]] == 2, "the one that it was at, under the same id"
    attempts = {str(row.event_id): (row.state, row.attempts) for row in Delivery.objects.all()}
    assert attempts == {sent[0]: ("delivered", 1), sent[1]: ("delivered", 2), sent[3]: ("delivered", 1)}


def test_a_worker_killed_again_and_again_loses_nothing(clinic: Clinic, there: Subscriber) -> None:
    listening(clinic, there)
    happen(clinic, number=150)
    for at in (10, 50, 90):
        process = worker()
        wait_for(lambda at=at: len(set(there.ids)) >= at)  # type: ignore[misc]
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        later()
    send_all()
    later()
    send_all()
    assert len(set(there.ids)) == 150
    assert len(there.ids) <= 153
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
