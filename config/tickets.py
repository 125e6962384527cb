"""Tickets: addresses that prove themselves. Checked by arithmetic alone, so that a forged one costs no query.

A ticket is base64url of one byte of key version, a payload of a fixed size, and an HMAC-SHA256 over the purpose and all
of that. TICKET_KEYS may hold several keys: the newest signs, each one is accepted.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from config import macs

MAC_BYTES = 32


def issue(purpose: bytes, payload: bytes) -> str:
    version = macs.newest()
    ticket = bytes([version]) + payload + macs.mac(version, purpose, payload)
    return urlsafe_b64encode(ticket).rstrip(b"=").decode()


def read(purpose: bytes, ticket: str, size: int) -> bytes | None:
    """The payload, of `size` bytes; None when we did not issue the ticket for this purpose."""
    try:
        raw = urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
    except ValueError:
        return None
    # base64 has several spellings of the same bytes; only the one we issue is a ticket.
    if len(raw) != 1 + size + MAC_BYTES or urlsafe_b64encode(raw).rstrip(b"=").decode() != ticket:
        return None
    version, payload, proof = raw[0], raw[1 : 1 + size], raw[1 + size :]
    return payload if macs.is_ours(version, purpose, payload, proof) else None
