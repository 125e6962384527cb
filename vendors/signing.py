"""How webhooks prove themselves: an HMAC-SHA256 over something from the headers and the raw body, sent a short time
ago; or a secret of the account that stands in their address as it is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from vendors.base import Rejected

WINDOW = timedelta(seconds=60)
MOST_DIGESTS = 8
LONGEST_TOKEN = 500
MOST_PARAMETERS = 20

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


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A secret as its sender offers it. It says who sends, and nothing of what is sent."""

    offered: str = field(repr=False)

    def verify(self, body: bytes, secrets: Sequence[str]) -> None:
        """Returns when it is one of the secrets. Raises Rejected, also when there are no secrets.

        Takes as long for a first secret as for the last, and for one character that is wrong as for all.
        """
        offered, proven = _hashed(self.offered), False
        for secret in filter(None, secrets):
            proven |= hmac.compare_digest(offered, _hashed(secret))
        if not proven:
            raise Rejected("access_token_wrong")


def read_access_token(query: str) -> AccessToken:
    """The one `access_token` of a query, at most 500 characters, percent-encoded as forms are. Raises Rejected."""
    try:
        parameters = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:  # more of them than anybody would send
        parameters = []
    offered = [value for name, value in parameters if name == "access_token"]
    if len(offered) != 1 or not 0 < len(offered[0]) <= LONGEST_TOKEN:
        raise Rejected("access_token_missing")
    return AccessToken(offered[0])


def _hashed(secret: str) -> bytes:
    """Of one length, whatever it is made of."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
