"""Signed webhooks: an HMAC-SHA256 over something from the headers and the raw body, sent a short time ago."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from vendors.base import Rejected

WINDOW = timedelta(seconds=60)
MOST_DIGESTS = 8

_DIGEST = "[0-9A-Fa-f]{64}"
_DIGESTS = re.compile(rf"{_DIGEST}(?:[ \t]*,[ \t]*{_DIGEST}){{0,{MOST_DIGESTS - 1}}}")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a sender offers: the bytes that it signed before the body, and digests of 32 bytes, one for each key."""

    prefix: bytes = field(repr=False)
    digests: tuple[bytes, ...] = field(repr=False)

    def verify(self, body: bytes, secrets: Sequence[str]) -> None:
        """Returns when a secret and a digest belong together. Raises Rejected, also when there are no secrets.

        Takes one hash of the body for each secret, and as long for a first secret as for the last.
        """
        proven = False
        for secret in filter(None, secrets):  # anybody can sign with an empty one
            made = hmac.new(secret.encode("utf-8", "surrogatepass"), self.prefix, hashlib.sha256)
            made.update(body)
            ours = made.digest()
            for digest in self.digests:
                proven |= hmac.compare_digest(ours, digest)
        if not proven:
            raise Rejected("signature_wrong")


def read_header(headers: Mapping[str, str], name: str) -> str:
    """A header that must be there, and not be empty. Raises Rejected."""
    if value := headers.get(name):
        return value
    raise Rejected("signature_missing")


def read_digests(text: str) -> tuple[bytes, ...]:
    """One to 8 digests in hex, upper or lower case, between commas. Raises Rejected."""
    if not _DIGESTS.fullmatch(text):
        raise Rejected("signature_malformed")
    return tuple(bytes.fromhex(digest) for digest in text.split(","))


def require_fresh(signed_at: datetime, now: datetime, window: timedelta = WINDOW) -> None:
    """Raises Rejected when the two are further apart, whichever comes first."""
    if abs(now - signed_at) > window:
        raise Rejected("signature_stale")
