"""Secrets go to the origins that were named for them, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vendors.contract import job
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.guard import LOOPBACK, REFUSED, SECRET, TOKEN_HOST_REFUSED, facts, failure
from tests.vendors.internet import PUBLIC, Internet
from tests.vendors.scripted_server import ScriptedServer, http
from vendors import VENDORS, connect
from vendors.base import Account, VendorError
from vendors.nabla.adapter import NablaVendor
from vendors.outbound import Outbound

HEADERS = [
    "Authorization",
    "authorization",
    "Proxy-Authorization",
    "Cookie",
    "X-Api-Key",
    "apikey",
    "X-Auth-Token",
    "X-Access-TOKEN",
    "Client-Secret",
    "Webhook-Signature",
    "X-Password",
    "X-Credentials",
]


@pytest.mark.parametrize("header", HEADERS)
def test_a_secret_for_nobody_in_particular_is_neither_sent_nor_its_host_looked_up(header: str, net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC]]
    error = failure(Outbound(), "https://vendor.example/x", headers={header: SECRET})
    assert facts(error) == TOKEN_HOST_REFUSED
    assert (net.looked_up, net.called) == ([], [])


@pytest.mark.parametrize("header", HEADERS)
def test_a_secret_goes_to_the_origin_that_may_have_it(header: str) -> None:
    with ScriptedServer(http(200)) as server:
        outbound = Outbound(LOOPBACK).trusting("https://elsewhere.example", f"{server.url}/v1/")
        outbound.request("GET", f"{server.url}/other", headers={header: SECRET})
    assert server.asked[0].headers[header.lower()] == SECRET


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://vendor.example/",
        "http://vendor.example:443/",
        "https://vendor.example:8443/",
        "https://api.vendor.example/",
        "https://example/",
        "https://vendor.example.evil.example/",
        "https://evilvendor.example/",
        "https://evil.example/vendor.example",
        "https://evil.example?vendor.example",
        "https://evil.example#@vendor.example",
        "https://vendor.examp1e/",
        "https://vendоr.example/",  # noqa: RUF001
        "https://93.184.215.14/",
        "https://[::1]/",
    ],
)
def test_another_origin_gets_no_secret(url: str, net: Internet) -> None:
    assert facts(failure(Outbound(LOOPBACK).trusting("https://vendor.example/v1"), url)) == TOKEN_HOST_REFUSED
    assert (net.looked_up, net.called) == ([], [])


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("https://vendor.example", "https://VENDOR.example:443/x"),
        ("HTTPS://Vendor.Example:443/v1/", "https://vendor.example"),
        ("wss://vendor.example/stream", "https://vendor.example/x"),
        ("WS://vendor.example:80/stream", "http://vendor.example/x"),
        ("https://bücher.example", "https://xn--bcher-kva.example/"),
        ("https://[2606:4700:0:0::1]", "https://[2606:4700::1]/"),
    ],
)
def test_one_origin_may_be_written_in_several_ways(named: str, url: str, net: Internet) -> None:
    error = failure(Outbound().trusting(named), url, total_timeout=1)
    assert error.code in ("name_unresolved", "unreachable", "address_refused")
    assert net.looked_up


@pytest.mark.parametrize("named", ["", "vendor.example", "https://", "http://[zz", "wss:", "https://user@127.0.0.1"])
def test_what_is_no_address_is_trusted_with_nothing(named: str) -> None:
    assert Outbound().trusting(named).trusted == frozenset()


def test_user_names_in_the_address_are_refused_even_of_a_host_that_may_have_secrets() -> None:
    with ScriptedServer(http(200)) as server:
        outbound = Outbound(LOOPBACK).trusting(server.url)
        assert facts(failure(outbound, f"http://me:{SECRET}@127.0.0.1:{server.port}/", headers={})) == REFUSED
    assert not server.asked


def test_trusting_makes_a_copy_that_trusts_nobody_else() -> None:
    with ScriptedServer(http(200)) as server:
        one = Outbound(LOOPBACK).trusting(server.url)
        two = one.trusting("https://vendor.example")
        for outbound in (Outbound(LOOPBACK), two):
            assert facts(failure(outbound, server.url)) == TOKEN_HOST_REFUSED
        assert one.request("GET", server.url, headers={"X-Key": SECRET}).status == 200


def test_a_request_without_a_secret_needs_no_trust() -> None:
    with ScriptedServer(http(200)) as server:
        headers = {"Accept": "application/json", "X-Nabla-Api-Version": "1", "Range": "bytes=0-"}
        assert Outbound(LOOPBACK).request("POST", server.url, headers=headers, json={"a": 1}).status == 200


class Curious(NablaVendor):
    """Sends its key wherever it is told."""

    def tell(self, url: str) -> int:
        key = self._account.credentials["server_key"]
        return self._outbound.request("GET", url, headers={"Authorization": f"Bearer {key}"}).status


def test_a_connected_vendor_can_send_its_key_to_its_accounts_addresses_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VENDORS, "curious", Curious)
    with ScriptedServer(http(200)) as a, ScriptedServer(http(200)) as b, ScriptedServer(http(200)) as other:
        streaming = f"ws://127.0.0.1:{b.port}/stream"
        options: dict[str, Any] = {"partner_url": a.url, "streaming_url": streaming, "region": other.url}
        account = Account("https://vendor.example/v1", {"server_key": SECRET}, options)
        vendor = connect("curious", account, Outbound(LOOPBACK).trusting(other.url), OwnTokens())
        assert isinstance(vendor, Curious)
        assert (vendor.tell(a.url), vendor.tell(b.url)) == (200, 200)
        with pytest.raises(VendorError) as caught:
            vendor.tell(other.url)
    assert facts(caught.value) == TOKEN_HOST_REFUSED
    assert not other.asked


@pytest.mark.parametrize("options", [{}, {"partner_url": None, "streaming_url": 7}, {"partner_url": ""}])
def test_an_account_need_not_have_more_addresses_than_one(options: dict[str, Any]) -> None:
    with ScriptedServer(http(200)) as server:
        connect("nabla", Account(server.url, {"server_key": "k"}, options), Outbound(LOOPBACK), OwnTokens()).submit(
            job(), Noted()
        )
    assert server.asked[0].headers["authorization"] == "Bearer k"


def test_a_vendor_that_was_not_connected_sends_no_key() -> None:
    with ScriptedServer(http(200)) as server, pytest.raises(VendorError) as caught:
        NablaVendor(Account(server.url, {"server_key": "k"}), Outbound(LOOPBACK), OwnTokens()).submit(job(), Noted())
    assert facts(caught.value) == TOKEN_HOST_REFUSED
    assert not server.asked
