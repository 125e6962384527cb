"""S2S tokens: JWTs of trusted issuers. Source: RFC 7519, RFC 8725 (how such tokens are attacked), RFC 9068."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from access.issuers import ALGORITHMS, Issuer

LEEWAY_SECONDS = 60
ASYMMETRIC = frozenset(name for names in ALGORITHMS.values() for name in names)
#: Source: RFC 9068, section 2.1. Issuers sign other things too, such as notices of a sign-out: they prove nothing here.
TYPES = ("jwt", "at+jwt")
#: The claims that may name the calling application, the most exact first.
IDENTITIES = ("azp", "appid", "sub")

_held: dict[str, Issuer] = {}


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart, nothing proven yet."""

    text: str
    issuer: str
    algorithm: str
    key_id: str | None


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says: who issued it, whom it speaks for, whom it is for."""

    issuer: str
    application_id: str
    audiences: tuple[str, ...]


class BadToken(Exception):
    """The token does not hold. `code` says why, the text says it to its sender; neither repeats the token."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def looks_like_one(token: str) -> bool:
    return token.count(".") == 2


def read(text: str) -> Token:
    """Asks nobody. Raises BadToken for what cannot be good, whoever issued it."""
    try:
        header = jwt.get_unverified_header(text)
        issuer = jwt.decode(text, options={"verify_signature": False}).get("iss")
    except BROKEN:
        raise BadToken("unreadable", "The token cannot be read.") from None
    algorithm, kind = str(header.get("alg")), str(header.get("typ", "JWT"))
    if algorithm not in ASYMMETRIC:
        raise BadToken("algorithm", "The token must be signed with an asymmetric algorithm.")
    if kind.lower().removeprefix("application/") not in TYPES:
        raise BadToken("wrong_type", "The token is not for asking with.")
    if not isinstance(issuer, str):
        raise BadToken("no_issuer", "The token names no issuer.")
    return Token(text, issuer, algorithm, header.get("kid"))


def issuer_of(token: Token) -> Issuer:
    """Its keys, as far as they are held. To be asked for trusted issuers alone: each is kept for good."""
    return _held.setdefault(token.issuer, Issuer(token.issuer))


def verify(token: Token) -> Claims:
    """Checks all but the allow list. The issuer must be a trusted one: it may be asked for its keys.

    Raises BadToken, issuers.Unreachable.
    """
    key = issuer_of(token).key(token.key_id, token.algorithm)
    if key is None:
        raise BadToken("unknown_key", "The token's issuer has no such key.")
    options: Any = {"require": ["exp", "iss", "aud"], "verify_aud": False, "verify_sub": False, "verify_jti": False}
    checks: Any = {"algorithms": [token.algorithm], "issuer": token.issuer, "leeway": LEEWAY_SECONDS}
    try:
        claims = jwt.decode(token.text, key, options=options, **checks)
    except BROKEN as error:
        raise BadToken(*REASONS.get(type(error), ("unreadable", "The token cannot be read."))) from None
    return Claims(token.issuer, _identity(claims), _audiences(claims))


#: What PyJWT raises for a token that is not good, and what comes of numbers and depths that it does not expect.
BROKEN = (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError)
REASONS: Mapping[type[BaseException], tuple[str, str]] = {
    jwt.ExpiredSignatureError: ("token_expired", "The token has expired."),
    jwt.ImmatureSignatureError: ("not_yet_valid", "The token is not valid yet."),
    jwt.InvalidSignatureError: ("signature", "The token's signature is wrong."),
    jwt.MissingRequiredClaimError: ("claim_missing", "The token must have exp, iss and aud."),
}


def _identity(claims: Mapping[str, Any]) -> str:
    """The calling application: what the first of these claims that is there says."""
    name = next((claims[name] for name in IDENTITIES if name in claims), None)
    if not _is_name(name, 200):
        raise BadToken("no_application", "The token must name its application in azp, appid or sub.")
    return str(name)


def _audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    given = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not 0 < len(given) <= 20 or not all(_is_name(one, 500) for one in given):
        raise BadToken("no_audience", "The token must say whom it is for.")
    return tuple(given)


def _is_name(value: Any, longest: int) -> bool:
    """Whether the database can be asked for it: U+0000 and lone surrogates are not printable."""
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()
