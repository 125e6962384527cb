"""What the issuer says and demands: OpenID Connect Discovery 1.0, RFC 6749 (2.3.1, 4.4, 5.2) and RFC 9068."""

import base64
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from sandbox.issuer.jose import ALGORITHMS
from sandbox.messages import Answer, Request

METADATA, JWKS, TOKEN, OTHER_JWKS = "metadata", "jwks", "token", "other_jwks"
ENDPOINTS = {
    "/issuer/.well-known/openid-configuration": METADATA,
    "/issuer/jwks": JWKS,
    "/issuer/token": TOKEN,
    "/issuer/other/jwks": OTHER_JWKS,
}
CACHED = {"Cache-Control": "public, max-age=300"}
NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
AUDIENCE = "listenpost"
CLIENT, SECRET = "sandbox-partner", "sandbox-partner-secret"
LIFETIME = 3600
FORM = "application/x-www-form-urlencoded"
AUTH_METHODS = "token_endpoint_auth_methods_supported"
DEFAULT_SCOPE = "/.default"


class Refused(Exception):
    """An error of RFC 6749 5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description

    def answer(self) -> Answer:
        body = {"error": self.error, "error_description": self.description}
        if self.error == "invalid_client":
            return Answer(401, body, {**NOT_STORED, "WWW-Authenticate": 'Basic realm="issuer"'})
        return Answer(400, body, NOT_STORED)


def metadata(url: str) -> dict[str, Any]:
    base = url.rstrip("/")
    return {
        "issuer": url,
        "jwks_uri": f"{base}/jwks",
        "token_endpoint": f"{base}/token",
        AUTH_METHODS: ["client_secret_basic", "client_secret_post"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["token"],  # Must be there and not be empty, though nobody can log in here.
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "claims_supported": list(claims(url, CLIENT, AUDIENCE)),
    }


def claims(url: str, client: str, audience: str, lifetime: int = LIFETIME, not_before: int = 0) -> dict[str, Any]:
    """The usual claims; a token that has expired was issued long enough ago to have been good once."""
    now = int(time.time())
    issued = now if lifetime > 0 else now + lifetime - LIFETIME
    return {
        "iss": url,
        "sub": client,
        "aud": audience,
        "azp": client,
        "appid": client,
        "client_id": client,
        "iat": issued,
        "nbf": issued + not_before,
        "exp": now + lifetime,
        "jti": str(uuid.uuid4()),
    }


def check_token_request(request: Request, clients: Mapping[str, str], *, basic_only: bool) -> tuple[str, str]:
    """(client, audience) of a request that gets a token; raises Refused."""
    form, authorization = read_form(request), request.headers.get("authorization")
    if basic_only and authorization is None:
        raise Refused("invalid_client", "The client must authenticate by HTTP Basic.")
    client, secret = credentials(form, authorization)
    if clients.get(client) != secret:
        raise Refused("invalid_client", "The client is unknown or its secret is wrong.")
    if "grant_type" not in form:
        raise Refused("invalid_request", "grant_type is missing.")
    if form["grant_type"] != "client_credentials":
        raise Refused("unsupported_grant_type", "Only client_credentials.")
    return client, audience(form)


def read_form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refused("invalid_request", f"The Content-Type must be {FORM}.")
    try:
        pairs = parse_qsl(request.body.decode(), errors="strict")
    except ValueError as error:
        raise Refused("invalid_request", "The body is not a form.") from error
    if any(count > 1 for count in Counter(name for name, _ in pairs).values()):
        raise Refused("invalid_request", "A parameter is repeated.")
    return dict(pairs)


def credentials(form: Mapping[str, str], authorization: str | None) -> tuple[str, str]:
    """From HTTP Basic or from the form, never from both. Inside Basic each is form-encoded once more."""
    if authorization is None:
        return form.get("client_id", ""), form.get("client_secret", "")
    if "client_secret" in form:
        raise Refused("invalid_request", "The client authenticates in two ways.")
    scheme, _, encoded = authorization.partition(" ")
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        colon = ""
    if scheme.lower() != "basic" or not colon:
        raise Refused("invalid_client", "The Authorization is not HTTP Basic.")
    return unquote_plus(name), unquote_plus(secret)


def audience(form: Mapping[str, str]) -> str:
    scope = form.get("scope", "")
    asked = scope.removesuffix(DEFAULT_SCOPE)
    if scope and (asked in ("", scope) or " " in asked):
        raise Refused("invalid_scope", f"scope must be one audience followed by {DEFAULT_SCOPE}.")
    if asked and form.get("audience", asked) != asked:
        raise Refused("invalid_request", "scope and audience name two audiences.")
    return asked or form.get("audience", AUDIENCE)
