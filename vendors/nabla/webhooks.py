"""Nabla's signed webhooks: what their headers prove with, and which event a body tells of.

Source: Nabla's pages on webhooks, versions from 2024-10-01 on: HMAC-SHA256 over the timestamp and the raw body.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from vendors.base import Rejected, Unreadable
from vendors.nabla.wire import LONGEST_ID, is_envelope
from vendors.reading import read_object
from vendors.signing import Signature, read_digests, read_header, require_fresh

TIMESTAMP = "x-nabla-webhook-timestamp"
SIGNATURE = "x-nabla-webhook-signature"
LONGEST_TIMESTAMP = 40


def read_signature(headers: Mapping[str, str], now: datetime) -> Signature:
    """The signature that the two headers offer; what is signed is the timestamp as it came. Raises Rejected."""
    timestamp, digests = read_header(headers, TIMESTAMP), read_header(headers, SIGNATURE)
    signed_at, offered = _read_timestamp(timestamp), read_digests(digests)
    require_fresh(signed_at, now)
    return Signature(timestamp.encode("ascii"), offered)


def event_id(body: bytes) -> str | None:
    """The `id` of an envelope, or a digest of an id that no key could hold; None for any other body.

    An id in another body than an envelope may be anything's, and two answers would pass for one.
    """
    try:
        answer = read_object(body)
    except Unreadable:
        return None
    name = answer.value("id") if is_envelope(answer) else None
    # Where bytes that are no UTF-8 stood, ids that differ look alike.
    if not isinstance(name, str) or not name or "\ufffd" in name:
        return None
    if len(name) <= LONGEST_ID and name.isascii() and name.isprintable():
        return name
    return f"id-sha256:{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _read_timestamp(text: str) -> datetime:
    """ISO 8601. Without an offset it is UTC: a server's clock, and any other reading of it would miss the window."""
    if len(text) > LONGEST_TIMESTAMP or not text.isascii():
        raise Rejected("signature_malformed")
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected("signature_malformed") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
