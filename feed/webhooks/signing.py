"""The secrets of an endpoint, and what is signed with them. Source: Standard Webhooks 1.0, www.standardwebhooks.com."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook

from config import secrets

RANDOM_BYTES = 32
#: Each costs a header's line some bytes, and every receiver some time.
MOST_LIVE = 4
#: That an old one goes on beside a new one.
USUAL_HOURS, LONGEST_HOURS = 24, 90 * 24


class TooMany(Exception):
    """None of those that are live may end before its time, and there would be too many."""


@dataclass(frozen=True, slots=True)
class Secret:
    """`key`: as the subscriber has it, whsec_... `until`: when it ends, if it does."""

    key: str = field(repr=False)
    until: datetime | None = None

    def is_live(self, at: datetime) -> bool:
        return self.until is None or self.until > at


def make() -> Secret:
    return Secret(f"whsec_{b64encode(token_bytes(RANDOM_BYTES)).decode()}")


def write(kept: list[Secret]) -> bytes:
    """Encrypted, the newest first."""
    return secrets.encrypt({"secrets": [asdict(one) | {"until": _written(one.until)} for one in kept]})


def read(token: bytes) -> list[Secret]:
    """Raises secrets.InvalidToken."""
    return [Secret(one["key"], _read(one["until"])) for one in secrets.decrypt(token)["secrets"]]


def replace(token: bytes, *, overlap: timedelta, now: datetime) -> tuple[bytes, Secret]:
    """With a new one, beside which the others go on for `overlap`, or to their end if that is sooner. Raises TooMany.

    Where none of CREDENTIAL_KEYS decrypts them any more, the new one is alone.
    """
    fresh, end = make(), now + overlap
    try:
        old = [Secret(one.key, min(one.until or end, end)) for one in read(token)]
    except secrets.InvalidToken:
        old = []
    live = [fresh, *(one for one in old if one.is_live(now))]
    if len(live) > MOST_LIVE:
        raise TooMany
    return write(live), fresh


def headers(event_id: UUID, body: bytes, kept: list[Secret], now: datetime) -> Mapping[str, str]:
    """What proves who sends the body, and when: a signature by each secret that is live."""
    live = [Webhook(one.key) for one in kept if one.is_live(now)]
    signatures = [one.sign(str(event_id), now, body.decode()) for one in live]
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _written(until: datetime | None) -> str | None:
    return until.isoformat() if until else None


def _read(until: Any) -> datetime | None:
    return datetime.fromisoformat(until) if until else None
