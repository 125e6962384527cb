"""Who asks Suki: a partner, by a token that the partner signs, for one of its providers.

Source: Suki's developer pages on partner authentication. A partner's token is an RS256 JWT with `exp`, `iss`, `aud` and
a claim that names the user, agreed with Suki: it is given as it is, or made here from the partner's key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vendors.base import VendorError
from vendors.credentials import MOST_SECRETS, are_secrets, is_secret

LONGEST_TEXT = 200
LONGEST_KEY = 16_384
LONGEST_CLAIMS = 4_000
#: Of an RSA key that signs by RS256. Source: RFC 7518, 3.3.
FEWEST_BITS = 2048
OWN_TOKEN_LIFETIME = timedelta(minutes=5)
#: Claims that each token has of its own.
OWN_CLAIMS = frozenset({"iat", "nbf", "exp"})
_TEXTS = ("provider_id", "provider_name", "provider_org_id", "provider_specialty", "partner_user_claim")
NAMES = (
    *("partner_id", "partner_token", "partner_key", "partner_key_id", "partner_claims"),
    *(*_TEXTS, "single_auth_token", "webhook_secrets"),
)
_KEY = f"'partner_key' is an RSA private key of at least {FEWEST_BITS:,} bits in PEM, without a passphrase."
#: What cryptography and jwt say to what they cannot use.
_UNUSABLE = (ValueError, TypeError, UnsupportedAlgorithm, InternalError, jwt.PyJWTError)


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
    def is_own(self) -> bool:
        """Whether the provider is the one that the account names."""
        return self.provider == _text(self.credentials, "provider_id")

    @property
    def can_register(self) -> bool:
        return bool(_text(self.credentials, "provider_org_id") and self.specialty)

    def header(self) -> dict[str, str]:
        """The provider, named in each call where a single token serves all. Raises VendorError where it cannot be."""
        if not self.has_single_token or not self.provider:
            return {}
        if not _fits_header(self.provider):
            whose = "The provider_id of this vendor account" if self.is_own else "The session's clinician reference"
            message = (
                f"{whose} holds characters that cannot be sent to Suki. Enter it as Suki knows the clinician, in plain "
                "letters, digits and signs."
            )
            raise VendorError(message, permanent=True, code="provider_unsendable")
        return {"sdp_provider_id": self.provider}

    def token(self) -> str:
        """The partner's token: the account's, or a new one under the account's key. Raises VendorError."""
        if given := _text(self.credentials, "partner_token"):
            return given
        try:
            return self._signed()
        except _UNUSABLE:
            message = "No token can be signed with this vendor account's partner_key and partner_claims. Enter others."
            failure = VendorError(message, permanent=True, code="partner_key_unusable")
        # Raised out here, so that it does not carry the original along: that one's text may hold what was signed.
        raise failure

    def _signed(self) -> str:
        now = datetime.now(UTC)
        claims = {**self.credentials["partner_claims"], "iat": now, "exp": now + OWN_TOKEN_LIFETIME}
        if name := _text(self.credentials, "partner_user_claim"):
            claims[name] = self.provider
        key_id = _text(self.credentials, "partner_key_id")
        headers = {"kid": key_id} if key_id else None
        return jwt.encode(claims, self.credentials["partner_key"], algorithm="RS256", headers=headers)

    def login(self) -> dict[str, str]:
        """`POST /api/v1/auth/login`, the request. Raises VendorError."""
        provider = {"provider_id": self.provider} if self.provider and not self.has_single_token else {}
        return {"partner_id": self.id, "partner_token": self.token(), **provider}

    def registration(self) -> dict[str, str]:
        """`POST /api/v1/auth/register`, the request. Raises VendorError.

        A clinician that the account does not name is called by its id.
        """
        name = (_text(self.credentials, "provider_name") if self.is_own else "") or self.provider
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
    if credentials.get("single_auth_token") is True and not _fits_header(_text(credentials, "provider_id")):
        wrong.append("'provider_id' is in plain characters where 'single_auth_token' is true, or left out.")
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
    wrong = [] if _is_key(credentials["partner_key"]) else [_KEY]
    wrong += _wrong_claims(credentials.get("partner_claims"))
    if _text(credentials, "partner_user_claim") in OWN_CLAIMS:
        wrong.append(
            "'partner_user_claim' names the claim that holds the user, which is none of 'iat', 'nbf' and 'exp'."
        )
    if not is_secret(credentials.get("partner_key_id", "x")):
        wrong.append("'partner_key_id' is a text in plain characters without spaces, or left out.")
    return wrong or _wrong_token(credentials)


def _is_key(value: object) -> bool:
    if not isinstance(value, str) or len(value) > LONGEST_KEY:
        return False
    try:
        key = load_pem_private_key(value.encode(), None)
    except _UNUSABLE:
        return False
    return isinstance(key, RSAPrivateKey) and key.key_size >= FEWEST_BITS


def _wrong_claims(claims: object) -> list[str]:
    if not isinstance(claims, dict) or not _is_name(claims.get("iss")) or not _are_names(claims.get("aud")):
        return [
            "'partner_claims' is required with a key: an object with 'iss' (a text), 'aud' (a text or a list of them) "
            "and what else was agreed."
        ]
    if not claims.keys().isdisjoint(OWN_CLAIMS):
        return ["'partner_claims' leaves out 'iat', 'nbf' and 'exp': each token is made with its own."]
    return [] if _is_short_json(claims) else [f"'partner_claims' is JSON of at most {LONGEST_CLAIMS:,} characters."]


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _are_names(value: object) -> bool:
    return _is_name(value) or (isinstance(value, list) and value != [] and all(map(_is_name, value)))


def _is_short_json(value: object) -> bool:
    try:
        return len(json.dumps(value, allow_nan=False)) <= LONGEST_CLAIMS
    except (ValueError, TypeError, RecursionError):
        return False


def _wrong_token(credentials: Mapping[str, Any]) -> list[str]:
    """What only shows when one is made."""
    try:
        Partner.of(credentials, "").token()
    except VendorError as error:
        return [error.message]
    return []


def _fits_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip()


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_TEXT


def _text(credentials: Mapping[str, Any], name: str) -> str:
    value = credentials.get(name)
    return value if isinstance(value, str) else ""
