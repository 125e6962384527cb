"""The settings an operator gives, read strictly: a missing or malformed one ends the start with a sentence.

Every setting may also be given as `<NAME>_FILE`, a path whose content is the value (django-environ's FileAwareEnv).
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

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


def storage(name: str) -> dict[str, Any]:
    """Django's STORAGES entry for `file:///srv/audio` or `s3://bucket/prefix?endpoint_url=...&region_name=...`."""
    parts = urlsplit(env.str(name))
    if parts.scheme == "file" and parts.path:
        options: dict[str, Any] = {"location": parts.path, "allow_overwrite": True}
        options |= {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    if parts.scheme == "s3" and parts.netloc:
        options = {"bucket_name": parts.netloc, "location": parts.path.strip("/"), "file_overwrite": True}
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options | dict(parse_qsl(parts.query))}
    raise ImproperlyConfigured(f"{name} must be file:///a/folder or s3://bucket/prefix?endpoint_url=...")
