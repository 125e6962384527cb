"""Dragon Copilot's identity provider: where a token is asked for, how the client names itself, what is made of it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest
import requests

from tests.vendors import dragon_sandbox, sending
from tests.vendors.contract import CANARY, LOOPBACK
from tests.vendors.dragon_server import CREDENTIALS, DragonServer
from tests.vendors.going import OwnTokens
from tests.vendors.scripted_server import Asked, http
from tests.vendors.test_dragon_client import dragon
from vendors import connect
from vendors.base import Account, Held, VendorError
from vendors.outbound import Outbound

ID, SECRET = "client:1/e", "se+cr%et:&="


def asked_for_a_token(methods: Any = None, provider: str = "issuer") -> tuple[Asked, dict[str, list[str]]]:
    """The call to the token endpoint of a provider whose metadata name these methods, and the form in it."""
    with DragonServer() as server:
        metadata = {"issuer": server.url, "token_endpoint": f"{server.url}/token"}
        named = {} if methods is None else {"token_endpoint_auth_methods_supported": methods}
        server.scripts["openid-configuration"] = [http(200, metadata | named)]
        where = {"token_url": f"{server.url}/token", "issuer": server.url}[provider]
        client = {"client_id": ID, "client_secret": SECRET, provider: where}
        kept = {name: value for name, value in CREDENTIALS.items() if name != "token_url"}
        account = Account(server.url, {**kept, **client}, {"partner_url": f"{server.url}/partner"})
        connect("dragon", account, Outbound(LOOPBACK), OwnTokens()).subscribe("https://door.example")
    (asked,) = server.of("token")
    return asked, parse_qs(asked.body.decode(), strict_parsing=True)


@pytest.mark.parametrize("methods", [None, [], ["client_secret_basic"], ["private_key_jwt"], 7, "client_secret_post"])
def test_a_provider_that_does_not_name_the_form_is_told_the_client_by_basic(methods: Any) -> None:
    asked, form = asked_for_a_token(methods)
    assert form.keys() == {"grant_type", "scope"}
    scheme, _, encoded = asked.headers["authorization"].partition(" ")
    name, _, secret = b64decode(encoded).decode().partition(":")
    assert (scheme, unquote_plus(name), unquote_plus(secret)) == ("Basic", ID, SECRET)


def test_basic_encodes_both_as_forms_do_before_it_joins_them() -> None:
    asked, _ = asked_for_a_token()
    assert asked.headers["authorization"] == f"Basic {b64encode(b'client%3A1%2Fe:se%2Bcr%25et%3A%26%3D').decode()}"


@pytest.mark.parametrize(
    ("methods", "provider"),
    [
        (["client_secret_post"], "issuer"),
        (["client_secret_basic", "client_secret_post"], "issuer"),
        (None, "token_url"),
    ],
)
def test_one_that_names_the_form_or_only_its_endpoint_is_told_in_the_form(methods: Any, provider: str) -> None:
    asked, form = asked_for_a_token(methods, provider)
    assert "authorization" not in asked.headers
    assert (form["client_id"], form["client_secret"]) == ([ID], [SECRET])


def test_the_issuers_metadata_say_where_tokens_are_had() -> None:
    with DragonServer() as server:
        metadata = {"issuer": server.url, "token_endpoint": f"{server.url}/token"}
        server.scripts["openid-configuration"] = [http(200, metadata)]
        dragon(server.url, provider="issuer").subscribe("https://door.example")
    assert server.of("token")
    assert server.of("openid-configuration")[0].path == "/.well-known/openid-configuration"


@pytest.mark.parametrize("basic_only", [False, True])
def test_the_sandboxes_issuer_gives_a_token_whichever_way_it_takes(basic_only: bool) -> None:
    with dragon_sandbox.running(delay=0.0) as sandbox:
        if basic_only:
            requests.post(f"{sandbox.url}/control/issuer/faults", json={"fault": "basic_only"}, timeout=30)
        credentials = {**sending.CREDENTIALS, "issuer": f"{sandbox.url}/issuer"}
        account = Account(f"{sandbox.url}/dragon", credentials, {"partner_url": f"{sandbox.url}/dragon/partner"})
        connect("dragon", account, Outbound(LOOPBACK), OwnTokens()).close(Held("nobody"), kind="ambient")
        (ended,) = sandbox.control("GET", "requests")["end"]
        (asked,) = requests.get(f"{sandbox.url}/control/issuer/requests", timeout=30).json()["token"]
    assert ended["status"] == 404  # it has let us in, and knows no such session
    assert asked["headers"].get("authorization", "") == ("Basic" if basic_only else "")


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (http(400, {"error": "invalid_client", "error_description": CANARY}), True),
        (http(401, b"no"), True),
        (http(503), False),
        (http(200, b"<html>sign in</html>"), False),
        (http(200, {"access_token": 7}), False),
        (http(200, {"access_token": "a b"}), False),
        (http(200, {}), False),
        (http(302, Location="https://elsewhere.example"), True),
    ],
)
def test_an_identity_provider_that_gives_no_token_is_told_of(answer: bytes, permanent: bool) -> None:
    with DragonServer(token=[answer]) as server, pytest.raises(VendorError) as caught:
        dragon(server.url).subscribe("https://door.example")
    assert caught.value.permanent == permanent
    assert CANARY not in caught.value.message
    assert not server.of("subscriptions")


def test_a_token_serves_until_shortly_before_its_end() -> None:
    answer, tokens = http(200, {"access_token": "t", "expires_in": "600"}), OwnTokens()
    with DragonServer(token=[answer]) as server:
        for _ in range(2):
            dragon(server.url, tokens=tokens).subscribe("https://door.example")
    assert len(server.of("token")) == 1
    assert list(tokens.seconds.values()) == [540]
