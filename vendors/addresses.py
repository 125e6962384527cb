"""Which network addresses may be called: the public ones, those an operator names, and never a cloud's metadata.

The networks are listed here because `ipaddress.is_global` gives different answers in Python 3.11, 3.12 and 3.13.
Source: the IANA special-purpose address registries, RFC 6890 and its updates.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
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
        "169.254.169.254",  # nearly every cloud
        "169.254.170.2",  # Amazon's containers
        "169.254.170.23",
        "169.254.0.23",  # Tencent
        "169.254.10.10",
        "169.254.42.42",  # Scaleway
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # Amazon
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
        "fd00:c1::a9fe:a9fe",  # Oracle
        "fd00:42::42",  # Scaleway
        "fd00:a9fe:a9fe::1",  # Akamai
        "fd00:100::100:200",  # Alibaba
        "fe80::a9fe:a9fe",  # OpenStack
    )
)
_NOBODY_AND_ONESELF = (IPv6Address("::"), IPv6Address("::1"))
_LOWEST = 0xFFFFFFFF


def _last(bits: int) -> list[int]:
    return [bits]


def _teredo(bits: int) -> list[int]:
    """The client, inverted, and the server. Source: RFC 4380, 4."""
    return [~bits, bits >> 64]


def _local_nat64(bits: int) -> list[int]:
    """Where the operator's choice of a prefix puts it: of 96 bits, or of 48, 56 or 64. Source: RFC 6052, 2.2."""
    without_empty_octet = (bits >> 64 << 56) | (bits & (1 << 56) - 1)
    return [bits, *(without_empty_octet >> shift for shift in (40, 32, 24))]


# IPv6 networks whose addresses carry IPv4 addresses, and where these may stand: in the lowest 32 bits of each number.
_WRAPPERS: dict[IPv6Network, Callable[[int], list[int]]] = {
    IPv6Network("::/96"): _last,
    IPv6Network("::ffff:0:0/96"): _last,
    IPv6Network("::ffff:0:0:0/96"): _last,
    IPv6Network("64:ff9b::/96"): _last,
    IPv6Network("64:ff9b:1::/48"): _local_nat64,
    IPv6Network("2001::/32"): _teredo,
    IPv6Network("2002::/16"): lambda bits: [bits >> 80],
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

    @property
    def port(self) -> int:
        return int(self.sockaddr[1])


def may_call(address: Address, allow: Sequence[Network]) -> bool:
    """Whether `address` is public or named by `allow`.

    An IPv4 address inside an IPv6 one must pass twice: `allow` must name the wrapper, and the inner address must be
    fit by itself.
    """
    wrapped = _wrapped(address)
    if any(each in _METADATA for each in (address, *wrapped)):
        return False
    if wrapped:
        return _within(address, allow) and may_call(wrapped[0], allow)
    return _is_public(address) or _within(address, allow)


def is_named(address: Address, allow: Sequence[Network]) -> bool:
    """Whether `allow` names this very address, and the one it wraps if it wraps one."""
    return _within(address, allow) and all(is_named(inner, allow) for inner in _wrapped(address)[:1])


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


def _wrapped(address: Address) -> list[IPv4Address]:
    """The IPv4 addresses that `address` may stand for, the likeliest first; empty for most."""
    if isinstance(address, IPv4Address) or address in _NOBODY_AND_ONESELF:
        return []
    bits = int(address)
    found = [bits] if _is_isatap(bits) else []
    for network, places in _WRAPPERS.items():
        if address in network:
            found = places(bits)
    return [IPv4Address(each & _LOWEST) for each in found]


def _is_isatap(bits: int) -> bool:
    """Whether its interface, in whatever network, is `::5efe:a.b.c.d`. Source: RFC 5214, 6.1."""
    return bits >> 32 & 0xFCFFFFFF == 0x00005EFE
