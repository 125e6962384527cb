"""The tickets of callbacks' and files' addresses: config/tickets.py."""

from __future__ import annotations

import struct
import time
from uuid import UUID

from config import tickets


def for_callback(submission_id: UUID) -> str:
    """The last part of a `callback_url`: valid for as long as the submission is kept."""
    return tickets.issue(b"callback", submission_id.bytes)


def read_callback(ticket: str) -> UUID | None:
    """The submission a callback's address was made for; None when we did not make it."""
    payload = tickets.read(b"callback", ticket, 16)
    return UUID(bytes=payload) if payload else None


def for_file(audio_id: UUID, *, seconds: int) -> str:
    """The last part of a `file_url`: opens that one file for so long."""
    return tickets.issue(b"file", audio_id.bytes + struct.pack(">Q", int(time.time()) + seconds))


def read_file(ticket: str) -> UUID | None:
    """The audio a file's address was made for; None when we did not make it, or its time is over."""
    payload = tickets.read(b"file", ticket, 24)
    if payload is None or struct.unpack(">Q", payload[16:])[0] < time.time():
        return None
    return UUID(bytes=payload[:16])
