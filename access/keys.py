"""API keys: `lp_<prefix>_<secret>`. The prefix names the row, the secret is shown once and kept as its SHA-256.

The secret holds 32 random bytes and a proof that we made the key (config.macs), so that a made-up one costs no query.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from access import log
from access.log import Actor
from access.models import AccessEntry, ApiKey, Clinic
from config import macs

TOKEN = re.compile(r"lp_([0-9a-f]{12})_([A-Za-z0-9_-]{60})")
PURPOSE = b"api-key"
RANDOM_BYTES, PROOF_BYTES = 32, 12
LONGEST_OVERLAP = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Presented:
    """A key as somebody sent it, proven to be one of ours: `prefix` names the row, `digest` is what it must hold."""

    prefix: str
    digest: bytes = field(repr=False)


def read(token: str) -> Presented | None:
    """Asks nobody. None for what we did not make."""
    match = TOKEN.fullmatch(token)
    if not match:
        return None
    prefix, secret = match[1], match[2]
    raw = urlsafe_b64decode(secret)
    message, proof = prefix.encode() + raw[1:-PROOF_BYTES], raw[-PROOF_BYTES:]
    return Presented(prefix, _digest(secret)) if macs.is_ours(raw[0], PURPOSE, message, proof) else None


def matches(presented: Presented, key: ApiKey) -> bool:
    return hmac.compare_digest(bytes(key.digest), presented.digest)


def create(
    clinic: Clinic, *, name: str, scopes: Sequence[str], by: Actor, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key and its token, which cannot be had again."""
    prefix, version, chance = secrets.token_hex(6), macs.newest(), secrets.token_bytes(RANDOM_BYTES)
    proof = macs.mac(version, PURPOSE, prefix.encode() + chance)[:PROOF_BYTES]
    secret = urlsafe_b64encode(bytes([version]) + chance + proof).decode()
    facts = {"clinic": clinic, "name": name, "scopes": list(dict.fromkeys(scopes)), "expires_at": expires_at}
    with transaction.atomic():
        key: ApiKey = ApiKey.objects.create(**facts, prefix=prefix, digest=_digest(secret))
        log.record(by, AccessEntry.Action.GRANTED, [key], mode="created")
    return key, f"lp_{prefix}_{secret}"


def rotate(key: ApiKey, *, by: Actor, overlap: timedelta) -> tuple[ApiKey, str]:
    """A new key in place of this one, and its token. The old one goes on for `overlap`, so that nobody is cut off.

    The new one lasts as long as the old one was made to. Raises NotLive.
    """
    now = timezone.now()
    with transaction.atomic():
        old: ApiKey = ApiKey.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=key.pk)
        if not old.is_live(now):
            raise NotLive
        lasts = old.expires_at and now + (old.expires_at - old.created_at)
        fresh, token = create(old.clinic, name=old.name, scopes=old.scopes, by=by, expires_at=lasts)
        ApiKey.objects.filter(pk=old.pk).update(retires_at=now + min(overlap, LONGEST_OVERLAP))
        log.record(by, AccessEntry.Action.GRANTED, [old], mode="rotated")
    return fresh, token


class NotLive(Exception):
    """The key is revoked or has expired: there is nothing to rotate."""

    def __str__(self) -> str:
        return "It is no longer in use. Make a new key."


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
