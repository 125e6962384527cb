"""Tokens for tests: any claims, any header, any key, and forgeries."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.issuer.contract import AUDIENCE, CLIENT, LIFETIME, claims
from sandbox.issuer.jose import Key, base64url, signing_input, usual_header
from sandbox.issuer.keys import Keys

FORGES = (
    "none",
    "hs256_public_key",
    "bad_signature",
    "truncated",
    "huge",
    "embedded_jwk",
    "jku",
    "crit",
    "two_dots",
    "not_json",
)
# name -> default, whose type the value must have
FIELDS: Mapping[str, Any] = {
    "claims": {},
    "header": {},
    "alg": "",
    "kid": "",
    "key": "current",
    "lifetime": LIFETIME,
    "not_before": 0,
    "forge": "",
    "bytes": 100_000,
    "url": "",
}
MOST_BYTES = 10_000_000


class BadOrder(ValueError):
    pass


def checked(asked: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in asked.items():
        if name not in FIELDS or type(value) is not type(FIELDS[name]):
            raise BadOrder(f"{name} is unknown or of the wrong type; known: {', '.join(FIELDS)}")
    order = {**FIELDS, **asked}
    if order["forge"] not in ("", *FORGES):
        raise BadOrder(f"forge must be one of {', '.join(FORGES)}")
    if not 0 <= order["bytes"] <= MOST_BYTES:
        raise BadOrder("bytes is out of range")
    return order


def minted(asked: Mapping[str, Any], keys: Keys, url: str, other: str) -> str:
    """A token of the issuer at `url`, or a forgery; `other` is where the other issuer's keys are. Raises ValueError."""
    order = checked(asked)
    if order["forge"] == "two_dots":
        return ".."
    key = signer(order, keys)
    alg = order["alg"] or key.alg
    kid = {"": key.kid, "current": keys.current.kid}.get(order["kid"], order["kid"])
    header = usual_header(key) | {"alg": alg, "kid": kid} | forged_header(order["forge"], key, order["url"] or other)
    text = signing_input(merged(header, order["header"]), payload(order, url))
    return f"{text}.{base64url(signature(order['forge'], key, alg, text.encode()))}"


def signer(order: Mapping[str, Any], keys: Keys) -> Key:
    key = keys.named(order["key"], order["alg"])
    if order["forge"] == "embedded_jwk":
        return replace(keys.other(key.alg), kid=key.kid)
    return keys.other(key.alg) if order["forge"] == "jku" else key


def forged_header(forge: str, key: Key, url: str) -> dict[str, Any]:
    changes: dict[str, dict[str, Any]] = {
        "none": {"alg": "none"},
        "hs256_public_key": {"alg": "HS256"},
        "embedded_jwk": {"jwk": key.jwk()},
        "jku": {"jku": url},
        "crit": {"crit": ["urn:sandbox:unknown"], "urn:sandbox:unknown": True},
    }
    return changes.get(forge, {})


def payload(order: Mapping[str, Any], url: str) -> bytes:
    if order["forge"] == "not_json":
        return b"not json"
    usual = claims(url, CLIENT, AUDIENCE, order["lifetime"], order["not_before"])
    filler = {"filler": "x" * (order["bytes"] * 3 // 4)} if order["forge"] == "huge" else {}
    return json.dumps(merged(usual | filler, order["claims"])).encode()


def signature(forge: str, key: Key, alg: str, data: bytes) -> bytes:
    if forge == "none":
        return b""
    if forge == "hs256_public_key":
        return hmac.digest(key.pem(), data, "sha256")
    made = key.sign(data, alg)
    if forge == "truncated":
        return made[: len(made) // 2]
    return bytes([made[0] ^ 1]) + made[1:] if forge == "bad_signature" else made


def merged(usual: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What is changed to null is left out."""
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}
