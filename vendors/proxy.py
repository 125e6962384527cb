"""The operator's forward proxy: asked for a tunnel to an address that was checked here, never to a name."""

from __future__ import annotations

import re
import socket
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from vendors.addresses import Endpoint, resolve
from vendors.route import Deadline, connect

_LONGEST_HEAD = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")


class ProxyFailed(OSError):
    """No tunnel was made. `status` is the proxy's refusal, None where it said nothing that can be understood."""

    def __init__(self, status: int | None = None) -> None:
        super().__init__("no tunnel")
        self.status = status


@dataclass(frozen=True, slots=True)
class Proxy:
    """`authorization` is a header's whole value, empty for none; `spared` is as in NO_PROXY: `a.example,.b.example`."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)
    spared: str = ""

    @classmethod
    def read(cls, url: str, spared: str = "") -> Proxy:
        """From `http://host:port` or `http://user:password@host:port`. Raises ValueError, which does not repeat it."""
        if not re.fullmatch(r"(?i)http://([^\s/?#@]*@)?([a-z0-9._-]+|\[[0-9a-f:.]+\]):[0-9]{1,5}/?", url):
            raise ValueError("not a proxy's address")
        parts = urlsplit(url)
        if parts.hostname is None or not parts.port:
            raise ValueError("not a proxy's address")
        return cls(parts.hostname, parts.port, _basic(parts.username, parts.password), spared)

    @property
    def url(self) -> str:
        """As `read` takes it, for a client that speaks to proxies itself."""
        named = b64decode(self.authorization.removeprefix("Basic ")).decode()
        user, _, password = named.partition(":")
        who = f"{quote(user, safe='')}:{quote(password, safe='')}@" if named else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{who}{host}:{self.port}"

    def spares(self, host: str, port: int) -> bool:
        """Whether NO_PROXY names the host, with or without this port."""
        return bool(proxy_bypass_environment(f"{host}:{port}", {"no": self.spared}))

    def tunnel(self, endpoint: Endpoint, deadline: Deadline) -> socket.socket:
        """A socket that leads to `endpoint`. Raises ProxyFailed."""
        try:
            line = self._reach(deadline)
        except OSError:
            raise ProxyFailed from None
        try:
            status = _ask(line, self._request(endpoint), deadline)
        except OSError:
            status = None
        if status is not None and 200 <= status < 300:
            return line
        line.close()
        raise ProxyFailed(status)

    def _reach(self, deadline: Deadline) -> socket.socket:
        failure = OSError("no address")
        for endpoint in resolve(self.host, self.port, within=deadline.left()):
            try:
                return connect(endpoint, deadline)
            except OSError as error:
                failure = error
        raise failure

    def _request(self, endpoint: Endpoint) -> bytes:
        address = str(endpoint.address)
        target = f"[{address}]" if ":" in address else address
        lines = [f"CONNECT {target}:{endpoint.port} HTTP/1.1", f"Host: {target}:{endpoint.port}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return "\r\n".join([*lines, "", ""]).encode()


def _basic(user: str | None, password: str | None) -> str:
    """Source: RFC 7617, 2."""
    if not user and not password:
        return ""
    return "Basic " + b64encode(f"{unquote(user or '')}:{unquote(password or '')}".encode()).decode()


def _ask(line: socket.socket, request: bytes, deadline: Deadline) -> int | None:
    """The status of the answer, read to the end of its head; None for what is no answer. Raises OSError."""
    line.sendall(request)
    head = bytearray()
    while b"\r\n\r\n" not in head:
        # Anew each time: a proxy that sends one byte a second never runs into a timeout of its own.
        line.settimeout(deadline.left())
        chunk = line.recv(4096)
        head += chunk
        if not chunk or deadline.passed or len(head) > _LONGEST_HEAD:
            return None
    status = _STATUS.match(head)
    return int(status[1]) if status else None
