"""What comes back from the guarded way out: an answer read whole, or in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from requests.structures import CaseInsensitiveDict

from vendors.failures import BROKEN, broken, too_large
from vendors.route import Route

LONGEST_WAIT = 24 * 3600.0
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whatever its status. `headers` is read without case; `body` is as sent, never decompressed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def retry_after(self, now: datetime | None = None) -> float | None:
        """Seconds the answer asks us to wait, 0 to a day; None when it does not say. Source: RFC 9110, 10.2.3."""
        value = self.headers.get("Retry-After", "").strip()
        if re.fullmatch(r"[0-9]{1,9}", value):
            return min(float(value), LONGEST_WAIT)
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        wait = (moment - (now or datetime.now(UTC))).total_seconds()
        return min(max(wait, 0.0), LONGEST_WAIT)


class Download:
    """An answer whose body is still to come. `headers` is read without case."""

    def __init__(self, answer: requests.Response, route: Route, max_bytes: int) -> None:
        self.status: int = answer.status_code
        self.headers: Mapping[str, str] = CaseInsensitiveDict(answer.headers)
        self._answer = answer
        self._route = route
        self._max_bytes = max_bytes

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes, at most 64 KiB at a time. To be read once. Raises VendorError.

        `answer_too_large` before the first byte where the answer announces as much; `no_answer` where it breaks off or
        does not come in time.
        """
        left = self._max_bytes
        if self._announced() > left:
            raise too_large(self._route.host)
        while chunk := self._next():
            left -= len(chunk)
            if left < 0:
                raise too_large(self._route.host)
            yield chunk

    def _announced(self) -> int:
        length = self.headers.get("Content-Length", "")
        return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0

    def _next(self) -> bytes:
        # Not `answer.content` nor urllib3's stream: the one knows no limit, the other none for a chunk's size line.
        try:
            chunk: bytes = self._answer.raw.read(_CHUNK, decode_content=False)
            if self._route.cut:
                # A body without a length looks complete when the connection is shut.
                raise TimeoutError
            return chunk
        except BROKEN as error:
            failure = broken(error, self._route)
        # Raised out here, so that it does not carry the original along: that one's text holds the path.
        raise failure
