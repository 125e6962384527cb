"""The only way out: every HTTP request to a vendor, or to a URL that came from outside, is built and guarded here."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from vendors import origins
from vendors.addresses import Endpoint, Network, is_named, may_call, resolve
from vendors.base import VendorError
from vendors.origins import Origin, refused
from vendors.proxy import Proxy, ProxyFailed
from vendors.route import Deadline, Reach, Route, RoutedAdapter, connect

MIB = 1024 * 1024
LONGEST_WAIT = 24 * 3600.0

# At its debug level urllib3 logs every path, and paths hold tickets.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

_BROKEN = (requests.RequestException, HTTPError, OSError, ValueError)
_CHUNK = 64 * 1024
#: In a header's name.
_NAMES_A_SECRET = re.compile(r"(?i)auth|cookie|token|key|secret|signature|password|credential")


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


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """Builds and sends guarded requests.

    `allow` names networks that may be called although they are not public, on any port and over plain http; public
    addresses are called over https, on port 443 or one of `ports`.
    `proxy` tunnels all requests but those to networks that `allow` names and to hosts that the proxy spares.
    `ca_file`: a bundle of certificate authorities instead of the one that comes with requests.
    `trusted`: the only origins that are sent a secret; see `trusting`.
    Neither redirects, nor cookies, nor the environment's proxies, `.netrc` or CA settings are followed.
    """

    allow: Sequence[Network] = field(default=(), kw_only=False)
    ports: Collection[int] = ()
    proxy: Proxy | None = None
    ca_file: str | None = None
    trusted: frozenset[Origin] = frozenset()

    def trusting(self, *urls: str) -> Outbound:
        """A copy that sends secrets to the origins (scheme, host and port) of `urls`, and to no other.

        A WebSocket's address stands for the https or http one; what is no address is left out: it cannot be called.
        """
        return replace(self, trusted=frozenset(_origins(urls)))

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
        Raises VendorError, whose message names the host and no more of the URL: `address_refused`,
        `token_host_refused`, `bad_header` (permanent), `name_unresolved`, `unreachable`, `tls_failed`,
        `proxy_refused` (permanent where it wants other credentials; in all of these nothing was sent), `no_answer`,
        `answer_too_large` (unanswered: the request may have been received).
        """
        deadline = Deadline(total_timeout)
        origin = origins.read(url)
        prepared = _prepare(method, url, headers or {}, json, data)
        if origin not in self.trusted and any(_NAMES_A_SECRET.search(name) for name in prepared.headers):
            raise _token_host_refused(origin)
        route = Route(self._endpoints(origin, deadline), connect_timeout, deadline, self._reach(origin))
        with closing(route), closing(RoutedAdapter(route)) as adapter:
            try:
                timeout = (connect_timeout, deadline.left())
                answer = adapter.send(prepared, stream=True, timeout=timeout, verify=self.ca_file or True)
                with closing(answer):
                    return _read(answer, route, origin.host, max_bytes)
            except _BROKEN as error:
                failure = _broken(error, route, origin.host)
        # Raised out here, so that it does not carry the original along: that one's text holds the path.
        raise failure

    def _endpoints(self, origin: Origin, deadline: Deadline) -> list[Endpoint]:
        """All that the host stands for, each checked: one bad address refuses the name."""
        endpoints = _look_up(origin, deadline)
        for endpoint in endpoints:
            if not may_call(endpoint.address, self.allow):
                raise refused(f"{origin.host} stands for an address that may not be called from here.")
            if is_named(endpoint.address, self.allow):
                continue
            if origin.scheme != "https":
                raise refused(f"{origin.host} may be called over https only.")
            if origin.port != 443 and origin.port not in self.ports:
                raise refused(f"{origin.host} may not be called on port {origin.port}.")
        return endpoints

    def _reach(self, origin: Origin) -> Reach:
        """Straight, or through the proxy, which is asked for the checked address: it cannot look the name up anew."""
        proxy = self.proxy
        if proxy is None or proxy.spares(origin.host, origin.port):
            return connect

        def reach(endpoint: Endpoint, deadline: Deadline) -> socket.socket:
            return (connect if is_named(endpoint.address, self.allow) else proxy.tunnel)(endpoint, deadline)

        return reach


def _origins(urls: Iterable[str]) -> Iterator[Origin]:
    for url in urls:
        with suppress(VendorError):
            yield origins.read(re.sub(r"(?i)^ws(s?):", r"http\1:", url))


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
    raise refused("The request is not one that can be sent.")


def _look_up(origin: Origin, deadline: Deadline) -> list[Endpoint]:
    with suppress(OSError):
        return resolve(origin.host, origin.port, within=deadline.left())
    raise VendorError(f"The name {origin.host} could not be looked up.", permanent=False, code="name_unresolved")


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


def _token_host_refused(origin: Origin) -> VendorError:
    message = f"{origin.host} is none of the addresses that may be sent a key, so nothing was sent to it."
    return VendorError(message, permanent=True, code="token_host_refused")


def _no_tunnel(status: int | None, host: str) -> VendorError:
    if status is None:
        message = f"{host} could not be reached: the proxy on the way out is not there, or does not answer."
        return VendorError(message, permanent=False, code="unreachable")
    if status == 407:
        message = "The proxy on the way out did not accept its user name and password. Tell the operator."
    else:
        message = f"The proxy on the way out refused to connect to {host} (HTTP {status}). Tell the operator."
    return VendorError(message, permanent=status == 407, code="proxy_refused")


def _broken(error: Exception, route: Route, host: str) -> VendorError:
    """The one place where a failure of requests, urllib3, ssl or a socket becomes ours."""
    if isinstance(route.failure, ProxyFailed):
        return _no_tunnel(route.failure.status, host)
    if not route.connected:
        if isinstance(error, requests.exceptions.SSLError) and not route.cut:
            return VendorError(f"No secure connection to {host} could be made.", permanent=False, code="tls_failed")
        return VendorError(f"{host} could not be reached.", permanent=False, code="unreachable")
    if route.cut or isinstance(error, requests.Timeout):
        message = f"{host} did not answer in time."
    else:
        message = f"The connection to {host} broke before it had answered."
    return VendorError(message, permanent=False, code="no_answer", unanswered=True)
