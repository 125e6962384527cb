"""Vendors' short-lived tokens, in Redis for all processes, encrypted under CREDENTIAL_KEYS.

Without Redis there is none to be found: each job then signs in for itself.
"""

from __future__ import annotations

import logging
from functools import lru_cache

from cryptography.fernet import InvalidToken
from django.conf import settings
from redis import Redis, RedisError

from config import secrets

log = logging.getLogger(__name__)

PREFIX = "listenpost:token:"
# As it was read: what was put there since is another's.
DROP = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class SharedTokens:
    """The `Tokens` of vendors.base."""

    def get(self, key: str) -> str | None:
        try:
            kept = _redis().get(PREFIX + key)
            return _opened(kept) if isinstance(kept, bytes) else None
        except (RedisError, InvalidToken) as error:
            log.warning("no token could be read: %s", type(error).__name__)
            return None

    def put(self, key: str, token: str, seconds: float) -> None:
        try:
            _redis().set(PREFIX + key, secrets.encrypt({"token": token}), px=max(1, int(seconds * 1000)))
        except RedisError as error:
            log.warning("a token could not be kept: %s", type(error).__name__)

    def drop(self, key: str, token: str) -> None:
        try:
            kept = _redis().get(PREFIX + key)
            if isinstance(kept, bytes) and _opened(kept) == token:
                _redis().eval(DROP, 1, PREFIX + key, kept)
        except (RedisError, InvalidToken) as error:
            log.warning("a token could not be dropped: %s", type(error).__name__)


def _opened(kept: bytes) -> str:
    """Raises InvalidToken."""
    return str(secrets.decrypt(kept)["token"])


@lru_cache(maxsize=1)
def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
