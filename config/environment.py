"""The settings an operator gives, read strictly: a missing or malformed one ends the start with a sentence.

Every setting may also be given as `<NAME>_FILE`, a path whose content is the value (django-environ's FileAwareEnv).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from limits import RateLimitItem, parse_many

from vendors.proxy import Proxy

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_RATE_SECONDS = 24 * 3600

env = environ.FileAwareEnv()


def address(name: str) -> str:
    """An absolute http(s) URL without a path's trailing slash, such as `https://clinic.example`."""
    url = str(env.str(name)).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} must be an address such as https://clinic.example")
    return url


def networks(name: str) -> list[Network]:
    """A comma-separated list of CIDR ranges; empty when unset."""
    values = [value.strip() for value in env.list(name, default=[]) if value.strip()]
    try:
        return [ipaddress.ip_network(value) for value in values]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be CIDR ranges such as 10.1.0.0/16: {error}") from None


def ports(name: str) -> list[int]:
    """Comma-separated numbers from 1 to 65535; empty when unset."""
    values = [value.strip() for value in env.list(name, default=[]) if value.strip()]
    if not all(value.isascii() and value.isdecimal() and len(value) < 6 and 0 < int(value) < 65536 for value in values):
        raise ImproperlyConfigured(f"{name} must be numbers of ports such as 8443,9443")
    return [int(value) for value in values]


def proxy(name: str) -> Proxy | None:
    """The forward proxy and whom NO_PROXY spares it; HTTPS_PROXY's when `name` is unset, none when it is empty."""
    usual = env.str("https_proxy", default=env.str("HTTPS_PROXY", default=""))
    url = env.str(name, default=usual).strip()
    spared = env.str("no_proxy", default=env.str("NO_PROXY", default=""))
    try:
        return Proxy.read(url, spared) if url else None
    except ValueError:
        # Without the value: it may hold a password.
        raise ImproperlyConfigured(
            f"{name}, or else HTTPS_PROXY, must be a proxy such as http://user:password@proxy.example:3128, or empty"
        ) from None


def ticket_keys(name: str) -> dict[int, str]:
    """`<version>:<secret>,...`: the highest version signs, every one is accepted."""
    keys: dict[int, str] = {}
    for entry in env.list(name):
        version, _, secret = entry.strip().partition(":")
        if not version.isdigit() or not 0 < int(version) < 256 or len(secret) < 32:
            raise ImproperlyConfigured(
                f"{name} must be <version>:<secret>,...: versions from 1 to 255, secrets of 32 characters or more"
            )
        keys[int(version)] = secret
    if not keys:
        raise ImproperlyConfigured(f"{name} must name at least one key")
    return keys


def positive(name: str, default: int) -> int:
    value = int(env.int(name, default=default))
    if value <= 0:
        raise ImproperlyConfigured(f"{name} must be a whole number above zero")
    return value


def rate(name: str, default: str) -> RateLimitItem | None:
    """How often in how long, as `limits` writes it: `300/minute`, `10 per 5 seconds`. None for `none`."""
    text = str(env.str(name, default=default)).strip()
    if text.lower() == "none":
        return None
    try:
        (found,) = parse_many(text)
    except ValueError:
        found = None
    # The library reads a window of no seconds as one of one.
    if not found or not found.amount or found.get_expiry() > MOST_RATE_SECONDS or re.search(r"(/|per)\s*0", text):
        raise ImproperlyConfigured(f"{name} must be a rate such as 300/minute, its window a day at most, or none")
    return found


def patience(statement_seconds: int) -> dict[str, Any]:
    """libpq options under which no connection waits for ever: not for a silent server, a lock or a statement.

    0 leaves statements and locks their time, which migrations need.
    """
    limits = {"lock_timeout": min(statement_seconds, 10), "statement_timeout": statement_seconds}
    limits["idle_in_transaction_session_timeout"] = 2 * statement_seconds
    return {
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "options": " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items()),
    }


def storage(name: str, *, is_for_group: bool = False) -> dict[str, Any]:
    """Django's STORAGES entry for `file:///srv/audio` or `s3://bucket/prefix?endpoint_url=...&region_name=...`.

    `is_for_group`: files can be read by the group that the service belongs to, else by nobody else.
    """
    parts = urlsplit(env.str(name))
    if parts.scheme == "file" and parts.path:
        options: dict[str, Any] = {"location": parts.path, "allow_overwrite": True}
        file, folder = (0o640, 0o750) if is_for_group else (0o600, 0o700)
        options |= {"file_permissions_mode": file, "directory_permissions_mode": folder}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    if parts.scheme == "s3" and parts.netloc:
        options = {"bucket_name": parts.netloc, "location": parts.path.strip("/"), "file_overwrite": True}
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options | dict(parse_qsl(parts.query))}
    raise ImproperlyConfigured(f"{name} must be file:///a/folder or s3://bucket/prefix?endpoint_url=...")
