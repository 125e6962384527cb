"""Calls to Dragon Copilot's REST addresses, signed in. Each has an id, by which the vendor's support finds it."""

from __future__ import annotations

from collections.abc import Mapping
from threading import local
from typing import Any, Protocol
from uuid import uuid4

import orjson

from vendors.answers import Response
from vendors.base import VendorError
from vendors.dragon.refusals import refusal
from vendors.dragon.tokens import Issued
from vendors.outbound import MIB

#: Several follow each other before a job's lease is renewed.
CALL_SECONDS = 15.0
JSON = "application/json"


class Way(Protocol):
    """How requests go out: each by itself, or over one connection."""

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        data: bytes | None = None,
        total_timeout: float = 25.0,
        max_bytes: int = MIB,
    ) -> Response: ...


class Access:
    """One audience of one account."""

    def __init__(self, issued: Issued, audience: str) -> None:
        self._issued = issued
        self._audience = audience
        self._own = local()

    @property
    def last_call_id(self) -> str:
        """Of this thread's last call."""
        return getattr(self._own, "call_id", "")

    def token(self) -> str:
        """Raises VendorError."""
        return self._issued.get(self._audience)

    def renew(self, token: str) -> None:
        """The next one asked for is not this."""
        self._issued.drop(self._audience, token)

    def json(self, way: Way, method: str, url: str, body: Any = None, **options: Any) -> Response:
        """A call with a JSON body, or none. Raises VendorError for what is no success, or is not one of `also`."""
        data = None if body is None else orjson.dumps(body)
        return self.ask(way, method, url, (JSON, data) if data is not None else None, **options)

    def ask(
        self,
        way: Way,
        method: str,
        url: str,
        body: tuple[str, bytes] | None,
        *,
        also: tuple[int, ...] = (),
        max_bytes: int = MIB,
    ) -> Response:
        """The same with any body: its content type and its bytes. A token that is not accepted is renewed once."""
        token = self.token()
        answer, call_id = self._once(way, method, url, body, token, max_bytes)
        if answer.status == 401:
            self.renew(token)
            answer, call_id = self._once(way, method, url, body, self.token(), max_bytes)
        self._own.call_id = call_id
        if 200 <= answer.status < 300 or answer.status in also:
            return answer
        raise refusal(answer, call_id)

    def _once(
        self, way: Way, method: str, url: str, body: tuple[str, bytes] | None, token: str, max_bytes: int
    ) -> tuple[Response, str]:
        """The answer, and the call's id."""
        call_id = str(uuid4())
        headers = {"Authorization": f"Bearer {token}", "x-correlation-id": call_id, "Accept": JSON}
        if body:
            headers["Content-Type"] = body[0]
        data = body[1] if body else None
        try:
            answer = way.request(
                method, url, headers=headers, data=data, total_timeout=CALL_SECONDS, max_bytes=max_bytes
            )
        except VendorError as error:
            error.call_id = call_id
            raise
        return answer, call_id
