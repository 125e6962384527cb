"""One request's way to a checked address: pinned, and cut at a deadline that no slow server can stretch."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPResponse
from typing import Any, cast

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util.response import assert_header_parsing

from vendors.addresses import Endpoint


class Deadline:
    """A moment `seconds` from now on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.moment = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until the moment, never below a millisecond: sockets and urllib3 refuse a timeout of 0."""
        return max(0.001, self.moment - time.monotonic())

    def within(self, seconds: float) -> Deadline:
        """The moment `seconds` from now, or this one if that is sooner."""
        return Deadline(min(seconds, self.left()))

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.moment


class Alarm:
    """Rings once, at a deadline that can be moved or taken away at little cost: in a thread of its own."""

    NAME = "deadline"

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._changed = threading.Condition()
        self._deadline: Deadline | None = None
        self._wakes_at = math.inf
        self._is_over = False
        self._thread: threading.Thread | None = None

    def set(self, deadline: Deadline | None) -> None:
        """None: it will not ring until another is set. Either way, it is not ringing when this returns."""
        with self._changed:
            self._deadline = deadline
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name=self.NAME, daemon=True)
                self._thread.start()
            elif deadline and deadline.moment < self._wakes_at:
                self._changed.notify()

    def stop(self) -> None:
        """It has rung by now, or never will."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        if self._thread:
            self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_over:
                if self._deadline and self._deadline.passed:
                    self._ring()
                    return
                self._wakes_at = self._deadline.moment if self._deadline else math.inf
                self._changed.wait(self._deadline.left() if self._deadline else None)


#: How a socket comes to lead to an endpoint by a deadline: `connect`, or through a proxy.
Reach = Callable[[Endpoint, Deadline], socket.socket]


def connect(endpoint: Endpoint, deadline: Deadline) -> socket.socket:
    """A socket straight to `endpoint`, Nagle's delay off. Raises OSError."""
    line = socket.socket(endpoint.family, socket.SOCK_STREAM)
    try:
        line.settimeout(deadline.left())
        line.connect(endpoint.sockaddr)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        line.close()
        raise
    return line


class Route:
    """Opens the one connection of a request, and shuts it down when the deadline comes.

    A timeout on each read would not do: a server that sends one header byte a second never runs into it. The
    connection is therefore shut by an alarm, through a duplicate of its socket, because TLS takes the original away.
    `host` is what messages call it. `reach` makes a socket that leads to an endpoint, or raises OSError; `failure` is
    what it raised last of all. `connected` tells whether a request could have been sent; `cut` whether the deadline
    came.
    """

    def __init__(
        self,
        host: str,
        endpoints: Sequence[Endpoint],
        connect_timeout: float,
        deadline: Deadline,
        reach: Reach = connect,
    ) -> None:
        self.host = host
        self._endpoints = endpoints
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        self._reach = reach
        self._line: socket.socket | None = None
        self._alarm = Alarm(self._cut)
        self.failure: OSError | None = None
        self.connected = False
        self.cut = False

    def open(self) -> socket.socket:
        """A socket connected to the first endpoint that can be reached. Raises OSError."""
        self.connected = False
        for endpoint in self._endpoints:
            try:
                line = self._reach(endpoint, self._deadline.within(self._connect_timeout))
            except OSError as error:
                self.failure = error
            else:
                self.failure = None
                return self._watch(line)
            if self._deadline.passed:
                break
        raise OSError("no address could be reached")

    def extend(self, deadline: Deadline) -> None:
        """The connection is shut at that moment instead, unless it has been already."""
        self._deadline = deadline
        self._alarm.set(deadline)

    def rest(self) -> None:
        """Between two requests the connection is not watched: how long it is idle is the other side's affair."""
        self._alarm.set(None)

    def close(self) -> None:
        """Stop the watch. The alarm is joined first, so that it cannot shut a socket that reuses the number."""
        self._alarm.stop()
        if self._line is not None:
            self._line.close()

    def _watch(self, line: socket.socket) -> socket.socket:
        line.settimeout(self._deadline.within(self._connect_timeout).left())
        self.close()
        self._line = line.dup()
        self._alarm = Alarm(self._cut)
        self._alarm.set(self._deadline)
        return line

    def _cut(self) -> None:
        self.cut = True
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


class RoutedAdapter(HTTPAdapter):
    """requests' adapter with connections that take the given route, whatever the URL's host resolves to by now.

    TLS still names, and checks the certificate against, the host of the URL. To be used for one origin.
    """

    def __init__(self, route: Route) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self.route = route

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        """The pool requests would use, making connections of ours."""
        pool = cast("HTTPConnectionPool", super().get_connection_with_tls_context(request, verify, proxies, cert))
        pool.ConnectionCls = _RoutedTls if pool.scheme == "https" else _Routed
        pool.conn_kw["route"] = self.route
        return pool


class _WholeHead(HTTPResponse):
    """An answer whose headers must be whole.

    http.client takes a header cut short by a broken connection for the end of the headers, and urllib3 then logs the
    URL and what it could not read.
    """

    def begin(self) -> None:
        super().begin()
        assert_header_parsing(self.headers)


class _Routed(HTTPConnection):
    response_class = _WholeHead

    def __init__(self, *args: Any, route: Route, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._route = route

    def _new_conn(self) -> socket.socket:
        return self._route.open()

    def connect(self) -> None:
        super().connect()
        self._route.connected = True


class _RoutedTls(_Routed, HTTPSConnection):
    """The same with TLS: connected once the handshake is done, for no byte of the request goes out before."""
