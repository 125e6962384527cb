"""Dragon Copilot's account: how it is connected from the command line, and told where its results go."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from access.models import Clinic
from ingest.models import VendorAccount
from tests.factories import ClinicFactory
from tests.vendors.contract import CANARY, LOOPBACK
from tests.vendors.dragon_server import CREDENTIALS, DragonServer
from tests.vendors.scripted_server import Answer, http

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def harbour(db: None, settings: Any) -> Clinic:
    settings.OUTBOUND_ALLOW = LOOPBACK
    return ClinicFactory(slug="harbour")


def connect(*options: str, url: str = "https://login.example", **changes: Any) -> None:
    credentials = json.dumps({**CREDENTIALS, "token_url": f"{url}/token", **changes})
    call_command("connect_vendor", "harbour", "dragon", "--credentials", credentials, *options)


def subscribe(server: DragonServer, **changes: Any) -> None:
    connect("--partner-url", f"{server.url}/partner", "--subscribe", url=server.url, **changes)


def refused(*options: str, **changes: Any) -> str:
    with pytest.raises(CommandError) as caught:
        connect(*options, **changes)
    assert caught.value.returncode == 1
    assert not VendorAccount.objects.exists()
    return str(caught.value)


def test_region_and_environment_say_where_it_is_called() -> None:
    connect("--region", "uk")
    assert VendorAccount.objects.get().base_url == "https://ambient-audio-service.copilot.uk2.dragon.com"
    connect("--environment", "non-production", "--transport", "grpc")
    account = VendorAccount.objects.get()
    assert account.base_url == "https://ambient-audio-service.stg.copilot.us.dragon.com"
    assert account.options == {"environment": "non-production", "transport": "grpc"}
    assert account.partner == CREDENTIALS["customer_id"]


def test_its_own_addresses_go_before_that() -> None:
    given = {
        "--base-url": "https://audio.example/aas",
        "--partner-url": "https://partner.example/api",
        "--streaming-url": "WSS://stream.example/v1",
        "--streaming-api-version": "none",
        "--chunk-kib": "256",
    }
    connect(*(word for option in given.items() for word in option))
    account = VendorAccount.objects.get()
    assert account.base_url == "https://audio.example/aas"
    assert account.options["streaming_url"] == "WSS://stream.example/v1"
    assert account.options["streaming_api_version"] == "none"
    assert account.options["chunk_kib"] == 256


def test_options_that_are_left_out_next_time_are_named(capsys: Said) -> None:
    connect("--region", "uk", "--transport", "grpc")
    assert "no longer" not in capsys.readouterr().err
    connect("--transport", "grpc")
    assert "It no longer has --region uk" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "because"),
    [
        (("--region", "mars"), "region is one of us, ca, fr, de, uk"),
        (("--environment", "staging"), "environment is production or non-production"),
        (("--environment", "non-production", "--region", "uk"), "in the region us alone"),
        (("--transport", "pigeon"), "transport is one of rest, websocket, grpc"),
        (("--streaming-api-version", "1&x=y"), "--streaming-api-version is a version"),
        (("--chunk-kib", "0"), "--chunk-kib is a number"),
        (("--chunk-kib", "64KiB"), "--chunk-kib is a number"),
        (("--streaming-url", "stream.example"), "--streaming-url must be an address"),
        (("--partner-url", "wss://u:p@partner.example"), "--partner-url must be an address"),
        (("--partner-url", f"https://partner.example/{'x' * 500}"), "--partner-url takes 500"),
    ],
)
def test_what_there_is_not_is_refused(options: tuple[str, ...], because: str) -> None:
    assert because in refused(*options)


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": []},
        {"access_token": [CANARY]},
        {"access_token": ["one-of-nine-secrets"] * 9},
        {"access_token": "too-short"},
        {"access_token": ["long-enough-a-secret", "and+one+with+signs+in+it"]},
        {"customer_id": CANARY},
        {"client_secret": ""},
        {"issuer": "https://login.example"},
        {CANARY: "x"},
    ],
)
def test_credentials_that_cannot_be_used_are_refused_and_not_repeated(changes: dict[str, Any]) -> None:
    assert CANARY not in refused(**changes)


def test_it_is_told_where_results_go_and_the_first_of_its_secrets(capsys: Said) -> None:
    with DragonServer() as server:
        subscribe(server, access_token=["the-new-secret-of-ours", "the-old-secret-of-ours"])
    account, said = VendorAccount.objects.get(), capsys.readouterr()
    told = server.of("subscriptions")[0].json()
    assert (told["webHookUrl"], told["accessToken"]) == (said.out.strip(), "the-new-secret-of-ours")
    assert told["webHookUrl"].endswith(f"/callbacks/dragon/accounts/{account.pk}")
    assert "It is subscribed." in said.err


@pytest.mark.parametrize(
    ("call", "answer", "because"),
    [
        ("subscriptions", http(400, {"error": CANARY}), "Check the ids"),
        ("subscriptions", http(401, {"error": CANARY}), "allow list"),
        ("subscriptions", http(403, CANARY.encode()), "region"),
        ("subscriptions", http(503), "not available just now"),
        ("subscriptions", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "broke before"),
        ("subscriptions", http(200, b"x" * 2_000_000), "too large"),
        ("token", http(400, {"error": CANARY}), "identity provider"),
        ("token", http(200, b"<html>" + CANARY.encode()), "identity provider"),
    ],
)
def test_a_subscription_that_fails_leaves_an_account_that_can_be_tried_again(
    call: str, answer: Answer, because: str, capsys: Said
) -> None:
    with DragonServer(**{call: [answer]}) as server, pytest.raises(CommandError) as caught:
        subscribe(server)
    assert caught.value.returncode == 1
    calls = [asked.headers["x-correlation-id"] for asked in server.of("subscriptions")]
    said = str(caught.value)
    assert re.match("It is not subscribed: .*" + because, said)
    assert said.endswith(f" The call's id, for its support: {calls[-1]}." if calls else ".")
    assert ("for its support" in said) is bool(calls)
    account = VendorAccount.objects.get()
    with DragonServer() as server:
        subscribe(server)
    assert (VendorAccount.objects.get().pk, len(server.of("subscriptions"))) == (account.pk, 1)
    everything = said + "".join(capsys.readouterr())
    assert all(secret not in everything for secret in (CANARY, "secret-1", "the-subscriptions-secret", "token-1"))


def test_a_partner_api_that_is_not_there_is_told_of() -> None:
    with DragonServer() as server:
        pass
    with DragonServer() as provider, pytest.raises(CommandError, match=r"not subscribed: 127\.0\.0\.1 could not be"):
        connect("--partner-url", server.url, "--subscribe", url=provider.url)


def test_a_vendor_that_cannot_be_told_is_not_connected_with_that_option() -> None:
    with pytest.raises(CommandError, match="leave --subscribe out"):
        call_command("connect_vendor", "harbour", "nabla", "--credentials", '{"server_key": "k"}', "--subscribe")
    assert not VendorAccount.objects.exists()
