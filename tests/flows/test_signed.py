"""A vendor's signed webhooks at the address of a clinic's account."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests
from django.core.management import call_command

from access.models import AccessEntry
from ingest.models import Callback, VendorAccount
from notes.models import Note
from tests.flows.clinic import Clinic, Sandbox, eventually
from tests.flows.test_door import raw

pytestmark = pytest.mark.usefixtures("rows")
OLD, NEW = "an-old-webhook-secret", "a-new-webhook-secret"


def connect(clinic: Clinic, *secrets: str) -> None:
    credentials = json.dumps({"server_key": "sandbox-nabla-key", "webhook_secrets": secrets})
    base = f"{clinic.sandbox.url}/nabla/v1/copilot-api/server"
    command = ("connect_vendor", clinic.slug, "nabla", "--base-url", base, "--credentials", credentials)
    call_command(*command, stdout=io.StringIO(), stderr=io.StringIO())


@pytest.fixture
def url(rows: None, clinic: Clinic) -> str:
    connect(clinic, OLD, NEW)
    account = VendorAccount.objects.get(clinic__slug=clinic.slug)
    return f"{clinic.door_url}/callbacks/nabla/accounts/{account.pk}"


@pytest.fixture
def webhooks(url: str, sandbox: Sandbox) -> Iterator[None]:
    """The vendor delivers there, in place of the callback's own address."""
    control = f"{sandbox.url}/control/nabla/webhooks"
    settings = {"url": url, "secrets": [OLD], "tries": 4, "pause_seconds": 1}
    requests.put(control, json=settings, timeout=10).raise_for_status()
    yield
    requests.delete(control, timeout=10).raise_for_status()


def envelope(client_request_id: str, event_id: str = "", **payload: Any) -> bytes:
    result = payload or {"note": {"title": "A note", "sections": []}, "transcript": []}
    data = {"id": str(uuid4()), "client_request_id": client_request_id, "status": "succeeded", "payload": result}
    event = {"id": event_id or str(uuid4()), "created_at": "2026-11-21T10:00:00Z"}
    return json.dumps(event | {"type": "generate_note_async.succeeded", "data": data}).encode()


def signed(body: bytes, *secrets: str, late: float = 0) -> dict[str, str]:
    """`late`: how many seconds the sender's clock is behind."""
    timestamp = (datetime.now(UTC) - timedelta(seconds=late)).isoformat()
    made = [hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).hexdigest() for secret in secrets]
    return {"x-nabla-webhook-timestamp": timestamp, "x-nabla-webhook-signature": ",".join(made)}


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    response = requests.post(url, data=body, headers=headers, timeout=20)
    return response.status_code, response.json()


def of(clinic: Clinic) -> Any:
    return Callback.objects.filter(clinic__slug=clinic.slug)


def processed(clinic: Clinic, state: str) -> Callback:
    row: Callback = eventually(lambda: of(clinic).filter(state=state).first(), what=state)
    return row


@pytest.mark.usefixtures("webhooks")
def test_a_consultation_is_answered_by_a_signed_webhook(clinic: Clinic, url: str) -> None:
    ready = clinic.ready(clinic.consult())
    callback = of(clinic).get()
    assert (callback.proven_by, callback.state) == ("account", "applied")
    assert f"{clinic.door_url}/callbacks/nabla/accounts/{callback.proven_id}" == url
    assert Note.objects.filter(request=ready["id"]).count() == 1


@pytest.mark.usefixtures("webhooks")
def test_an_event_that_comes_twice_is_stored_once(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("webhook_doubled", times=1)
    request = clinic.consult()
    clinic.ready(request)
    told = eventually(lambda: two_answers(sandbox, request["client_request_id"]))
    assert sorted(told) == ["duplicate", "stored"]
    assert of(clinic).count() == 1


def two_answers(sandbox: Sandbox, client_request_id: str) -> list[str]:
    sent = (sandbox.seen(client_request_id) or {"callbacks": []})["callbacks"]
    return [json.loads(one["answer"])["status"] for one in sent] if len(sent) == 2 else []


def test_an_event_is_known_again_by_its_id_whatever_else_it_says(clinic: Clinic, url: str) -> None:
    first, again = envelope("somebody", "event-1"), envelope("somebody", "event-1", note=None)
    assert post(url, first, signed(first, OLD)) == (200, {"status": "stored"})
    assert post(url, again, signed(again, OLD)) == (200, {"status": "duplicate"})
    assert bytes(of(clinic).get().body or b"") == first


@pytest.mark.parametrize("secrets", [(OLD,), (NEW,), ("another", NEW), (OLD, NEW)])
def test_any_of_several_secrets_will_do(clinic: Clinic, url: str, secrets: tuple[str, ...]) -> None:
    body = envelope("somebody")
    assert post(url, body, signed(body, *secrets))[0] == 200


def test_a_secret_that_was_taken_away_is_refused_soon(clinic: Clinic, url: str) -> None:
    body = envelope("somebody")
    assert post(url, body, signed(body, OLD))[0] == 200
    connect(clinic, NEW)
    eventually(lambda: post(url, body, signed(body, OLD))[0] == 401)
    assert post(url, body, signed(body, NEW))[0] == 200


def test_what_is_not_signed_by_the_vendor_is_refused(clinic: Clinic, url: str) -> None:
    body, other = envelope("somebody"), envelope("somebody else")
    nobody = f"{url.rpartition('/')[0]}/{uuid4()}"
    refused = {
        "no signature": post(url, body, {}),
        "another's secret": post(url, body, signed(body, "another")),
        "another body's": post(url, body, signed(other, OLD)),
        "a slow clock": post(url, body, signed(body, OLD, late=75)),
        "a fast clock": post(url, body, signed(body, OLD, late=-75)),
        "no hex": post(url, body, signed(body, OLD) | {"x-nabla-webhook-signature": "signed, honestly"}),
        "no such account": post(nobody, body, signed(body, OLD)),
    }
    assert set(map(str, refused.values())) == {str((401, {"error": "origin not proven"}))}
    assert not of(clinic).exists()
    codes = {"signature_missing", "signature_wrong", "signature_stale", "signature_malformed", "account"}
    entries = AccessEntry.objects.filter(action="refused", reason__in=codes)
    eventually(lambda: set(entries.values_list("reason", flat=True)) == codes)


def test_a_clock_within_the_minute_will_do(clinic: Clinic, url: str) -> None:
    for late in (45, -45):
        body = envelope("somebody")
        assert post(url, body, signed(body, OLD, late=late))[0] == 200


def test_a_stale_one_is_refused_before_its_body_is_read(url: str) -> None:
    head = [f"{name}: {value}" for name, value in signed(b"", OLD, late=300).items()]
    assert raw(url, "\r\n".join([*head, "Content-Length: 1000000"])).startswith(b"HTTP/1.1 401")


def test_stalled_bodies_at_one_account_keep_nobody_else_out(clinic: Clinic, new_clinic: Any, url: str) -> None:
    """They hold all that one account may, in bytes that are not proven yet."""
    other = new_clinic()
    connect(other, NEW)
    theirs = VendorAccount.objects.get(clinic__slug=other.slug)
    address, half = urlsplit(url), 5 * 1024 * 1024
    head = "".join(f"{name}: {value}\r\n" for name, value in signed(b"", OLD).items())
    stalled = [socket.create_connection((str(address.hostname), int(address.port or 80))) for _ in range(12)]
    for connection in stalled:
        connection.settimeout(2)
        with suppress(OSError):  # those for whom there is no room any more
            request = f"POST {address.path} HTTP/1.1\r\nHost: door\r\n{head}Content-Length: {2 * half}\r\n\r\n"
            connection.sendall(request.encode() + b"x" * half)
    body = envelope("somebody")
    assert post(f"{url.rpartition('/')[0]}/{theirs.pk}", body, signed(body, NEW))[0] == 200
    for connection in stalled:
        connection.close()


def test_signed_junk_is_kept_and_shown(clinic: Clinic, url: str) -> None:
    assert post(url, b"<html>", signed(b"<html>", OLD)) == (200, {"status": "stored"})
    assert processed(clinic, "junk").problem


def test_a_result_for_nobody_we_know_waits_for_its_request(clinic: Clinic, url: str) -> None:
    name = str(uuid4())
    body = envelope(name)
    assert post(url, body, signed(body, OLD))[0] == 200
    processed(clinic, "orphan")
    clinic.ready(clinic.ask(clinic.session(), submitted_elsewhere=True, client_request_id=name))
    assert of(clinic).get().state == "applied"


def test_an_account_answers_for_its_own_clinic_alone(clinic: Clinic, new_clinic: Any, url: str) -> None:
    other = new_clinic()
    theirs = other.ask(other.session(), submitted_elsewhere=True)
    body = envelope(theirs["client_request_id"])
    assert post(url, body, signed(body, OLD))[0] == 200
    processed(clinic, "orphan")
    assert other.request(theirs)["state"] == "waiting"


def test_an_account_answers_what_this_service_asked_for(clinic: Clinic, sandbox: Sandbox, url: str) -> None:
    sandbox.fault("callback_lost", times=1)
    request = clinic.until(clinic.consult(), "waiting")
    body = envelope(request["client_request_id"])
    assert post(url, body, signed(body, NEW))[0] == 200
    clinic.ready(request)
