"""A secret in a webhook's address: how it is read, and what it proves."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from vendors.base import Rejected
from vendors.signing import AccessToken, read_access_token


def judged(query: str, *secrets: str) -> str:
    try:
        read_access_token(query).verify(b"whatever is sent", secrets)
    except Rejected as rejected:
        return rejected.code
    return "proven"


@pytest.mark.parametrize(
    "token", ["secret", "a b+c&d=e%f", "\u00fcml\u00e4ut", "x" * 500, "\u0645\u0631\u062d\u0628\u0627" * 100]
)
def test_any_of_the_secrets_proves_it_however_it_is_spelt(token: str) -> None:
    assert judged(f"access_token={quote(token)}", token) == "proven"
    assert judged(f"v=1&access_token={quote(token, safe='')}&", "another", token) == "proven"


@pytest.mark.parametrize("secrets", [(), ("",), ("Secret",), ("secret ",), ("secre",), ("secrets",)])
def test_what_is_none_of_them_proves_nothing(secrets: tuple[str, ...]) -> None:
    assert judged("access_token=secret", *secrets) == "access_token_wrong"


@pytest.mark.parametrize(
    "query",
    [
        *("", "?", "access_token", "access_token=", "access_token=%", "x=access_token=secret", "ACCESS_TOKEN=secret"),
        *("access_token=secret&access_token=secret", "access_token=secret&access_token=", "access_token=" + "x" * 501),
        "&".join(["access_token=secret", *("a=1" for _ in range(20))]),
    ],
)
def test_exactly_one_is_looked_for(query: str) -> None:
    offered = "missing" if query != "access_token=%" else "wrong"
    assert judged(query, "secret") == f"access_token_{offered}"


def test_bytes_that_are_no_text_and_halves_of_characters_prove_nothing() -> None:
    assert judged("access_token=%ff%fe", "secret") == "access_token_wrong"
    assert judged("access_token=secret", "\ud800") == "access_token_wrong"


def test_it_is_not_shown() -> None:
    assert "secret" not in repr(AccessToken("secret"))
