"""The `Authorization` header: one, and a bearer token in it. Source: RFC 6750, RFC 9110 section 11.6."""

from __future__ import annotations

import re

#: Entra's tokens with many roles stay below it.
LONGEST = 8192
# Two headers reach Django as one, joined by a comma, which no token holds.
HEADER = re.compile(rf"Bearer +([A-Za-z0-9._~+/=-]{{1,{LONGEST}}})", re.IGNORECASE)
REALM = 'Bearer realm="listenpost"'


def token(header: str) -> str | None:
    """The token; None for another scheme, two tokens, an oversized or an unspeakable one."""
    match = HEADER.fullmatch(header.strip(" \t"))
    return match[1] if match else None


def challenge(code: str = "", description: str = "", scope: str = "") -> str:
    """The value of `WWW-Authenticate`. Without a code: no proof was sent at all. Source: RFC 6750, section 3."""
    told = {"error": code, "error_description": description, "scope": scope}
    return ", ".join([REALM, *(f'{name}="{value}"' for name, value in told.items() if value)])
