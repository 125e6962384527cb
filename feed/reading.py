"""The change feed as it is read: the events of one clinic after a place, in the order of their positions."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from config import cursors
from feed.models import Event, Feed
from feed.shown import in_json

LIST = "events"
#: So many events are looked at for one page where only some types are wanted: rare ones cost no more than others.
MOST_LOOKED_AT = 10_000


class Beyond(Exception):
    """The feed does not reach as far."""


class Page(NamedTuple):
    """`results`: as JSON. `reached`: the position up to which all is told; `end`: that of the feed's last event."""

    results: list[str]
    reached: int
    end: int

    @property
    def has_more(self) -> bool:
        return self.reached < self.end


def page(clinic_id: UUID, after: int, limit: int, kinds: Collection[str] = ()) -> Page:
    """At most `limit` events after a position, of these kinds or of all. Raises Beyond."""
    # First the end, then the events: whatever position is seen there, those up to it are seen here.
    end = Feed.objects.filter(pk=clinic_id).values_list("position", flat=True).first() or 0
    if after > end:
        raise Beyond
    if after == end:
        return Page([], end, end)
    until = min(end, after + MOST_LOOKED_AT)
    events = Event.objects.filter(clinic=clinic_id, position__gt=after, position__lte=until)
    if kinds:
        events = events.filter(kind__in=kinds)
    rows = list(events.order_by("position").values_list("position", in_json())[:limit])
    reached = rows[-1][0] if len(rows) == limit else until
    return Page([shown for _, shown in rows], reached, end)


def write_cursor(clinic_id: UUID, position: int) -> str:
    return cursors.write(LIST, clinic_id, position.to_bytes(8, "big"))


def read_cursor(clinic_id: UUID, text: str) -> int | None:
    """The position; None for what is no cursor of this clinic's feed."""
    payload = cursors.read(LIST, clinic_id, text, 8)
    return None if payload is None else int.from_bytes(payload, "big")
