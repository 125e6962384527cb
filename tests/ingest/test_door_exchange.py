"""The door for a vendor that proves itself by a token, asks first whether it may send, and takes refusals for final."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest
import requests
from cryptography.fernet import Fernet
from django.db import connection

from access.models import AccessEntry, Clinic
from config.installation import ROOT, answers
from ingest import signers
from ingest.models import Callback, VendorAccount
from tests.factories import VendorAccountFactory
from tests.faults.letters import signature
from tests.flows.clinic import eventually
from tests.flows.conftest import free_port, on_test_database
from tests.ingest.scripted_vendor import notice

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN, NEWER = "a secret + of 100 %", "another-secret"
ASKS = {"WebHook-Request-Origin": "exchange.example"}
REFUSED, TRY_AGAIN = (401, {"error": "origin not proven"}), (503, {"error": "not stored, try again"})


@contextmanager
def served(log: Path, application: str = "tests.ingest.exchange_door", **env: str) -> Iterator[str]:
    """A door's address. It works on the test database and counts nobody's refusals, unless `env` says otherwise."""
    port = free_port()
    usual = {"DATABASE_URL": on_test_database(os.environ["DATABASE_URL"]), "RATE_REFUSED": "none"}
    options = ["--interface", "asgi", "--port", str(port), "--no-ws", "--log-level", "warning"]
    command = [sys.executable, "-m", "granian", *options, f"{application}:application"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | usual | env, stdout=output, stderr=output)
    try:
        eventually(answers("127.0.0.1", port, "/healthz"), within=60, what=f"the door serves, see {log}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def door(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("door") / "log") as url:
        yield url


@pytest.fixture
def account(clinic: Clinic) -> VendorAccount:
    row: VendorAccount = VendorAccountFactory(clinic=clinic, vendor="exchange", credentials={"access_token": TOKEN})
    return row


def at(door: str, account: Any, query: str = "", vendor: str = "exchange") -> str:
    return f"{door}/callbacks/{vendor}/accounts/{getattr(account, 'pk', account)}{query}"


def post(url: str, body: bytes | None = None, **options: Any) -> tuple[int, Any]:
    content = notice(event=str(uuid4())) if body is None else body
    said = requests.post(url, data=content, timeout=20, **options)
    return said.status_code, said.json()


def offer(door: str, account: Any, token: str = TOKEN, body: bytes | None = None) -> tuple[int, Any]:
    return post(at(door, account, f"?api=1&access_token={quote(token)}"), body)


def ask(url: str, headers: dict[str, str] | None = None) -> requests.Response:
    return requests.options(url, headers=ASKS if headers is None else headers, timeout=20)


def connect(account: VendorAccount, token: str) -> None:
    account.seal({"access_token": token})
    account.save()


# --- The token
def test_a_webhook_with_the_accounts_token_is_stored_once(door: str, account: VendorAccount) -> None:
    body = notice(link="https://exchange.example/1")
    assert offer(door, account, body=body) == (200, {"status": "stored"})
    assert offer(door, account, body=body) == (200, {"status": "duplicate"})
    row = Callback.objects.get()
    assert (bytes(row.body or b""), row.proven_by, row.proven_id) == (body, "account", account.pk)
    assert (row.vendor, row.clinic_id) == ("exchange", account.clinic_id)


@pytest.mark.parametrize("query", ["?access_token={}&api=1", "?api=1&access_token={}", "?a=&access_token={}&b"])
def test_it_may_stand_anywhere_in_the_query_encoded_as_forms_are(door: str, account: VendorAccount, query: str) -> None:
    encoded = quote(TOKEN).replace("%20", "+")
    assert post(at(door, account, query.format(encoded)))[0] == 200


@pytest.mark.parametrize(
    "query",
    [
        *("", "access_token=", "access_token", "Access_Token=x", "token=x", "access_token=" + "x" * 501),
        *("access_token=a&access_token=a", "access_token=wrong", "&".join(["access_token=x"] + ["a=1"] * 50)),
        *("access_token=%ff%fe", "access_token=%", "access_token=a%20secret"),
    ],
)
def test_anything_else_is_refused_and_nothing_is_stored(door: str, account: VendorAccount, query: str) -> None:
    assert post(at(door, account, f"?{query}")) == REFUSED
    assert not Callback.objects.exists()


def test_the_token_of_another_account_opens_nothing(door: str, account: VendorAccount, other_clinic: Clinic) -> None:
    other = VendorAccountFactory(clinic=other_clinic, vendor="exchange", credentials={"access_token": NEWER})
    assert offer(door, account, NEWER) == offer(door, uuid4(), NEWER) == REFUSED
    assert offer(door, other, NEWER)[0] == 200


def test_an_account_without_a_token_is_opened_by_none(door: str, account: VendorAccount) -> None:
    connect(account, "")
    assert offer(door, account, "x") == offer(door, account, "") == REFUSED


def test_a_token_that_was_given_just_now_is_good_at_once(door: str, account: VendorAccount) -> None:
    """The door has heard of the account a moment ago, and believes that for ten seconds."""
    assert offer(door, account)[0] == 200
    connect(account, NEWER)
    assert offer(door, account)[0] == 200
    assert offer(door, account, NEWER)[0] == 200
    assert offer(door, account) == REFUSED


def test_however_many_are_wrong_the_accounts_are_asked_for_ten_times_a_second(
    door: str, account: VendorAccount
) -> None:
    assert offer(door, account)[0] == 200
    before, begun = times_read(), time.monotonic()
    with ThreadPoolExecutor(32) as pool:
        said = list(pool.map(lambda _: offer(door, account, "wrong"), range(300)))
    asked = 2 + (time.monotonic() - begun) / signers.Signers.PAUSE_SECONDS
    assert said == [REFUSED] * 300
    assert 1 <= times_read() - before <= 4 * asked  # a few scans in each question: the account, and who shares it


def times_read() -> int:
    """How often the accounts were looked at, as PostgreSQL counts them, which it does a second late."""
    time.sleep(1.5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE relname = 'ingest_vendoraccount'")
        return int(cursor.fetchone()[0])


# --- What a sender that never comes again must not be told for a fault of ours
def test_credentials_that_cannot_be_opened_are_no_refusal(door: str, account: VendorAccount) -> None:
    VendorAccount.objects.update(encrypted_credentials=Fernet(Fernet.generate_key()).encrypt(b"{}"))
    assert offer(door, account) == TRY_AGAIN
    connect(account, TOKEN)
    assert offer(door, account)[0] == 200


def test_nabla_is_told_the_same(door: str, clinic: Clinic) -> None:
    account = VendorAccountFactory(clinic=clinic)
    VendorAccount.objects.update(encrypted_credentials=Fernet(Fernet.generate_key()).encrypt(b"{}"))
    proof = signature("secret", b"{}", datetime.now(UTC))
    assert post(at(door, account, vendor="nabla"), b"{}", headers=proof) == TRY_AGAIN


def test_without_postgresql_it_is_told_to_come_again(account: VendorAccount, tmp_path: Path) -> None:
    with served(tmp_path / "log", DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/nothing") as door:
        with ThreadPoolExecutor() as pool:
            offered, asked = pool.submit(offer, door, account), pool.submit(ask, at(door, account))
        assert offered.result() == TRY_AGAIN
        assert (asked.result().status_code, asked.result().headers["Retry-After"]) == (503, "5")


def test_a_body_that_breaks_off_is_no_refusal_either(door: str, account: VendorAccount) -> None:
    parts = urlsplit(at(door, account, f"?access_token={quote(TOKEN)}"))
    head = f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: door\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=10) as connected:
        connected.sendall(head.encode() + b"5\r\nhello\r\nzz\r\n")
        assert connected.recv(65536).startswith(b"HTTP/1.1 408")
    assert not Callback.objects.exists()


def test_junk_with_the_right_token_is_stored(door: str, account: VendorAccount) -> None:
    assert offer(door, account, body=b"\xff<html>") == (200, {"status": "stored"})
    assert Callback.objects.get().state == "stored"


# --- Whether it may send at all
def test_who_asks_is_allowed_where_there_is_an_account(door: str, account: VendorAccount) -> None:
    said = ask(at(door, account))
    assert (said.status_code, said.content) == (200, b"")
    assert said.headers["WebHook-Allowed-Origin"] == "exchange.example"
    assert said.headers["WebHook-Allowed-Rate"] == "*"
    assert not AccessEntry.objects.exists()


def test_who_does_not_say_from_where_is_allowed_nothing(door: str, account: VendorAccount) -> None:
    said = ask(at(door, account), {})
    assert (said.status_code, said.content) == (200, b"")
    assert not [name for name in said.headers if name.lower().startswith("webhook")]


def test_where_there_is_no_account_nobody_is_allowed(door: str, account: VendorAccount, clinic: Clinic) -> None:
    nabla = VendorAccountFactory(clinic=clinic)
    for there_is_none in (uuid4(), nabla):
        said = ask(at(door, there_is_none))
        assert (said.status_code, said.json()) == (404, {"error": "no such door"})
        assert "WebHook-Allowed-Origin" not in said.headers


def test_a_vendor_that_asks_nothing_is_told_how_to_knock(door: str, clinic: Clinic) -> None:
    said = ask(at(door, VendorAccountFactory(clinic=clinic), vendor="nabla"))
    assert (said.status_code, said.headers["Allow"]) == (405, "POST")


def test_a_flood_of_made_up_accounts_is_slowed_down(account: VendorAccount, tmp_path: Path) -> None:
    with served(tmp_path / "log", RATE_REFUSED="3/day") as door:
        told = [ask(at(door, uuid4())) for _ in range(20)]
        assert {one.status_code for one in told} == {404, 429}
        assert int(told[-1].headers["Retry-After"]) > 0
        assert ask(at(door, account)).status_code == 200


def test_the_token_is_in_no_log(account: VendorAccount, tmp_path: Path) -> None:
    with served(tmp_path / "log") as door:
        assert offer(door, account, "wrong-but-private") == REFUSED
        assert offer(door, account)[0] == 200
    log = (tmp_path / "log").read_text()
    assert "access_token_wrong" in log
    assert "private" not in log
    assert "100" not in log
