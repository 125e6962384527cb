"""Ids are UUIDv7: they begin with the milliseconds of their making, so that rows in their order are in that of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
LAST = 2**48 - 1


def first_id(moment: datetime, *, seconds: float = 0) -> UUID:
    """The smallest id that a row of this moment can have, or of so many seconds later."""
    passed = (moment - EPOCH) // MILLISECOND + int(seconds * 1000)
    return UUID(int=min(max(passed, 0), LAST) << 80)


def moment_of(pk: UUID) -> datetime:
    """When it was made, to the millisecond, in UTC."""
    return EPOCH + (pk.int >> 80) * MILLISECOND
