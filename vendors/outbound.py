"""The only way out: whatever goes to a vendor, or to a URL that came from outside, is built and guarded here."""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from requests.adapters import DEFAULT_CA_BUNDLE_PATH

from vendors import origins
from vendors.addresses import Endpoint, Network, is_named, may_call, resolve
from vendors.answers import Download, Response
from vendors.base import VendorError
from vendors.failures import BROKEN, bad_header, broken, name_unresolved, token_host_refused
from vendors.origins import Origin, refused
from vendors.proxy import Proxy
from vendors.route import Deadline, Reach, Route, RoutedAdapter, connect
from vendors.websocket import Handshake, WebSocket

MIB = 1024 * 1024

# At its debug level urllib3 logs every path, and paths hold tickets.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

#: In a header's name.
_NAMES_A_SECRET = re.compile(r"(?i)auth|cookie|token|key|secret|signature|password|credential")
_HEADERS = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "listenpost"}


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """Sends guarded requests, fetches files and opens WebSockets.

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
        prepared = _prepare(method, url, headers or {}, json, data)
        route = self._route(url, prepared.headers, connect_timeout, deadline)
        timeout = (connect_timeout, deadline.left())
        with closing(route), self._sent(prepared, route, timeout, max_bytes) as answer:
            return Response(answer.status, answer.headers, b"".join(answer.chunks()))

    @contextmanager
    def download(
        self,
        url: str,
        *,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        connect_timeout: float = 5.0,
        idle_timeout: float = 30.0,
        total_timeout: float = 3600.0,
    ) -> Iterator[Download]:
        """GET what is never held whole: `with outbound.download(url, ...) as answer` has its status, headers, chunks.

        Any status comes back, redirects and errors included. Times are seconds: `idle_timeout` holds to the end of the
        answer's headers, and then for each silence in its body; `total_timeout` to its last byte.
        Raises VendorError as `request` does, and so do the chunks.
        """
        prepared = _prepare("GET", url, headers or {}, None, None)
        route = self._route(url, prepared.headers, connect_timeout, Deadline(idle_timeout))
        timeout = (connect_timeout, idle_timeout)
        with closing(route), self._sent(prepared, route, timeout, max_bytes) as answer:
            route.extend(Deadline(total_timeout))
            yield answer

    def websocket(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        connect_timeout: float = 5.0,
        open_timeout: float = 15.0,
        total_timeout: float = 3600.0,
        max_bytes: int = MIB,
    ) -> WebSocket | Response:
        """Open a WebSocket: the open line, for a `with`, or the answer of a server that did not open one.

        Guarded as `request` is: `ws` stands for `http`, `wss` for `https`, and a subprotocol counts as a secret.
        Times are seconds, `total_timeout` to the end of the line; `max_bytes` are those of one message.
        Raises VendorError as `request` does, and so does the line.
        """
        deadline = Deadline(open_timeout)
        prepared = _prepare("GET", _as_http(url), headers or {}, None, None)
        names = [*prepared.headers, *(["token"] if subprotocols else [])]
        route = self._route(_as_http(url), names, connect_timeout, deadline)
        with ExitStack() as undo:
            undo.callback(route.close)
            handshake = Handshake(str(prepared.url), headers or {}, subprotocols, self._authorities(), max_bytes)
            line = handshake.shake(route, deadline.left())
            if isinstance(line, WebSocket):
                undo.pop_all()
                route.extend(Deadline(total_timeout))
            return line

    def _route(self, url: str, headers: Iterable[str], connect_timeout: float, deadline: Deadline) -> Route:
        """The way to where `url` leads, if what the headers of these names hold may go there. Raises VendorError."""
        origin = origins.read(url)
        if origin not in self.trusted and any(_NAMES_A_SECRET.search(name) for name in headers):
            raise token_host_refused(origin.host)
        return Route(origin.host, self._endpoints(origin, deadline), connect_timeout, deadline, self._reach(origin))

    @contextmanager
    def _sent(
        self, prepared: requests.PreparedRequest, route: Route, timeout: tuple[float, float], max_bytes: int
    ) -> Iterator[Download]:
        """The answer, its body still to come. `timeout`: to connect, and for each read. Raises VendorError."""
        with closing(RoutedAdapter(route)) as adapter:
            try:
                answer = adapter.send(prepared, stream=True, timeout=timeout, verify=self.ca_file or True)
            except BROKEN as error:
                failure = broken(error, route)
            else:
                with closing(answer):
                    yield Download(answer, route, max_bytes)
                return
        # Raised out here, so that it does not carry the original along: that one's text holds the path.
        raise failure

    def _authorities(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file or DEFAULT_CA_BUNDLE_PATH)
        context.set_alpn_protocols(["http/1.1"])
        return context

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
            yield origins.read(_as_http(url))


def _as_http(url: str) -> str:
    return re.sub(r"(?i)^ws(s?):", r"http\1:", url)


def _prepare(
    method: str, url: str, headers: Mapping[str, str], json: Any, data: bytes | None
) -> requests.PreparedRequest:
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        raise bad_header()
    try:
        return requests.Request(method, url, headers={**_HEADERS, **headers}, json=json, data=data).prepare()
    except BROKEN:
        pass
    raise refused("The request is not one that can be sent.")


def _look_up(origin: Origin, deadline: Deadline) -> list[Endpoint]:
    with suppress(OSError):
        return resolve(origin.host, origin.port, within=deadline.left())
    raise name_unresolved(origin.host)
