"""Proof that we made something: HMAC-SHA256 under TICKET_KEYS. The newest key signs, each one is accepted."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

#: A shorter proof could be guessed.
SHORTEST = 12


def newest() -> int:
    """The version that signs."""
    return max(settings.TICKET_KEYS)


def mac(version: int, purpose: bytes, message: bytes) -> bytes:
    """32 bytes. What is signed for one purpose proves nothing for another."""
    key: str = settings.TICKET_KEYS[version]
    return hmac.new(key.encode(), purpose + b"\0" + bytes([version]) + message, hashlib.sha256).digest()


def is_ours(version: int, purpose: bytes, message: bytes, proof: bytes) -> bool:
    """Whether `proof` is the mac or its first bytes, under a key we still hold."""
    if version not in settings.TICKET_KEYS or len(proof) < SHORTEST:
        return False
    return hmac.compare_digest(proof, mac(version, purpose, message)[: len(proof)])
