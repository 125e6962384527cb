"""Webhooks through the real processes: told soon, signed, and once more by whoever follows a killed one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from access.models import Clinic as ClinicRow
from tests.feed.subscriber import Subscriber, verified
from tests.flows.clinic import Clinic, eventually
from tests.flows.conftest import Stack
from tests.rest.api import a_key
from tests.vendors.scripted_server import http

pytestmark = pytest.mark.usefixtures("rows")
SOON = 30.0


class Webhooks:
    """A program that manages a clinic's webhooks."""

    def __init__(self, clinic: Clinic) -> None:
        self.http = requests.Session()
        key = a_key(ClinicRow.objects.get(slug=clinic.slug), "events:read", "webhooks:write")
        self.http.headers["Authorization"] = f"Bearer {key}"
        self.url = f"{clinic.base_url}/api/v1/webhooks"

    def ask(self, method: str, path: str, expect: int, **options: Any) -> Any:
        response = self.http.request(method, f"{self.url}{path}", timeout=60, **options)
        assert response.status_code == expect, response.text
        return response.json()

    def make(self, there: Subscriber, *types: str) -> Any:
        return self.ask("POST", "", 201, json={"url": there.hook, "types": types})

    def shown(self, webhook: Any) -> Any:
        return self.ask("GET", f"/{webhook['id']}", 200)

    def standing(self, webhook: Any) -> Any:
        return self.ask("GET", f"/{webhook['id']}/standing", 200)


@pytest.fixture
def webhooks(clinic: Clinic) -> Webhooks:
    return Webhooks(clinic)


@pytest.fixture
def there() -> Iterator[Subscriber]:
    with Subscriber() as server:
        yield server


def test_a_consultation_is_told_signed_and_without_a_word(
    clinic: Clinic, webhooks: Webhooks, there: Subscriber
) -> None:
    made = webhooks.make(there, "note.created", "request.ready")
    request = clinic.ready(clinic.consult())
    eventually(lambda: len(there.asked) == 2, within=SOON)
    told = {event["type"]: event for event in (verified(asked, made["secret"]) for asked in there.asked)}
    assert told["note.created"]["data"] == {
        **{"object": "note", "id": request["note"], "url": f"{clinic.base_url}/api/v1/notes/{request['note']}"},
        **{"session": request["session"], "request": request["id"]},
    }
    eventually(lambda: webhooks.standing(made)["last_delivered_at"], within=SOON)
    assert webhooks.standing(made)["pending"] == 0


def test_a_test_a_redelivery_and_a_replay(clinic: Clinic, webhooks: Webhooks, there: Subscriber) -> None:
    made = webhooks.make(there)
    tested = webhooks.ask("POST", f"/{made['id']}/test", 202)
    eventually(lambda: len(there.asked) == 1, within=SOON)
    webhooks.ask("POST", f"/{made['id']}/deliveries/{tested['id']}/redeliver", 202)
    eventually(lambda: len(there.asked) == 2, within=SOON)
    session = clinic.session()
    eventually(lambda: len(there.asked) == 3, within=SOON)
    webhooks.ask("POST", f"/{made['id']}/replay", 202, json={"since": "2020-01-01T00:00:00Z"})
    eventually(lambda: len(there.asked) == 4, within=SOON)
    told = [verified(asked, made["secret"]) for asked in there.asked]
    assert [event["type"] for event in told] == ["webhook.test", "webhook.test", "session.created", "session.created"]
    assert {event["data"]["id"] for event in told[2:]} == {session}
    assert there.ids[0] == there.ids[1] == tested["event"]
    eventually(lambda: not webhooks.standing(made)["replaying"], within=SOON)


def test_what_failed_is_sent_again_seconds_later(clinic: Clinic, webhooks: Webhooks) -> None:
    with Subscriber(http(503), http(204)) as there:
        webhooks.make(there)
        clinic.session()
        eventually(lambda: len(there.asked) == 2, within=60)
        assert len(set(there.ids)) == 1


def test_what_is_gone_is_switched_off(clinic: Clinic, webhooks: Webhooks) -> None:
    with Subscriber(http(410)) as there:
        made = webhooks.make(there)
        clinic.session()
        eventually(lambda: webhooks.shown(made)["state"] == "off", within=SOON)
        assert webhooks.shown(made)["off_reason"] == "gone"


def test_a_messenger_killed_while_it_sends_loses_nothing(stack: Stack, clinic: Clinic, webhooks: Webhooks) -> None:
    stop = threading.Event()

    def hang(line: socket.socket) -> None:
        stop.wait(120)

    with Subscriber(hang, http(204)) as there:
        webhooks.make(there)
        clinic.session()
        eventually(lambda: there.asked, within=SOON)
        killed = stack.kill("messenger")
        stack.back("messenger", killed)
        eventually(lambda: len(there.asked) >= 2, within=150, what="its lease is over, and it is sent again")
        stop.set()
        assert len(set(there.ids)) == 1


def test_a_slow_subscriber_holds_up_no_other(clinic: Clinic, webhooks: Webhooks, there: Subscriber) -> None:
    stop = threading.Event()

    def hang(line: socket.socket) -> None:
        stop.wait(60)

    with Subscriber(hang) as slow:
        webhooks.make(slow)
        webhooks.make(there)
        clinic.session()
        eventually(lambda: slow.asked and there.asked, within=SOON)
        clinic.session()
        eventually(lambda: len(there.asked) == 2, within=SOON)
        stop.set()
