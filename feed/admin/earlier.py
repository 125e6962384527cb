"""Events that happened before, and that a webhook is sent again or has missed."""

from __future__ import annotations

from datetime import datetime

from feed.models import Endpoint
from feed.webhooks.replays import Number


def missed_since(endpoint: Endpoint) -> datetime | None:
    """Since when one that is off may have missed what happened."""
    return (endpoint.failing_since or endpoint.off_at) if endpoint.state == Endpoint.State.OFF else None


def how_many(number: Number) -> str:
    """In words; empty for none."""
    if number.is_all:
        return f"{number.found:,} event{'' if number.found == 1 else 's'}" if number.found else ""
    return f"at least {number.found:,} events" if number.found else "an unknown number of events"
