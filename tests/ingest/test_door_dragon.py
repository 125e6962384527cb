"""Dragon Copilot's events at the door as it is served: what is stored, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from access.models import Clinic
from ingest import processing, sweeps
from ingest.models import Callback, Submission, VendorAccount
from tests.factories import VendorAccountFactory
from tests.ingest.conftest import waiting_at_exchange
from tests.ingest.test_door_exchange import REFUSED, ask, at, post, served
from tests.vendors.dragon_server import CREDENTIALS
from tests.vendors.signed_contract import JUNK
from tests.vendors.test_dragon_client import REF, event, fetched
from vendors.dragon.exchange import UNKNOWN_TYPE

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = CREDENTIALS["access_token"]
STORED, DUPLICATE = (200, {"status": "stored"}), (200, {"status": "duplicate"})
ORIGIN = "WebHook-Request-Origin"
CLOUD_EVENT = {"Content-Type": "application/cloudevents+json; charset=utf-8"}


@pytest.fixture(scope="module")
def door(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("door") / "log", "config.door") as url:
        yield url


@pytest.fixture
def account(clinic: Clinic) -> VendorAccount:
    partner = CREDENTIALS["customer_id"]
    row: VendorAccount = VendorAccountFactory(clinic=clinic, vendor="dragon", partner=partner, credentials=CREDENTIALS)
    return row


def tell(door: str, account: VendorAccount, said: dict[str, Any] | bytes, secret: str = SECRET) -> tuple[int, Any]:
    """One event, as Dragon Copilot sends it."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return post(at(door, account, f"?access_token={secret}", "dragon"), body, headers=CLOUD_EVENT)


def processed() -> Callback:
    """The one that has come."""
    processing.process_due()
    return Callback.objects.get()


def waiting_for(account: VendorAccount) -> Submission:
    facts = {"request__vendor": "dragon", "request__account": account, "request__session__clinic": account.clinic}
    return waiting_at_exchange(REF, **facts)


def test_whoever_asks_may_send(door: str, account: VendorAccount) -> None:
    said = ask(at(door, account, vendor="dragon"), {ORIGIN: "eventgrid.azure.net"})
    assert (said.status_code, said.content) == (200, b"")
    assert (said.headers["WebHook-Allowed-Origin"], said.headers["WebHook-Allowed-Rate"]) == (
        "eventgrid.azure.net",
        "*",
    )


@pytest.mark.parametrize("origin", ["", "x" * 501, "\u00e9", "a\tb"])
def test_who_names_no_origin_is_allowed_nothing(door: str, account: VendorAccount, origin: str) -> None:
    said = requests.options(at(door, account, vendor="dragon"), headers={ORIGIN: origin.encode("latin-1")}, timeout=20)
    assert said.status_code == 200
    assert "WebHook-Allowed-Origin" not in said.headers


def test_where_there_is_no_account_of_it_nobody_may_send(door: str, clinic: Clinic, account: VendorAccount) -> None:
    for other in (uuid4(), VendorAccountFactory(clinic=clinic, vendor="nabla")):
        assert ask(at(door, other, vendor="dragon")).status_code == 404


@pytest.mark.parametrize(
    "secret", ["", "wrong-but-as-long-as", SECRET[:-1], f"{SECRET}&access_token={SECRET}", "%ff%00"]
)
def test_who_does_not_know_the_secret_is_refused(door: str, account: VendorAccount, secret: str) -> None:
    assert tell(door, account, event(), secret) == REFUSED
    assert not Callback.objects.exists()


def test_both_secrets_prove_while_they_are_rotated(door: str, account: VendorAccount) -> None:
    newer = "the-newer-secret-of-it"
    account.seal({**CREDENTIALS, "access_token": [newer, SECRET]})
    account.save()
    assert [tell(door, account, event(id=secret), secret) for secret in (newer, SECRET)] == [STORED, STORED]


def test_an_event_is_stored_once_and_announces_its_result(door: str, account: VendorAccount) -> None:
    row = waiting_for(account)
    assert tell(door, account, event()) == STORED
    assert tell(door, account, event(time="2026-03-01T14:34:13Z")) == DUPLICATE
    told = processed()
    assert (told.state, told.problem, told.request_id) == ("notice", "", row.request_id)


@pytest.mark.parametrize("changes", [{"id": "e\ud800"}, {"source": "/\udfff"}, {"time": "9999-12-31T23:59:59-23:59"}])
def test_an_odd_event_is_taken_like_any_other(door: str, account: VendorAccount, changes: dict[str, str]) -> None:
    row = waiting_for(account)
    assert tell(door, account, event(**changes)) == STORED
    assert tell(door, account, event(**changes)) == DUPLICATE
    told = processed()
    assert (told.state, told.problem, told.request_id) == ("notice", "", row.request_id)


@pytest.mark.parametrize(
    "body",
    [
        *(body for body in JUNK if len(body) < 1000),
        b'{"id": "e", "source": %b}' % (b"[" * 1000 + b"]" * 1000),
        json.dumps(event(data=None)).encode(),
        fetched({"resources": []}),  # results are fetched, and never pushed
    ],
)
def test_junk_that_knows_the_secret_is_kept_as_such(door: str, account: VendorAccount, body: bytes) -> None:
    assert (tell(door, account, body), tell(door, account, body)) == (STORED, DUPLICATE)
    told = processed()
    assert (told.state, bytes(told.body or b"")) == ("junk", body)


def test_an_event_for_nobody_is_kept_until_they_appear(door: str, account: VendorAccount) -> None:
    assert tell(door, account, event()) == STORED
    told = processed()
    assert (told.state, told.named_request) == ("orphan", REF)
    row = waiting_for(account)
    sweeps.sweep()
    told = processed()
    assert (told.state, told.request_id) == ("notice", row.request_id)


def test_an_event_of_an_unknown_type_is_kept_and_says_so(door: str, account: VendorAccount) -> None:
    row = waiting_for(account)
    assert tell(door, account, event(type="encounter_surprise_ready")) == STORED
    told = processed()
    assert (told.state, told.problem, told.request_id) == ("notice", UNKNOWN_TYPE, row.request_id)


def test_no_secret_is_in_its_log(account: VendorAccount, tmp_path: Path) -> None:
    with served(tmp_path / "log", "config.door") as door:
        assert tell(door, account, event(), "wrong-but-as-long-as") == REFUSED
        assert tell(door, account, event(id="\ud800")) == STORED
    written = (tmp_path / "log").read_text()
    assert "access_token_wrong" in written
    assert not [word for word in (SECRET, "wrong-but", "the door failed", "Traceback") if word in written]
