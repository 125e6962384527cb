"""API keys: `lp_<prefix>_<secret>`. The prefix names the row, the secret is shown once and kept as its SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from access.models import ApiKey, Clinic

TOKEN = re.compile(r"lp_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
SEEN_EVERY = timedelta(minutes=1)


def create(
    clinic: Clinic, *, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key and its token, which cannot be had again."""
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key: ApiKey = ApiKey.objects.create(
        clinic=clinic, name=name, prefix=prefix, digest=_digest(secret), scopes=list(scopes), expires_at=expires_at
    )
    return key, f"lp_{prefix}_{secret}"


def find(token: str) -> ApiKey | None:
    """The live key of a token, its clinic with it; None for one that is unknown, wrong, revoked or expired."""
    match = TOKEN.fullmatch(token)
    if not match:
        return None
    key: ApiKey | None = ApiKey.objects.select_related("clinic").filter(prefix=match[1]).first()
    if key is None or not hmac.compare_digest(bytes(key.digest), _digest(match[2])):
        return None
    return key if key.is_live(timezone.now()) else None


def mark_used(key: ApiKey) -> None:
    """Sets `last_used_at`, at most once a minute."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > SEEN_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - SEEN_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
