"""Cursors: where to go on in a list, as opaque text.

A checksum over the list, the clinic and the place finds mistakes: a cursor cut short, changed, or of another list or
clinic. There is no secret in it, as readers of the change feed keep theirs for years: what keeps clinics apart is that
every query is by clinic.
"""

from __future__ import annotations

import base64
import hashlib
from uuid import UUID

CHECKSUM_BYTES = 7


def write(list_name: str, clinic_id: UUID, payload: bytes) -> str:
    """The cursor that leads back to `payload` in this list of this clinic."""
    checksum = hashlib.blake2b(b"\0".join((list_name.encode(), clinic_id.bytes, payload)), digest_size=CHECKSUM_BYTES)
    return base64.urlsafe_b64encode(payload + checksum.digest()).decode().rstrip("=")


def read(list_name: str, clinic_id: UUID, text: str, size: int) -> bytes | None:
    """The payload of so many bytes; None for what is not, letter by letter, a cursor of this list of this clinic."""
    try:
        payload = base64.b64decode(text[:1000] + "==", altchars=b"-_")[:size]
    except ValueError:
        return None
    return payload if len(payload) == size and write(list_name, clinic_id, payload) == text else None
