"""Tokens of the partner's identity provider, by client credentials: one for each audience, shared by all who ask.

Source: RFC 6749, 2.3.1 and 4.4; OpenID Connect Discovery 1.0, 3 and 4; RFC 8414, 2. The scope `<audience>/.default` is
Entra ID's way.
"""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from threading import Lock
from typing import Any
from urllib.parse import quote_plus, urlencode

from vendors.answers import Response
from vendors.base import Account, Tokens, Unreadable, VendorError
from vendors.credentials import is_secret
from vendors.outbound import Outbound
from vendors.reading import Fields, read_object
from vendors.route import Deadline

#: For all that a token takes.
CALL_SECONDS = 10.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LONGEST_TOKEN = 16_384
LONGEST_URL = 2_048
#: Of its life, a token is used this long: a clock that is ahead, or a slow call, must not meet its end.
USED_SHARE = 0.9
#: So long a job goes on with a token that it has, before it looks whether there is another.
HELD_SECONDS = 30.0
TOKEN_SECONDS, LONGEST_SECONDS = 3600.0, 86_400.0


class Issued:
    """The account's tokens. Methods raise VendorError."""

    def __init__(self, account: Account, outbound: Outbound, tokens: Tokens) -> None:
        self._credentials = account.credentials
        self._outbound = outbound
        self._tokens = tokens
        self._turn = Lock()
        self._held: dict[str, tuple[str, float]] = {}

    def get(self, audience: str) -> str:
        with self._turn:  # of several threads that want a new one, one asks for it
            token, until = self._held.get(audience, ("", 0.0))
            if time.monotonic() < until:
                return token
            shared = self._tokens.get(self._key(audience))
            return self._hold(audience, shared, HELD_SECONDS) if shared else self._new(audience)

    def drop(self, audience: str, token: str) -> None:
        with self._turn:
            if self._held.get(audience, ("", 0.0))[0] == token:
                del self._held[audience]
        self._tokens.drop(self._key(audience), token)

    def _hold(self, audience: str, token: str, seconds: float) -> str:
        self._held[audience] = token, time.monotonic() + min(seconds, HELD_SECONDS)
        return token

    def _new(self, audience: str) -> str:
        client = {name: str(self._credentials[name]) for name in ("client_id", "client_secret")}
        asked = {"grant_type": "client_credentials", "scope": f"{audience}/.default"}
        deadline = Deadline(CALL_SECONDS)
        url, is_form = self._endpoint(deadline)
        headers = FORM if is_form else {**FORM, "Authorization": _basic(**client)}
        body = urlencode({**asked, **client} if is_form else asked).encode()
        said = _read(
            self._outbound.trusting(url).request("POST", url, headers=headers, data=body, total_timeout=deadline.left())
        )
        token = said.value("access_token")
        if not isinstance(token, str) or not is_secret(token) or len(token) > LONGEST_TOKEN:
            raise _unreadable(Unreadable("access_token: not a token"))
        seconds = USED_SHARE * _seconds(said.value("expires_in"))
        self._tokens.put(self._key(audience), token, seconds)
        return self._hold(audience, token, seconds)

    def _endpoint(self, deadline: Deadline) -> tuple[str, bool]:
        """Where tokens are had, and whether the client names itself in the form there: else by HTTP Basic."""
        if given := self._credentials.get("token_url"):
            return str(given), True
        issuer = str(self._credentials["issuer"]).rstrip("/")
        said = _read(
            self._outbound.request("GET", f"{issuer}/.well-known/openid-configuration", total_timeout=deadline.left())
        )
        if (said.text_or_none("issuer", most=LONGEST_URL) or "").rstrip("/") != issuer:
            raise _unreadable(Unreadable("issuer: another one"))
        endpoint = said.text_or_none("token_endpoint", most=LONGEST_URL)
        if not endpoint:
            raise _unreadable(Unreadable("token_endpoint: missing"))
        methods = said.value("token_endpoint_auth_methods_supported")
        return endpoint, isinstance(methods, list) and "client_secret_post" in methods

    def _key(self, audience: str) -> str:
        names = ("token_url", "issuer", "client_id", "client_secret")
        told = "\x00".join([*(str(self._credentials.get(name)) for name in names), audience])
        return f"dragon:{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _basic(client_id: str, client_secret: str) -> str:
    """Each is encoded as in a form first, so that a colon in one of them divides nothing."""
    return f"Basic {b64encode(f'{quote_plus(client_id)}:{quote_plus(client_secret)}'.encode()).decode()}"


def _read(answer: Response) -> Fields:
    if not 200 <= answer.status < 300:
        raise _refusal(answer)
    try:
        return read_object(answer.body)
    except Unreadable as error:
        raise _unreadable(error) from None


def _refusal(answer: Response) -> VendorError:
    status = answer.status
    if status == 429 or status == 408 or status >= 500:
        message = (
            f"This vendor account's identity provider is not available just now (HTTP {status}). It is asked again."
        )
        return VendorError(message, permanent=False, code="no_token", retry_after=answer.retry_after())
    message = (
        f"The identity provider gave no token for Dragon Copilot (HTTP {status}). Check the client id, its secret and "
        "the provider's address in this vendor account."
    )
    return VendorError(message, permanent=True, code="token_refused")


def _unreadable(error: Unreadable) -> VendorError:
    message = (
        f"The identity provider answered with something that is no token ({error}). Check the address in this vendor "
        "account; it is asked again later."
    )
    return VendorError(message, permanent=False, code="token_unreadable")


def _seconds(said: Any) -> float:
    """What the answer says, also as a text, which some providers send; an hour where it says nothing."""
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        return TOKEN_SECONDS
    return min(seconds, LONGEST_SECONDS) if seconds > 0 else TOKEN_SECONDS
