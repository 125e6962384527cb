"""Vendors' credentials at rest: JSON under Fernet, several keys at once so that they can be rotated."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

__all__ = ["InvalidToken", "decrypt", "encrypt", "is_newest", "rotate"]


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


def encrypt(credentials: dict[str, Any]) -> bytes:
    """Under the first of CREDENTIAL_KEYS."""
    return _fernet().encrypt(json.dumps(credentials).encode())


def decrypt(token: bytes) -> dict[str, Any]:
    """Under whichever of CREDENTIAL_KEYS it was written. Raises InvalidToken."""
    credentials: dict[str, Any] = json.loads(_fernet().decrypt(token))
    return credentials


def is_newest(token: bytes) -> bool:
    """Whether it was written under the first of CREDENTIAL_KEYS."""
    try:
        Fernet(settings.CREDENTIAL_KEYS[0]).decrypt(token)
    except InvalidToken:
        return False
    return True


def rotate(token: bytes) -> bytes:
    """The same under the first of CREDENTIAL_KEYS. Raises InvalidToken."""
    return _fernet().rotate(token)
