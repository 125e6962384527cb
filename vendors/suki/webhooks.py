"""Suki's webhooks: what their headers prove with.

Source: Suki's developer pages on webhooks. `X-API-Key` is, despite its name, the signature: an HMAC-SHA256 of
`<generated-at>:<raw body>` in hex.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from vendors.base import Rejected
from vendors.signing import Signature, read_digests, read_header, require_fresh

GENERATED_AT = "generated-at"
SIGNATURE = "x-api-key"
#: Each webhook is sent once, and the time is that of its making: one that waited at Suki must not be lost. Whoever
#: repeats an old one only brings about that Suki is asked.
WINDOW = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_signature(headers: Mapping[str, str], now: datetime) -> Signature:
    """The signature that the two headers offer; what is signed is the time as it came. Raises Rejected."""
    generated_at, digest = read_header(headers, GENERATED_AT), read_header(headers, SIGNATURE)
    made_at, offered = _read_time(generated_at), read_digests(digest)
    require_fresh(made_at, now, WINDOW)
    return Signature(f"{generated_at}:".encode("ascii"), offered)


def event_id(headers: Mapping[str, str], body: bytes) -> str:
    """When it was made, and a digest of what it says."""
    return f"{headers.get(GENERATED_AT, '')[:20]}:{hashlib.sha256(body).hexdigest()}"


def _read_time(text: str) -> datetime:
    """Unix milliseconds."""
    if not re.fullmatch(r"[0-9]{1,14}", text):
        raise Rejected("signature_malformed")
    return EPOCH + timedelta(milliseconds=int(text))
