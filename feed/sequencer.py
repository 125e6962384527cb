"""Events get their positions in their clinic's feed, after the commits that made them.

The feed's row is locked until the positions are committed: whoever sees one sees all before it, and none is missing.
An event that is committed late gets a late position; those of one pass are in the order in which they were made.
"""

from __future__ import annotations

import logging
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from access.models import Clinic
from feed import tasks
from feed.models import Event, Feed
from feed.webhooks import fanning

log = logging.getLogger(__name__)

AT_ONCE = 5000
MOST_ROUNDS = 20
NUMBER = """
WITH next AS MATERIALIZED (
    SELECT id, row_number() OVER (ORDER BY id) AS place
    FROM (SELECT id FROM feed_event WHERE clinic_id = %(clinic)s AND position IS NULL
        ORDER BY id LIMIT %(most)s) AS new)
UPDATE feed_event AS event SET position = %(last)s + next.place FROM next WHERE event.id = next.id
RETURNING event.position, event.id, event.kind
"""


class Positioned(NamedTuple):
    """An event that has just got its position."""

    position: int
    event_id: UUID
    kind: str


def sequence() -> bool:
    """Gives every event of every clinic its position. True where so many came that some are left."""
    failed: set[UUID] = set()
    for _ in range(MOST_ROUNDS):
        clinics = waiting() - failed
        if not clinics:
            return False
        failed |= {clinic_id for clinic_id in clinics if not numbered(clinic_id)}
    return True


def waiting() -> set[UUID]:
    """The clinics with events that have no position."""
    unpositioned = Event.objects.filter(clinic=OuterRef("pk"), position=None)
    return set(Clinic.objects.filter(Exists(unpositioned)).values_list("pk", flat=True))


def numbered(clinic_id: UUID) -> bool:
    """Whether it went well: one clinic's trouble holds up no other's events."""
    try:
        number(clinic_id)
    except Exception:
        log.exception("the events of clinic %s were not numbered", clinic_id)
        return False
    return True


@transaction.atomic
def number(clinic_id: UUID) -> list[Positioned]:
    """The next events of one clinic, in the order of their new positions, and their deliveries."""
    last = held(clinic_id)
    # A statement of its own, begun once the row is held: it sees all that was numbered before.
    with connection.cursor() as cursor:
        cursor.execute(NUMBER, {"clinic": clinic_id, "most": AT_ONCE, "last": last})
        positioned = sorted(Positioned(*row) for row in cursor.fetchall())
    if positioned:
        Feed.objects.filter(pk=clinic_id).update(position=positioned[-1].position)
        if fanning.make(clinic_id, [(one.event_id, one.kind) for one in positioned]):
            transaction.on_commit(tasks.ring_deliver)
    return positioned


def held(clinic_id: UUID) -> int:
    """The feed's last position, its row held until the transaction ends."""
    Feed.objects.bulk_create([Feed(clinic_id=clinic_id)], ignore_conflicts=True)
    feed: Feed = Feed.objects.select_for_update(no_key=True).get(pk=clinic_id)
    return feed.position
