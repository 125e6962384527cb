"""Tokens that the issuer makes as they are ordered, good and forged; PyJWT reads what it wrote by hand."""

import hmac
import json
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .issuer import Issuer, parts, started


@pytest.fixture
def issuer(running: Callable[[ThreadingHTTPServer], str]) -> Issuer:
    return started(running)


def test_claims_and_header_are_as_ordered(issuer: Issuer) -> None:
    token = issuer.mint(claims={"aud": ["listenpost", "x"], "azp": None, "roles": ["r"]}, header={"typ": "JWT"})
    claims = issuer.verify(token)
    assert (claims["aud"], claims["roles"], "azp" in claims) == (["listenpost", "x"], ["r"], False)
    assert jwt.get_unverified_header(token)["typ"] == "JWT"
    assert "kid" not in parts(issuer.mint(header={"kid": None}))[0]


def test_the_algorithm_chooses_the_key(issuer: Issuer) -> None:
    token = issuer.mint(alg="ES256")
    assert jwt.get_unverified_header(token)["kid"] == issuer.published()[1]["kid"]
    assert issuer.verify(token)
    with pytest.raises(jwt.InvalidAlgorithmError):
        issuer.verify(issuer.mint(alg="PS256"))
    assert jwt.decode(issuer.mint(alg="PS256"), jwt.PyJWK(issuer.published()[0]).key, ["PS256"], audience="listenpost")


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ({"lifetime": -1}, jwt.ExpiredSignatureError),
        ({"not_before": 600}, jwt.ImmatureSignatureError),
        ({"claims": {"iss": "https://other.example"}}, jwt.InvalidIssuerError),
        ({"claims": {"exp": None}}, jwt.MissingRequiredClaimError),
        ({"kid": "unknown"}, jwt.InvalidKeyError),
        ({"key": "unpublished"}, jwt.InvalidKeyError),
        ({"key": "unpublished", "kid": "current"}, jwt.InvalidSignatureError),
        ({"key": "other_issuer"}, jwt.InvalidKeyError),
        ({"key": "other_issuer", "kid": "current"}, jwt.InvalidSignatureError),
        ({"key": "weak"}, jwt.InvalidSignatureError),
        ({"key": "symmetric"}, jwt.InvalidAlgorithmError),
    ],
)
def test_tokens_that_nobody_should_take(issuer: Issuer, order: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        issuer.verify(issuer.mint(**order))


def test_an_expired_token_was_good_once(issuer: Issuer) -> None:
    claims = json.loads(parts(issuer.mint(lifetime=-60))[1])
    assert claims["iat"] == claims["nbf"] == claims["exp"] - 3600


def test_the_other_issuer_publishes_its_keys(issuer: Issuer) -> None:
    token = issuer.mint(key="other_issuer", alg="ES256")
    by_kid = {one["kid"]: jwt.PyJWK(one) for one in issuer.get("other/jwks").json()["keys"]}
    assert {key.algorithm_name for key in by_kid.values()} == {"RS256", "ES256"}
    assert jwt.decode(token, by_kid[jwt.get_unverified_header(token)["kid"]], audience="listenpost")


def test_forge_none(issuer: Issuer) -> None:
    token = issuer.mint(forge="none")
    assert parts(token)[0]["alg"] == "none"
    assert token.endswith(".")
    assert parts(issuer.mint(forge="none", header={"alg": "nOnE"}))[0]["alg"] == "nOnE"


def test_forge_hs256_public_key(issuer: Issuer) -> None:
    token = issuer.mint(forge="hs256_public_key")
    pem = jwt.PyJWK(issuer.published()[0]).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header, _, signature = parts(token)
    assert (header["alg"], header["kid"]) == ("HS256", issuer.published()[0]["kid"])
    assert signature == hmac.digest(pem, token.rpartition(".")[0].encode(), "sha256")


@pytest.mark.parametrize("forge", ["bad_signature", "truncated"])
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_forged_signatures_are_wrong(issuer: Issuer, forge: str, alg: str) -> None:
    token = issuer.mint(forge=forge, alg=alg)
    whole = len(parts(issuer.mint(alg=alg))[2])
    assert len(parts(token)[2]) == (whole // 2 if forge == "truncated" else whole)
    with pytest.raises(jwt.InvalidSignatureError):
        issuer.verify(token)


def test_forge_huge(issuer: Issuer) -> None:
    token = issuer.mint(forge="huge", bytes=300_000)
    assert 300_000 <= len(token) < 302_000
    assert issuer.verify(token)


def test_forge_embedded_jwk(issuer: Issuer) -> None:
    token = issuer.mint(forge="embedded_jwk")
    header = jwt.get_unverified_header(token)
    assert header["kid"] == header["jwk"]["kid"] == issuer.published()[0]["kid"]
    assert jwt.decode(token, jwt.PyJWK(header["jwk"]), audience="listenpost")
    with pytest.raises(jwt.InvalidSignatureError):
        issuer.verify(token)


def test_forge_jku(issuer: Issuer) -> None:
    token = issuer.mint(forge="jku")
    header = jwt.get_unverified_header(token)
    (key,) = requests.get(header["jku"], timeout=8).json()["keys"]
    assert key["kid"] == header["kid"]
    assert jwt.decode(token, jwt.PyJWK(key), audience="listenpost")
    elsewhere = issuer.mint(forge="jku", url="https://attacker.example/jwks")
    assert jwt.get_unverified_header(elsewhere)["jku"] == "https://attacker.example/jwks"


def test_forge_crit(issuer: Issuer) -> None:
    header = parts(issuer.mint(forge="crit"))[0]
    assert all(name in header for name in header["crit"])
    with pytest.raises(jwt.InvalidTokenError, match="critical"):
        issuer.verify(issuer.mint(forge="crit"))


def test_forge_two_dots_and_not_json(issuer: Issuer) -> None:
    assert issuer.mint(forge="two_dots") == ".."
    assert parts(issuer.mint(forge="not_json"))[1] == b"not json"
    with pytest.raises(jwt.DecodeError, match="payload"):
        issuer.verify(issuer.mint(forge="not_json"))


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("tokens", {"forge": "silver"}),
        ("tokens", {"key": "previous"}),
        ("tokens", {"key": "mine"}),
        ("tokens", {"key": "unpublished", "alg": "RS1"}),
        ("tokens", {"alg": "EdDSA"}),
        ("tokens", {"alg": "HS256"}),
        ("tokens", {"forge": "jku", "key": "symmetric"}),
        ("tokens", {"lifetime": True}),
        ("tokens", {"claim": {}}),
        ("tokens", {"bytes": 10**9}),
        ("tokens", []),
        ("rotate", {"alg": "none"}),
        ("rotate", {"alg": ["RS256"]}),
        ("rotate", {"keep_old": "no"}),
        ("rotate", {"keep": True}),
        ("faults", {"fault": "submit_500"}),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(issuer: Issuer, path: str, order: Any) -> None:
    answer = issuer.control("POST", path, order)
    assert answer.status_code == 400
    assert answer.json()["message"]
