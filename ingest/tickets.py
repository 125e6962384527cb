"""Tickets: addresses that prove themselves. Checked by arithmetic alone, so that a forged one costs no query.

A ticket is base64url of one byte of key version, the row's id, for files the time it ends, and an HMAC-SHA256 over the
purpose and all of that. TICKET_KEYS may hold several keys: the newest signs, each one is accepted.
"""

from __future__ import annotations

import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from config import macs

MAC_BYTES = 32


def _issue(purpose: bytes, payload: bytes) -> str:
    version = macs.newest()
    ticket = bytes([version]) + payload + macs.mac(version, purpose, payload)
    return urlsafe_b64encode(ticket).rstrip(b"=").decode()


def _payload(ticket: str, purpose: bytes, size: int) -> bytes | None:
    try:
        raw = urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
    except ValueError:
        return None
    # base64 has several spellings of the same bytes; only the one we issue is a ticket.
    if len(raw) != 1 + size + MAC_BYTES or urlsafe_b64encode(raw).rstrip(b"=").decode() != ticket:
        return None
    version, payload, proof = raw[0], raw[1 : 1 + size], raw[1 + size :]
    return payload if macs.is_ours(version, purpose, payload, proof) else None


def for_callback(submission_id: UUID) -> str:
    """The last part of a `callback_url`: valid for as long as the submission is kept."""
    return _issue(b"callback", submission_id.bytes)


def read_callback(ticket: str) -> UUID | None:
    """The submission a callback's address was made for; None when we did not make it."""
    payload = _payload(ticket, b"callback", 16)
    return UUID(bytes=payload) if payload else None


def for_file(audio_id: UUID, *, seconds: int) -> str:
    """The last part of a `file_url`: opens that one file for so long."""
    return _issue(b"file", audio_id.bytes + struct.pack(">Q", int(time.time()) + seconds))


def read_file(ticket: str) -> UUID | None:
    """The audio a file's address was made for; None when we did not make it, or its time is over."""
    payload = _payload(ticket, b"file", 24)
    if payload is None or struct.unpack(">Q", payload[16:])[0] < time.time():
        return None
    return UUID(bytes=payload[:16])
