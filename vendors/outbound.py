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

import grpc
import requests
from requests.adapters import DEFAULT_CA_BUNDLE_PATH

from vendors import origins, rpc
from vendors.addresses import Endpoint, Network, is_named, may_call, resolve
from vendors.answers import Download, Response
from vendors.base import VendorError
from vendors.failures import BROKEN, bad_header, broken, name_unresolved, no_tunnel, token_host_refused
from vendors.origins import Origin, refused
from vendors.proxy import Proxy, ProxyFailed
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
    """Sends guarded requests, fetches files, opens WebSockets and gRPC channels.

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
        with closing(route), closing(RoutedAdapter(route)) as adapter:
            return self._whole(adapter, prepared, timeout, max_bytes)

    def check(self, url: str, *, total_timeout: float = 5.0) -> None:
        """Whether `url` may be called, as its name stands at this moment: nothing is sent.

        Raises VendorError: `address_refused`, `name_unresolved`.
        """
        self._endpoints(origins.read(url), Deadline(total_timeout))

    def kept(self) -> Kept:
        """For many requests to one origin, over one connection: for a `with`."""
        return Kept(self)

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
        with (
            closing(route),
            closing(RoutedAdapter(route)) as adapter,
            self._sent(adapter, prepared, timeout, max_bytes) as answer,
        ):
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

    @contextmanager
    def channel(self, url: str, *, connect_timeout: float = 5.0) -> Iterator[grpc.Channel]:
        """A gRPC channel to `url` (https or http) that carries a secret, closed at the end. Raises VendorError.

        Guarded as `request` is: it leads to the addresses that were checked, whatever the name stands for by now. Its
        threads live as long as it does: in a process that forks, it is made after the fork.
        """
        origin = origins.read(url)
        if origin not in self.trusted:
            raise token_host_refused(origin.host)
        deadline = Deadline(connect_timeout)
        endpoints = self._endpoints(origin, deadline)
        proxy = self.proxy
        if direct := [one for one in endpoints if self._is_direct(origin, one)]:
            endpoints, proxy = direct, None
        elif proxy:
            endpoints = [_tunnelled(proxy, origin, endpoints, deadline)]
        with closing(rpc.channel(origin, endpoints, proxy, self.ca_file or DEFAULT_CA_BUNDLE_PATH)) as channel:
            yield channel

    def _is_direct(self, origin: Origin, endpoint: Endpoint) -> bool:
        """Whether the proxy, where there is one, is left out."""
        proxy = self.proxy
        return not proxy or proxy.spares(origin.host, origin.port) or is_named(endpoint.address, self.allow)

    def _route(self, url: str, headers: Iterable[str], connect_timeout: float, deadline: Deadline) -> Route:
        """The way to where `url` leads, if what the headers of these names hold may go there. Raises VendorError."""
        origin = origins.read(url)
        if origin not in self.trusted and any(_NAMES_A_SECRET.search(name) for name in headers):
            raise token_host_refused(origin.host)
        return Route(origin.host, self._endpoints(origin, deadline), connect_timeout, deadline, self._reach(origin))

    def _whole(
        self, adapter: RoutedAdapter, prepared: requests.PreparedRequest, timeout: tuple[float, float], max_bytes: int
    ) -> Response:
        with self._sent(adapter, prepared, timeout, max_bytes) as answer:
            return Response(answer.status, answer.headers, b"".join(answer.chunks()))

    @contextmanager
    def _sent(
        self, adapter: RoutedAdapter, prepared: requests.PreparedRequest, timeout: tuple[float, float], max_bytes: int
    ) -> Iterator[Download]:
        """The answer, its body still to come. `timeout`: to connect, and for each read. Raises VendorError."""
        try:
            answer = adapter.send(prepared, stream=True, timeout=timeout, verify=self.ca_file or True)
        except BROKEN as error:
            failure = broken(error, adapter.route)
        else:
            with closing(answer):
                yield Download(answer, adapter.route, max_bytes)
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
            return (connect if self._is_direct(origin, endpoint) else proxy.tunnel)(endpoint, deadline)

        return reach


class Kept:
    """Requests to one origin, one after the other. A connection that ends is made anew with the next. For one thread.

    What is resolved and checked stays so until then. For requests that may come twice: one that a used connection
    breaks under is sent once more over a new one, because the other side may have closed it as idle just then.
    """

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._adapter: RoutedAdapter | None = None
        self._origin: Origin | None = None

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        data: bytes | None = None,
        connect_timeout: float = 5.0,
        total_timeout: float = 25.0,
        max_bytes: int = MIB,
        body_seconds: float | None = None,
    ) -> Response:
        """As `Outbound.request`.

        `body_seconds`: the answer's body is given up after them, or after `max_bytes`, and empty in what comes back:
        for who wants to know the status alone.
        """
        deadline = Deadline(total_timeout)
        prepared = _prepare(method, url, {**headers, "Connection": "keep-alive"}, None, data)
        was_used = self._adapter is not None
        try:
            return self._once(prepared, connect_timeout, deadline, max_bytes, body_seconds)
        except VendorError as error:
            if not was_used or error.code != "no_answer" or deadline.passed:
                raise
        return self._once(prepared, connect_timeout, deadline, max_bytes, body_seconds)

    def _once(
        self,
        prepared: requests.PreparedRequest,
        connect_timeout: float,
        deadline: Deadline,
        max_bytes: int,
        body_seconds: float | None,
    ) -> Response:
        adapter = self._lead(str(prepared.url), prepared.headers, connect_timeout, deadline)
        timeout = (connect_timeout, deadline.left())
        try:
            if body_seconds is None:
                answer = self._outbound._whole(adapter, prepared, timeout, max_bytes)
            else:
                answer = self._head(adapter, prepared, timeout, max_bytes, deadline.within(body_seconds))
        except VendorError:
            self.close()
            raise
        adapter.route.rest()
        if adapter.route.cut:  # at the very end of its time
            self.close()
        return answer

    def _head(
        self,
        adapter: RoutedAdapter,
        prepared: requests.PreparedRequest,
        timeout: tuple[float, float],
        max_bytes: int,
        body_deadline: Deadline,
    ) -> Response:
        """The answer without its body, which is only read so that the connection can be kept."""
        with self._outbound._sent(adapter, prepared, timeout, max_bytes) as answer:
            adapter.route.extend(body_deadline)
            if adapter.route.cut:  # in the headers, of which the rest is missing
                raise broken(TimeoutError(), adapter.route)
            try:
                for _ in answer.chunks():
                    pass
            except VendorError:
                self.close()
        return Response(answer.status, answer.headers, b"")

    def close(self) -> None:
        adapter, self._adapter = self._adapter, None
        if adapter:
            adapter.close()
            adapter.route.close()

    def _lead(self, url: str, names: Iterable[str], connect_timeout: float, deadline: Deadline) -> RoutedAdapter:
        """The connection there is, or is to be. Raises VendorError."""
        origin = origins.read(url)
        if origin != self._origin:
            self.close()
        if self._adapter is None:
            self._adapter = RoutedAdapter(self._outbound._route(url, names, connect_timeout, deadline))
            self._origin = origin
        else:
            self._adapter.route.extend(deadline)
        return self._adapter


def _tunnelled(proxy: Proxy, origin: Origin, endpoints: Iterable[Endpoint], deadline: Deadline) -> Endpoint:
    """The first that the proxy leads to: gRPC would ask it for all of them as if they were one. Raises VendorError."""
    status = None
    for endpoint in endpoints:
        try:
            proxy.tunnel(endpoint, deadline).close()
        except ProxyFailed as error:
            status = error.status
        else:
            return endpoint
    raise no_tunnel(status, origin.host)


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
