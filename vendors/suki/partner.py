"""Who asks Suki: a partner, by a token that the partner signs, for one of its providers.

Source: Suki's developer pages on partner authentication. A partner's token is an RS256 JWT with `exp`, `iss`, `aud` and
a claim that names the user, agreed with Suki: it is given as it is, or made here from the partner's key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vendors.credentials import MOST_SECRETS, are_secrets, is_secret

LONGEST_TEXT = 200
OWN_TOKEN_LIFETIME = timedelta(minutes=5)
_TEXTS = ("provider_id", "provider_name", "provider_org_id", "provider_specialty", "partner_user_claim")
NAMES = (
    *("partner_id", "partner_token", "partner_key", "partner_key_id", "partner_claims"),
    *(*_TEXTS, "single_auth_token", "webhook_secrets"),
)


@dataclass(frozen=True, slots=True)
class Partner:
    """The credentials of an account, and the provider for whom it asks; empty where the account names none."""

    credentials: Mapping[str, Any] = field(repr=False)
    provider: str

    @classmethod
    def of(cls, credentials: Mapping[str, Any], clinician_ref: str) -> Partner:
        """For this clinician, or else for the account's own provider."""
        return cls(credentials, clinician_ref or _text(credentials, "provider_id"))

    @property
    def id(self) -> str:
        return _text(self.credentials, "partner_id")

    @property
    def specialty(self) -> str:
        return _text(self.credentials, "provider_specialty")

    @property
    def has_single_token(self) -> bool:
        """Whether one token serves all of the partner's providers, each call then naming its own."""
        return self.credentials.get("single_auth_token") is True

    @property
    def can_register(self) -> bool:
        return bool(_text(self.credentials, "provider_org_id") and self.specialty)

    def token(self) -> str:
        """The partner's token: the account's, or a new one under the account's key."""
        if given := _text(self.credentials, "partner_token"):
            return given
        now = datetime.now(UTC)
        claims = {**self.credentials["partner_claims"], "iat": now, "exp": now + OWN_TOKEN_LIFETIME}
        if name := _text(self.credentials, "partner_user_claim"):
            claims[name] = self.provider
        key_id = _text(self.credentials, "partner_key_id")
        headers = {"kid": key_id} if key_id else None
        return jwt.encode(claims, self.credentials["partner_key"], algorithm="RS256", headers=headers)

    def login(self) -> dict[str, str]:
        """`POST /api/v1/auth/login`, the request."""
        provider = {"provider_id": self.provider} if self.provider and not self.has_single_token else {}
        return {"partner_id": self.id, "partner_token": self.token(), **provider}

    def registration(self) -> dict[str, str]:
        """`POST /api/v1/auth/register`, the request. A clinician that the account does not name is called by its id."""
        is_own = self.provider == _text(self.credentials, "provider_id")
        name = (_text(self.credentials, "provider_name") if is_own else "") or self.provider
        return {
            "partner_id": self.id,
            "partner_token": self.token(),
            **({"provider_id": self.provider} if self.provider else {}),
            "provider_name": name,
            "provider_org_id": _text(self.credentials, "provider_org_id"),
            "provider_specialty": self.specialty,
        }

    def fingerprint(self, base_url: str) -> str:
        """The same for what gets the same token of Suki's: it takes the partner's secret too, and gives none away."""
        secret = _text(self.credentials, "partner_token") or _text(self.credentials, "partner_key")
        provider = "" if self.has_single_token else self.provider
        told = "\x00".join([base_url, self.id, provider, secret])
        return f"suki:{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()}"


def check(credentials: Mapping[str, Any]) -> Sequence[str]:
    """Sentences that say what is wrong; what was typed is not repeated: a name that is none may be the key itself."""
    unknown = not credentials.keys() <= set(NAMES)
    listed = ", ".join(f"'{name}'" for name in NAMES)
    wrong = [f"Suki's credentials are {listed}, and nothing else."] if unknown else []
    if not is_secret(credentials.get("partner_id")):
        wrong.append("'partner_id' is required, in plain characters without spaces.")
    wrong += _wrong_proof(credentials)
    wrong += [f"'{name}' is a text, or left out." for name in _TEXTS if not _is_text(credentials.get(name, ""))]
    if not isinstance(credentials.get("single_auth_token", False), bool):
        wrong.append("'single_auth_token' is true or false, or left out.")
    if not are_secrets(credentials.get("webhook_secrets", [])):
        wrong.append(
            f"'webhook_secrets' is a list of at most {MOST_SECRETS} texts in plain characters without spaces, "
            "or left out."
        )
    return wrong


def _wrong_proof(credentials: Mapping[str, Any]) -> list[str]:
    """Either a token, or what one is made of."""
    has_token, has_key = "partner_token" in credentials, "partner_key" in credentials
    if has_token == has_key:
        return ["Either 'partner_token' or 'partner_key' is required: the partner's token, or the key that signs it."]
    if has_token:
        fits = is_secret(credentials["partner_token"])
        return [] if fits else ["'partner_token' is a text in plain characters without spaces."]
    wrong = [] if _is_key(credentials["partner_key"]) else ["'partner_key' is an RSA private key in PEM."]
    if not isinstance(credentials.get("partner_claims"), dict):
        wrong.append("'partner_claims' is required with a key: an object with 'iss', 'aud' and what else was agreed.")
    if not is_secret(credentials.get("partner_key_id", "x")):
        wrong.append("'partner_key_id' is a text in plain characters without spaces, or left out.")
    return wrong


def _is_key(value: object) -> bool:
    try:
        return isinstance(value, str) and isinstance(load_pem_private_key(value.encode(), None), RSAPrivateKey)
    except (ValueError, TypeError):
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_TEXT


def _text(credentials: Mapping[str, Any], name: str) -> str:
    value = credentials.get(name)
    return value if isinstance(value, str) else ""
