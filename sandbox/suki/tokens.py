"""Who calls: the partner's own token, the token of an hour that it is given for it, and the providers it registered."""

import base64
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sandbox.issuer.jose import generate, signed
from sandbox.suki.clock import Clock
from sandbox.suki.contract import REGISTRATION, Refused
from sandbox.suki.settings import Settings

HEADER = "sdp_suki_token"
PROVIDER_HEADER = "sdp_provider_id"
USER_CLAIMS = ("sub", "email", "user_id")


class Tokens:
    """Gives tokens and knows them again, until they expire by the vendor's clock.

    A provider goes by its `provider_id`, else by the user that the partner's JWT names, else by the partner itself.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Nobody is registered any more, and no token is good."""
        self._key = generate("HS256")
        self.providers: set[str] = set()

    def login(self, body: Mapping[str, Any], settings: Settings) -> str:
        provider = check_partner(body, settings)
        if provider not in self.providers and not (settings.single_token and body.get("provider_id") is None):
            raise Refused(401, "provider_not_registered")
        return self.issue(provider, settings)

    def issue(self, provider: str, settings: Settings) -> str:
        issued = int(self._clock.now())
        times = {"iat": issued, "exp": self._clock.now() + settings.token_seconds}
        claims = {"iss": "sandbox-suki", "aud": settings.partner_id, "sub": provider, "jti": str(uuid.uuid4())}
        return signed(claims | times, self._key)

    def register(self, body: Mapping[str, Any], settings: Settings) -> None:
        for name in REGISTRATION:
            if not isinstance(body.get(name), str) or not body[name]:
                raise Refused(400, f"invalid_argument: {name} is required")
        provider = check_partner(body, settings)
        if provider in self.providers:
            raise Refused(409, "provider_already_registered")
        self.providers.add(provider)

    def provider(self, token: str | None, named: str | None, settings: Settings) -> str:
        """Whose token this is; single-token partners name the provider besides. Raises Refused."""
        if not token:
            raise Refused(401, "invalid_sdp_token: the header sdp_suki_token is missing")
        provider = str(self._claims(token)["sub"])
        if settings.single_token:
            if not named:
                raise Refused(400, "missing_sdp_provider_id_header")
            provider = named
        if provider not in self.providers:
            raise Refused(401, "provider_not_registered")
        return provider

    def _claims(self, token: str) -> dict[str, Any]:
        """Those of a good token. A token of ours is what we would sign, so it is signed again and compared."""
        try:
            text, _, signature = token.rpartition(".")
            claims = read_part(text.partition(".")[2])
            if read_bytes(signature) != self._key.sign(text.encode(), self._key.alg):
                raise Refused(401, "invalid_sdp_token: the signature is wrong")
        except ValueError as error:
            raise Refused(401, "invalid_sdp_token: not a token") from error
        if claims["exp"] <= self._clock.now():
            raise Refused(401, "invalid_sdp_token: the token has expired")
        return claims


def check_partner(body: Mapping[str, Any], settings: Settings) -> str:
    """The provider that a login or a registration is about; raises Refused."""
    token, provider = body.get("partner_token"), body.get("provider_id")
    if not isinstance(token, str) or not isinstance(provider, str | None):
        raise Refused(400, "invalid_argument: partner_token and provider_id must be strings")
    if body.get("partner_id") != settings.partner_id:
        raise Refused(401, "invalid_partner_id")
    key = settings.public_key()
    if key is None and token != settings.partner_token:
        raise Refused(401, "invalid_partner_token")
    user = check_jwt(token, key) if key else settings.partner_id
    return provider or user


def check_jwt(token: str, key: RSAPublicKey) -> str:
    """The user of a partner's own RS256 JWT, by the true clock: the partner's is not ours to move."""
    try:
        head, payload, signature = token.split(".")
        key.verify(read_bytes(signature), f"{head}.{payload}".encode(), PKCS1v15(), hashes.SHA256())
        header, claims = read_part(head), read_part(payload)
    except (ValueError, InvalidSignature) as error:
        raise Refused(401, "invalid_partner_token: the signature is wrong") from error
    user = next((claims[name] for name in USER_CLAIMS if isinstance(claims.get(name), str)), None)
    if header.get("alg") != "RS256" or not all(claims.get(name) for name in ("iss", "aud")) or not user:
        raise Refused(401, "invalid_partner_token: RS256, iss, aud, exp and a user are needed")
    if not isinstance(claims.get("exp"), int | float) or claims["exp"] <= time.time():
        raise Refused(401, "invalid_partner_token: it has expired")
    return str(user)


def read_part(text: str) -> dict[str, Any]:
    read = json.loads(read_bytes(text))
    if not isinstance(read, dict):
        raise ValueError("not an object")
    return read


def read_bytes(text: str) -> bytes:
    """base64url without its padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
