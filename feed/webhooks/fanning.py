"""Deliveries are made of events, for each of the clinic's webhooks that wants them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from feed.events import Kind

#: The endpoints are held against removal. Of a delivery's id, a UUIDv7, the time is ours and the rest chance.
INSERT = """
WITH wanting AS MATERIALIZED (
    SELECT id, types FROM feed_endpoint
    WHERE clinic_id = %(clinic)s AND state = 'on' AND (%(only)s::uuid IS NULL OR id = %(only)s) FOR KEY SHARE)
INSERT INTO feed_delivery (
    id, created_at, clinic_id, endpoint_id, event_id, kind, state, attempts, next_attempt_at, last_error)
SELECT overlay(gen_random_uuid()::text PLACING left(%(seed)s, 18) FROM 1)::uuid,
    %(now)s, %(clinic)s, wanting.id, event.id, event.kind, 'pending', 0, %(now)s, ''
FROM unnest(%(ids)s::uuid[], %(kinds)s::text[]) AS event (id, kind)
JOIN wanting ON wanting.types = '{}' OR event.kind = ANY (wanting.types)
ON CONFLICT (endpoint_id, event_id)
"""
ONCE = "DO NOTHING"
#: What waits for a time to come waits no longer.
AGAIN = """DO UPDATE SET state = 'pending', attempts = 0, next_attempt_at = %(now)s, delivered_at = NULL
WHERE feed_delivery.next_attempt_at IS NULL OR feed_delivery.next_attempt_at > %(now)s"""


def make(clinic_id: UUID, events: Iterable[tuple[UUID, str]], *, again: bool = False, only: UUID | None = None) -> int:
    """Makes a delivery of each event for each endpoint that is on and wants it. Says how many are due by that.

    `events`: ids and kinds. `again`: also what was delivered before. `only`: for this endpoint.
    """
    wanted = [(event_id, kind) for event_id, kind in events if kind != Kind.WEBHOOK_TEST]
    ids, kinds = [event_id for event_id, _ in wanted], [kind for _, kind in wanted]
    facts = {"clinic": clinic_id, "only": only, "ids": ids, "kinds": kinds, "seed": str(uuid7()), "now": timezone.now()}
    with connection.cursor() as cursor:
        cursor.execute(INSERT + (AGAIN if again else ONCE), facts)
        return int(cursor.rowcount)
