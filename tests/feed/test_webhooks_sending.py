"""What is due is sent, signed, and over one connection; whatever is answered, nothing else is asked of anybody."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from access.models import Clinic
from config import secrets
from feed.events import Kind
from feed.models import Delivery, Endpoint, Event
from feed.webhooks import endpoints, outcomes, sending, signing
from tests.factories import DeliveryFactory, EndpointFactory
from tests.feed.subscriber import Subscriber, is_signed, verified
from tests.feed.telling import BY, happen, later, listening, only_delivery, send_all
from tests.vendors.conftest import certificate, tls  # noqa: F401 (fixtures)
from tests.vendors.scripted_server import ScriptedServer, http

pytestmark = pytest.mark.django_db
CANARY = "a-canary-that-must-not-sing"


def test_each_event_is_posted_signed_over_one_connection(clinic: Clinic, there: Subscriber) -> None:
    _, secret = listening(clinic, there)
    happen(clinic, number=3)
    sending.deliver_due()
    assert there.connections == 1
    assert there.ids == [str(event.pk) for event in Event.objects.order_by("position")]
    for asked in there.asked:
        told = verified(asked, secret)
        assert (asked.method, asked.path, asked.headers["content-type"]) == ("POST", "/hook", "application/json")
        assert (told["id"], told["type"]) == (asked.headers["webhook-id"], "note.created")
        assert set(told) == {"id", "type", "timestamp", "data"}
    delivery, endpoint = Delivery.objects.first(), Endpoint.objects.get()
    assert delivery
    assert (delivery.state, delivery.attempts, delivery.last_status, delivery.last_error) == ("delivered", 1, 204, "")
    assert delivery.next_attempt_at is None
    assert endpoint.last_delivered_at
    assert endpoint.lease_token is None


def test_only_what_is_wanted_is_sent_and_only_to_the_clinics_own(
    clinic: Clinic, other_clinic: Clinic, there: Subscriber
) -> None:
    listening(clinic, there, types=[Kind.NOTE_SIGNED])
    listening(other_clinic, there)
    happen(clinic, Kind.NOTE_CREATED)
    happen(clinic, Kind.NOTE_SIGNED)
    send_all()
    assert [asked.json()["type"] for asked in there.asked] == ["note.signed"]


def test_while_a_secret_is_replaced_both_sign(clinic: Clinic, there: Subscriber) -> None:
    endpoint, old = listening(clinic, there)
    new = endpoints.rotate(endpoint, overlap=timedelta(hours=1), by=BY)
    happen(clinic)
    send_all()
    assert is_signed(there.asked[0], old)
    assert is_signed(there.asked[0], new)
    assert len(there.asked[0].headers["webhook-signature"].split(" ")) == 2

    kept = signing.read(bytes(Endpoint.objects.get().secrets))
    ended = [kept[0], signing.Secret(kept[1].key, timezone.now())]
    Endpoint.objects.update(secrets=signing.write(ended))
    happen(clinic)
    send_all()
    assert is_signed(there.asked[1], new)
    assert not is_signed(there.asked[1], old)


def test_without_overlap_the_old_secret_ends_at_once(clinic: Clinic, there: Subscriber) -> None:
    endpoint, old = listening(clinic, there)
    endpoints.rotate(endpoint, overlap=timedelta(), by=BY)
    happen(clinic)
    send_all()
    assert not is_signed(there.asked[0], old)


# --- Answers
def tried(clinic: Clinic, server: ScriptedServer, path: str = "/hook") -> Delivery:
    """What came of one try."""
    endpoints.create(clinic, url=f"{server.url}{path}", by=BY)
    happen(clinic)
    sending.deliver_due()
    return only_delivery()


REFUSALS = {
    "redirected": http(302, Location="http://127.0.0.1:1/elsewhere"),
    "status": http(500, b"no" * 100),
    "gone": http(410),
}


@pytest.mark.parametrize(("error", "answer"), REFUSALS.items(), ids=list(REFUSALS))
def test_an_answer_that_is_no_success_is_a_failed_try(clinic: Clinic, error: str, answer: bytes) -> None:
    with Subscriber(answer) as there:
        delivery = tried(clinic, there)
        assert len(there.asked) == 1
    assert (delivery.state, delivery.last_error, delivery.attempts) == ("pending", error, 1)
    assert delivery.last_status == int(answer.split()[1])


def test_a_redirect_is_not_followed(clinic: Clinic, there: Subscriber) -> None:
    with Subscriber(http(307, Location=f"{there.url}/elsewhere")) as first:
        tried(clinic, first)
    assert not there.asked


@pytest.mark.parametrize("length", [b"Content-Length: 10000000000", b"Connection: close"], ids=["told", "untold"])
def test_ten_gigabytes_are_not_read_and_the_status_counts(clinic: Clinic, length: bytes) -> None:
    sent = 0

    def flood(line: socket.socket) -> None:
        nonlocal sent
        line.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n")
        while True:
            sent += line.send(bytes(64 * 1024))

    with Subscriber(flood) as there:
        delivery = tried(clinic, there)
    assert delivery.state == "delivered"
    assert sent < 20_000_000, "what fits into the sockets, and no more"


def test_after_an_answer_that_is_not_read_whole_the_next_is_sent_all_the_same(clinic: Clinic) -> None:
    with Subscriber(http(200, bytes(200_000)), http(200)) as there:
        listening(clinic, there)
        happen(clinic, number=3)
        send_all()
        assert len(set(there.ids)) == len(there.asked) == 3
        assert there.connections == 2


def test_a_body_that_drips_holds_up_nobody_and_the_status_counts(clinic: Clinic) -> None:
    with Subscriber() as there:
        there.answers = [there.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b"x")]
        began = time.monotonic()
        delivery = tried(clinic, there)
        assert time.monotonic() - began < 10
    assert delivery.state == "delivered"


def test_headers_that_drip_are_cut(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 1.0)
    with Subscriber() as there:
        there.answers = [there.drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"a")]
        delivery = tried(clinic, there)
    assert (delivery.state, delivery.last_error, delivery.last_status) == ("pending", "no_answer", None)


def test_nothing_listens_there(clinic: Clinic) -> None:
    with Subscriber() as there:
        listening(clinic, there)
    happen(clinic)
    sending.deliver_due()
    assert only_delivery().last_error == "unreachable"
    assert Endpoint.objects.get().failures == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_an_address_that_may_not_be_called_any_more_is_not(
    clinic: Clinic, there: Subscriber, settings: Any, host: str
) -> None:
    listening(clinic, there)
    Endpoint.objects.update(url=f"https://{host}:{there.port}/hook")
    settings.OUTBOUND_ALLOW = []
    happen(clinic)
    sending.deliver_due()
    assert only_delivery().last_error == "address_refused"
    assert not there.asked


def test_a_name_that_is_gone(clinic: Clinic) -> None:
    delivery = DeliveryFactory(endpoint__clinic=clinic, endpoint__url="https://nowhere.invalid/hook")
    sending.deliver_due()
    delivery.refresh_from_db()
    assert delivery.last_error == "name_unresolved"


def test_a_certificate_that_nobody_vouches_for(clinic: Clinic, tls: ssl.SSLContext) -> None:  # noqa: F811
    with Subscriber(tls=tls) as there:
        DeliveryFactory(endpoint__clinic=clinic, endpoint__url=f"https://localhost:{there.port}/hook")
        sending.deliver_due()
        assert only_delivery().last_error == "tls_failed"
        assert not there.asked


def test_secrets_that_no_key_decrypts_are_said_and_use_up_no_try(
    clinic: Clinic, there: Subscriber, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint, _ = listening(clinic, there)
    Endpoint.objects.update(secrets=b"rubbish")
    happen(clinic)
    sending.deliver_due()
    assert only_delivery().attempts == 0
    assert str(endpoint.pk) in caplog.text
    assert not sending.due().exists()


def test_an_address_and_a_secret_are_in_no_log(
    clinic: Clinic, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with Subscriber(http(500, CANARY.encode(), X_Said=CANARY), http(410)) as there:
        _, secret = listening(clinic, there, url=f"{there.url}/{CANARY}", description=CANARY)
        happen(clinic)
        sending.deliver_due()
        later()
        sending.deliver_due()
    written = caplog.text + "".join(capfd.readouterr()) + json.dumps(list(Event.objects.values_list("data", flat=True)))
    assert "webhook" in caplog.text
    assert CANARY not in written
    assert secret.removeprefix("whsec_") not in written
    assert f":{there.port}" not in caplog.text
    for row in (*Delivery.objects.all(), *Endpoint.objects.all()):
        assert CANARY not in f"{row} {row!r}"


# --- Retries
def test_it_fails_and_then_arrives_under_the_same_id(clinic: Clinic) -> None:
    with Subscriber(http(500), http(200)) as there:
        _, secret = listening(clinic, there)
        happen(clinic)
        send_all()
        assert only_delivery().state == "pending"
        later()
        send_all()
        assert only_delivery().state == "delivered"
        assert len(set(there.ids)) == 1
        assert len(there.asked) == 2
        assert is_signed(there.asked[1], secret)
    endpoint = Endpoint.objects.get()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_ten_tries_over_three_days_and_then_it_is_given_up(clinic: Clinic) -> None:
    pauses: list[timedelta] = []
    with Subscriber(http(503)) as there:
        listening(clinic, there)
        happen(clinic)
        for _ in range(9):
            sending.deliver_due()
            delivery = only_delivery()
            assert delivery.next_attempt_at
            assert delivery.last_attempt_at
            pauses.append(delivery.next_attempt_at - delivery.last_attempt_at)
            later()
        sending.deliver_due()
        assert len(there.asked) == 10
    for pause, planned in zip(pauses, outcomes.PAUSES, strict=True):
        assert planned <= pause <= planned * 1.1
    assert sum(pauses, timedelta()) > timedelta(days=3)
    delivery = only_delivery()
    assert (delivery.state, delivery.attempts, delivery.next_attempt_at) == ("failed", 10, None)


@pytest.mark.parametrize(("asked", "least"), [("120", 120), ("90000", 3600)])
def test_retry_after_is_honoured_within_reason(clinic: Clinic, asked: str, least: int) -> None:
    with Subscriber(http(429, Retry_After=asked)) as there:
        delivery = tried(clinic, there)
    now, endpoint = timezone.now(), Endpoint.objects.get()
    for moment in (delivery.next_attempt_at, endpoint.rests_until):
        assert moment
        assert timedelta(seconds=least - 5) < moment - now <= timedelta(seconds=least)


def test_after_a_failure_the_endpoint_rests_ever_longer_and_thousands_do_not_wait_for_it(clinic: Clinic) -> None:
    rests = []
    with Subscriber(http(500)) as there:
        listening(clinic, there)
        happen(clinic, number=300)
        for number in range(1, 9):
            before = timezone.now()
            send_all()
            assert len(there.asked) == number
            rests.append(round((rested_until() - before).total_seconds()))
            later()
    assert rests == [5, 10, 20, 40, 80, 160, 300, 300]


def rested_until() -> datetime:
    until = Endpoint.objects.get().rests_until
    assert until
    return until


def test_endpoints_take_turns_whoever_waits_longest_first(
    clinic: Clinic, there: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TURN_SECONDS", 0.0)
    for path in ("a", "b", "c"):
        listening(clinic, there, url=f"{there.url}/{path}")
    happen(clinic, number=3)
    for _ in range(9):
        sending.deliver_due()
    paths = [asked.path for asked in there.asked]
    assert [set(paths[at : at + 3]) for at in (0, 3, 6)] == [{"/a", "/b", "/c"}] * 3


def test_no_more_than_so_many_lanes_a_process(clinic: Clinic, there: Subscriber) -> None:
    listening(clinic, there)
    happen(clinic)
    for _ in range(sending.LANES):
        assert sending.lanes.acquire(blocking=False)
    try:
        sending.deliver_due()
        assert not there.asked
    finally:
        for _ in range(sending.LANES):
            sending.lanes.release()
    sending.deliver_due()
    assert len(there.asked) == 1


def test_whoever_has_lost_the_lease_writes_nothing(clinic: Clinic) -> None:
    endpoint, _ = endpoints.create(clinic, url="http://127.0.0.1:9/", by=BY)
    happen(clinic, number=2)
    first = sending.claim()
    assert first
    Endpoint.objects.update(lease_token=uuid4())
    assert not outcomes.delivered(first, first_of(first), outcomes.Outcome(200))
    outcomes.failed(first, first_of(first), outcomes.Outcome(410, "gone"))
    sending.serve(first)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failures, endpoint.last_delivered_at) == ("on", 0, None)
    assert endpoint.lease_token not in (None, first.lease_token)
    assert set(Delivery.objects.values_list("state", "attempts", "last_status")) == {("pending", 0, None)}


def first_of(endpoint: Endpoint) -> Delivery:
    """Its first."""
    return Delivery.objects.filter(endpoint=endpoint).earliest("event")


def test_a_delivery_whose_last_try_killed_its_worker_is_given_up(clinic: Clinic, there: Subscriber) -> None:
    endpoint = EndpointFactory(clinic=clinic, url=there.hook)
    DeliveryFactory(endpoint=endpoint, attempts=outcomes.ATTEMPTS)
    other = DeliveryFactory(endpoint=endpoint)
    send_all()
    assert there.ids == [str(other.event_id)]
    given_up = Delivery.objects.get(state="failed")
    assert (given_up.last_error, given_up.attempts) == ("interrupted", 10)


def test_an_event_that_cannot_be_told_holds_up_no_other(clinic: Clinic, there: Subscriber) -> None:
    endpoint = EndpointFactory(clinic=clinic, url=there.hook)
    broken = DeliveryFactory(endpoint=endpoint, event__kind="audio.created", event__data={})
    other = DeliveryFactory(endpoint=endpoint)
    with pytest.raises(KeyError):
        sending.deliver_due()
    send_all()
    assert there.ids == [str(other.event_id)]
    broken.refresh_from_db()
    assert (broken.attempts, broken.state) == (1, "pending")


# --- Switched off
def test_gone_switches_off_at_once_and_is_told(clinic: Clinic, caplog: pytest.LogCaptureFixture) -> None:
    with Subscriber(http(410)) as there, Subscriber() as watching:
        endpoint, _ = listening(clinic, there)
        listening(clinic, watching, types=[Kind.WEBHOOK_DISABLED])
        happen(clinic)
        send_all()
        assert len(there.asked) == 1
        row = Endpoint.objects.get(pk=endpoint.pk)
        assert (row.state, row.off_reason) == ("off", "gone")
        assert row.off_at
        assert f"webhook {endpoint.pk} was switched off: gone" in caplog.text
        happen(clinic)
        later()
        send_all()
        assert len(there.asked) == 1
        (told,) = watching.asked
    assert told.json()["data"]["id"] == str(endpoint.pk)
    assert told.json()["data"]["reason"] == "gone"
    assert Delivery.objects.filter(endpoint=endpoint).count() == 1, "what happens while it is off is not kept for it"


@pytest.mark.parametrize(("days", "state"), [(4.9, "on"), (5.1, "off")])
def test_what_has_failed_for_five_days_is_switched_off(clinic: Clinic, days: float, state: str) -> None:
    with Subscriber(http(500)) as there:
        listening(clinic, there)
        Endpoint.objects.update(failures=40, failing_since=timezone.now() - timedelta(days=days))
        happen(clinic)
        send_all()
    row = Endpoint.objects.get()
    assert (row.state, row.off_reason) == (state, "" if state == "on" else "failing")
    assert Event.objects.filter(kind="webhook.disabled").count() == (state == "off")


def test_what_waited_goes_on_when_it_is_switched_on(clinic: Clinic) -> None:
    with Subscriber(http(410), http(200)) as there:
        endpoint, _ = listening(clinic, there)
        happen(clinic, number=2)
        send_all()
        endpoints.switch_on(endpoint, BY)
        send_all()
        assert len(there.asked) == 3
        assert len(set(there.ids)) == 2
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_whoever_is_switched_off_or_changed_meanwhile_gets_nothing_more(clinic: Clinic, there: Subscriber) -> None:
    endpoint, _ = listening(clinic, there)
    happen(clinic, number=3)
    claimed = sending.claim()
    assert claimed
    endpoints.change(endpoint, by=BY, url=f"{there.url}/elsewhere")
    sending.serve(claimed)
    assert not there.asked
    send_all()
    assert {asked.path for asked in there.asked} == {"/elsewhere"}
    happen(clinic)
    endpoints.switch_off(endpoint, BY)
    send_all()
    assert len(there.asked) == 3


# --- At rest
NEWER = "bmV3ZXIga2V5IG5ld2VyIGtleSBuZXdlciBrZXkuLi4="


def test_secrets_are_encrypted_and_come_under_a_new_key_with_the_credentials(
    clinic: Clinic, there: Subscriber, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _, secret = listening(clinic, there)
    assert secret.encode() not in bytes(Endpoint.objects.get().secrets)
    settings.CREDENTIAL_KEYS = [NEWER, *settings.CREDENTIAL_KEYS]
    call_command("rotate_credentials")
    assert "1 of 1 were encrypted anew" in capsys.readouterr().err
    assert secrets.is_newest(bytes(Endpoint.objects.get().secrets))
    call_command("rotate_credentials")
    assert "0 of 1 were encrypted anew" in capsys.readouterr().err
    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    happen(clinic)
    send_all()
    assert is_signed(there.asked[0], secret)


def test_secrets_that_no_key_decrypts_are_named_and_can_be_replaced(clinic: Clinic, there: Subscriber) -> None:
    endpoint, _ = listening(clinic, there)
    Endpoint.objects.update(secrets=b"rubbish")
    with pytest.raises(CommandError, match=str(endpoint.pk)):
        call_command("rotate_credentials")
    secret = endpoints.rotate(endpoint, overlap=timedelta(hours=1), by=BY)
    happen(clinic)
    send_all()
    assert is_signed(there.asked[0], secret)
