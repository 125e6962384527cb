"""The only way out: every HTTP request to a vendor, or to a URL that came from outside, is built and guarded here."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from vendors.addresses import Endpoint, Network, is_named, may_call, resolve
from vendors.base import VendorError
from vendors.route import Deadline, Route, RoutedAdapter

MIB = 1024 * 1024
LONGEST_WAIT = 24 * 3600.0

# At its debug level urllib3 logs every path, and paths hold tickets.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

_BROKEN = (requests.RequestException, HTTPError, OSError, ValueError)
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


class Outbound:
    """Builds and sends guarded requests.

    `allow` names networks that may be called although they are not public; plain http goes to those only.
    `ca_file`: a bundle of certificate authorities instead of the one that comes with requests.
    Neither redirects, nor cookies, nor the environment's proxies, `.netrc` or CA settings are followed.
    """

    def __init__(self, allow: Sequence[Network] = (), *, ca_file: str | None = None) -> None:
        self._allow = tuple(allow)
        self._ca_file = ca_file

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        connect_timeout: float = 5.0,
        total_timeout: float = 25.0,
        max_bytes: int = MIB,
    ) -> Response:
        """Send one request and read its whole answer, redirects and errors included.

        Times are seconds; `total_timeout` holds from the look-up of the name to the last byte of the answer.
        Raises VendorError, whose message names the host and no more of the URL: `address_refused` (permanent),
        `name_unresolved`, `unreachable`, `tls_failed` (nothing was sent), `no_answer`, `answer_too_large`
        (unanswered: the request may have been received).
        """
        deadline = Deadline(total_timeout)
        prepared = _prepare(method, url, headers or {}, json, data)
        parts = _parts(prepared)
        host = str(parts.hostname)
        route = Route(self._endpoints(parts, deadline), connect_timeout, deadline)
        with closing(route), closing(RoutedAdapter(route)) as adapter:
            try:
                timeout = (connect_timeout, deadline.left())
                answer = adapter.send(prepared, stream=True, timeout=timeout, verify=self._ca_file or True)
                with closing(answer):
                    return _read(answer, route, host, max_bytes)
            except _BROKEN as error:
                failure = _broken(error, route, host)
        # Raised out here, so that it does not carry the original along: that one's text holds the path.
        raise failure

    def _endpoints(self, parts: SplitResult, deadline: Deadline) -> list[Endpoint]:
        """All that the host stands for, each checked: one bad address refuses the name."""
        host, secure = str(parts.hostname), parts.scheme == "https"
        endpoints = _look_up(host, parts.port or (443 if secure else 80), deadline)
        for endpoint in endpoints:
            if not may_call(endpoint.address, self._allow):
                raise _refused(f"{host} stands for an address that may not be called from here.")
            if not secure and not is_named(endpoint.address, self._allow):
                raise _refused(f"{host} may be called over https only.")
        return endpoints


def _prepare(
    method: str, url: str, headers: Mapping[str, str], json: Any, data: bytes | None
) -> requests.PreparedRequest:
    ours = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "listenpost"}
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        raise VendorError(
            "A header of the request holds characters that cannot be sent. Check the key of this vendor account.",
            permanent=True,
            code="bad_header",
        )
    try:
        return requests.Request(method, url, headers={**ours, **headers}, json=json, data=data).prepare()
    except _BROKEN:
        pass
    raise _refused("The address is not one that can be called.")


def _parts(prepared: requests.PreparedRequest) -> SplitResult:
    """The address as requests will use it, its host there and in lower case. Raises VendorError."""
    try:
        parts = urlsplit(str(prepared.url))
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _refused("The address is not an https or http address.")
    if "@" in parts.netloc:
        raise _refused(f"The address of {parts.hostname} carries a user name or a password.")
    return parts


def _look_up(host: str, port: int, deadline: Deadline) -> list[Endpoint]:
    try:
        return resolve(host, port, within=deadline.left())
    except UnicodeError:
        failure = _refused("The address holds no valid host name.")
    except OSError:
        failure = VendorError(f"The name {host} could not be looked up.", permanent=False, code="name_unresolved")
    raise failure


def _read(answer: requests.Response, route: Route, host: str, max_bytes: int) -> Response:
    # Not `answer.content` nor urllib3's stream: the one knows no limit, the other none for a chunk's size line.
    body = bytearray()
    while len(body) <= max_bytes and (chunk := answer.raw.read(_CHUNK, decode_content=False)):
        body += chunk
    if len(body) > max_bytes:
        raise VendorError(
            f"{host} sent too large an answer.", permanent=False, code="answer_too_large", unanswered=True
        )
    if route.cut:
        # A body without a length looks complete when the connection is shut.
        raise TimeoutError
    return Response(answer.status_code, CaseInsensitiveDict(answer.headers), bytes(body))


def _refused(message: str) -> VendorError:
    return VendorError(message, permanent=True, code="address_refused")


def _broken(error: Exception, route: Route, host: str) -> VendorError:
    """The one place where a failure of requests, urllib3, ssl or a socket becomes ours."""
    if not route.connected:
        if isinstance(error, requests.exceptions.SSLError) and not route.cut:
            return VendorError(f"No secure connection to {host} could be made.", permanent=False, code="tls_failed")
        return VendorError(f"{host} could not be reached.", permanent=False, code="unreachable")
    if route.cut or isinstance(error, requests.Timeout):
        message = f"{host} did not answer in time."
    else:
        message = f"The connection to {host} broke before it had answered."
    return VendorError(message, permanent=False, code="no_answer", unanswered=True)
