"""Which network addresses may be called: the public ones, those an operator names, and never a cloud's metadata.

The networks are listed here because `ipaddress.is_global` gives different answers in Python 3.11, 3.12 and 3.13.
Source: the IANA special-purpose address registries, RFC 6890 and its updates.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)
# IPv6 networks whose addresses carry an IPv4 address, and how far from the right it stands.
_WRAPPERS = {
    IPv6Network("::ffff:0:0/96"): 0,
    IPv6Network("::ffff:0:0:0/96"): 0,
    IPv6Network("64:ff9b::/96"): 0,
    IPv6Network("64:ff9b:1::/48"): 0,
    IPv6Network("2002::/16"): 80,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address a name stands for, in the form `socket.connect` takes."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def address(self) -> Address:
        """Without the zone: `fd00:ec2::254%1` is the same host as without it."""
        return ip_address(str(self.sockaddr[0]).partition("%")[0])


def may_call(address: Address, allow: Sequence[Network]) -> bool:
    """Whether `address` is public or named by `allow`.

    An IPv4 address inside an IPv6 one must pass twice: `allow` must name the wrapper, and the inner address must be
    fit by itself.
    """
    if address in _METADATA:
        return False
    inner = _unwrap(address)
    if inner is not None:
        return _within(address, allow) and may_call(inner, allow)
    return _is_public(address) or _within(address, allow)


def is_named(address: Address, allow: Sequence[Network]) -> bool:
    """Whether `allow` names this very address, and the one it wraps if it wraps one."""
    inner = _unwrap(address)
    return _within(address, allow) and (inner is None or is_named(inner, allow))


def resolve(host: str, port: int, *, within: float) -> list[Endpoint]:
    """Every address `host` stands for, asked once. Raises OSError (TimeoutError after `within` seconds), UnicodeError.

    The system's resolver takes no timeout, so it is asked in a thread that may be left behind.
    """
    answer: Future[list[Endpoint]] = Future()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.set_result([Endpoint(family, sockaddr) for family, _, _, _, sockaddr in found])
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    return answer.result(timeout=within)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return False
    return not _within(address, _SPECIAL)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _unwrap(address: Address) -> IPv4Address | None:
    for network, shift in _WRAPPERS.items():
        if address in network:
            return IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
    return None
