"""Signs of life. Beat sends each queue a heartbeat; that somebody takes it shows that the queue is served."""

from __future__ import annotations

from django.db import connection

# By the database's clock, that those who ask how long ago it was use too.
CONSUMED = """
INSERT INTO ingest_heartbeat (queue, consumed_at) VALUES (%s, now())
ON CONFLICT (queue) DO UPDATE SET consumed_at = excluded.consumed_at
"""


def consumed(queue: str) -> None:
    """Somebody serves this queue, at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(CONSUMED, [queue])
