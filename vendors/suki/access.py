"""Suki's tokens: had by login, shared by all who ask for the same provider, renewed before their hour is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jwt

from vendors.answers import Response
from vendors.base import Account, Tokens, Unreadable
from vendors.outbound import MIB, Outbound
from vendors.suki.partner import Partner
from vendors.suki.refusals import refusal, unreadable
from vendors.suki.wire import read_error_id, read_token
from vendors.websocket import WebSocket

LOGIN = "auth/login"
TOKEN_HEADER = "sdp_suki_token"  # noqa: S105 (its name)
NOT_REGISTERED = "provider_not_registered"
#: The second is an older name.
SUBPROTOCOLS = ("SukiAmbientAuth", "SukiTranscriptionAuth")
#: Several follow each other before a job's lease is renewed.
CALL_SECONDS = 10.0
TOKEN_SECONDS = 3600.0
#: Of its life, a token is used this long: a clock that is ahead, or a slow call, must not meet its end.
USED_SHARE = 0.9

_Answer = TypeVar("_Answer", bound=Response | WebSocket)


class Access:
    """Asks Suki as one provider of one partner."""

    def __init__(self, account: Account, outbound: Outbound, tokens: Tokens, partner: Partner) -> None:
        self._base = account.base_url.rstrip("/")
        self._streaming = str(account.options.get("streaming_url") or self._base).rstrip("/")
        self._outbound = outbound
        self._tokens = tokens
        self._partner = partner
        self._key = partner.fingerprint(self._base)

    def ask(self, method: str, path: str, json: Any = None, *, max_bytes: int = MIB) -> Response:
        """One REST call, signed in. Raises VendorError; any status is an answer."""

        def ask(headers: Mapping[str, str]) -> Response:
            return self._call(method, path, json, headers=headers, max_bytes=max_bytes)

        return self._signed_in(ask)

    def open(self, path: str, session: Mapping[str, str], *, seconds: float) -> WebSocket | Response:
        """A WebSocket for a session, at most so long, or the answer of a server that opens none. Raises VendorError.

        Where headers are not accepted, token and session go as browsers send them, under each of two names.
        """

        url = f"{self._streaming}{path}"

        def by_headers(headers: Mapping[str, str]) -> WebSocket | Response:
            return self._outbound.websocket(url, headers={**headers, **session}, total_timeout=seconds)

        answer = self._signed_in(by_headers)
        for name in SUBPROTOCOLS:
            if isinstance(answer, WebSocket) or answer.status not in (401, 403):
                break
            offered = [name, self._token(), *session.values()]
            answer = self._outbound.websocket(
                url, headers=self._partner.header(), subprotocols=offered, total_timeout=seconds
            )
        return answer

    def _signed_in(self, ask: Callable[[Mapping[str, str]], _Answer]) -> _Answer:
        """What `ask` gets with a token; where that is not accepted, once more with a new one."""
        headers = self._headers()
        answer = ask(headers)
        if isinstance(answer, Response) and answer.status == 401:
            if read_error_id(answer.body) == NOT_REGISTERED:
                self._register(answer)
            self._tokens.drop(self._key, headers[TOKEN_HEADER])
            answer = ask(self._headers())
        return answer

    def _headers(self) -> dict[str, str]:
        return {**self._partner.header(), TOKEN_HEADER: self._token()}

    def _token(self) -> str:
        return self._tokens.get(self._key) or self._login()

    def _login(self) -> str:
        """A new token, kept for whoever asks next. Raises VendorError."""
        answer = self._call("POST", LOGIN, self._partner.login())
        if answer.status == 401 and read_error_id(answer.body) == NOT_REGISTERED:
            self._register(answer)
            answer = self._call("POST", LOGIN, self._partner.login())
        if not 200 <= answer.status < 300:
            raise refusal(answer)
        try:
            token = read_token(answer.body)
        except Unreadable as error:
            raise unreadable(error) from None
        if (seconds := USED_SHARE * lifetime(token)) > 0:
            self._tokens.put(self._key, token, seconds)
        return token

    def _register(self, unknown: Response) -> None:
        """Makes the provider known; that it is linked already is as good. Raises VendorError."""
        if not self._partner.can_register:
            raise refusal(unknown)
        answer = self._call("POST", "auth/register", self._partner.registration())
        if not 200 <= answer.status < 300 and answer.status != 409:
            raise refusal(answer)

    def _call(
        self, method: str, path: str, json: Any, *, headers: Mapping[str, str] | None = None, max_bytes: int = MIB
    ) -> Response:
        url = f"{self._base}/api/v1/{path}"
        options: dict[str, Any] = {"total_timeout": CALL_SECONDS, "max_bytes": max_bytes}
        return self._outbound.request(method, url, headers=headers, json=json, **options)


def lifetime(token: str) -> float:
    """Seconds that a token of Suki's is good for, an hour at most, which is also what one lasts that does not say."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        left = float(claims["exp"]) - float(claims.get("iat", time.time()))
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return TOKEN_SECONDS
    return min(left, TOKEN_SECONDS)
