"""Where a URL leads: read strictly, so that no two readers can see two hosts in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import requests

from vendors.base import VendorError

_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """`host` in lower case, a name in its ASCII form, an IPv6 address at its shortest and without brackets."""

    scheme: str
    host: str
    port: int


def read(url: str) -> Origin:
    """Where requests would go for `url`. Raises VendorError `address_refused`, whose message names at most the host."""
    if _AMBIGUOUS.search(url):
        raise refused("The address holds a space, a control character or a backslash.")
    try:
        if "@" in urlsplit(url).netloc:
            raise refused("The address carries a user name or a password.")
        # requests decodes `%2e` in a host, others look up the name as it stands: better neither.
        if "%" in urlsplit(url).netloc:
            raise refused("The address holds a percent sign in its host.")
        parts = urlsplit(str(requests.Request("GET", url).prepare().url))
        scheme, port = parts.scheme, parts.port
        host = _host(parts.hostname or "")
    except (requests.RequestException, ValueError):
        # The original's text holds the path: `from None` would hide it, not drop it.
        scheme, host, port = "", "", None
    if scheme not in _PORTS or not host:
        raise refused("The address is not an https or http address that can be called.")
    return Origin(scheme, host, port or _PORTS[scheme])


def refused(message: str) -> VendorError:
    return VendorError(message, permanent=True, code="address_refused")


def _host(text: str) -> str:
    """One spelling of each host. Raises ValueError for `2130706433`, `0x7f.1`, `a..b`, `a.` and their like."""
    if ":" in text:
        return str(IPv6Address(text))
    if _ENDS_IN_A_NUMBER.fullmatch(text):
        return str(IPv4Address(text))
    if not _NAME.fullmatch(text):
        raise ValueError("no name")
    return text
