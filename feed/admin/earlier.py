"""Events that happened before, and that a webhook is sent again or has missed."""

from __future__ import annotations

from datetime import datetime

from access import desk
from feed.models import Endpoint
from feed.webhooks import replays

MOST_COUNTED = 10_000


def missed_since(endpoint: Endpoint) -> datetime | None:
    """Since when one that is off may have missed what happened."""
    return (endpoint.failing_since or endpoint.off_at) if endpoint.state == Endpoint.State.OFF else None


def missed(endpoint: Endpoint, since: datetime) -> str:
    return f"{desk.in_clinic_time(since, endpoint.clinic)} ({how_many(endpoint, since, None).lower() or 'nothing'})"


def how_many(endpoint: Endpoint, since: datetime, until: datetime | None) -> str:
    """So many events would be sent; empty for none."""
    number = replays.chosen(endpoint, since, until).order_by()[: MOST_COUNTED + 1].count()
    if number > MOST_COUNTED:
        return f"More than {MOST_COUNTED:,} events"
    return f"{number:,} event{'' if number == 1 else 's'}" if number else ""
