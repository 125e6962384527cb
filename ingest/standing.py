"""How things stand, for whoever watches from outside: what waits and how long, what came last, which queues are served.

Every query reads a bounded number of rows by an index, and an answer holds numbers and ids alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import database
from vendors import VENDORS

log = logging.getLogger(__name__)

#: Whatever is counted is counted so far.
MOST = 10_000
ANSWER_MILLISECONDS = 2000
BROKER_SECONDS = 0.2
QUEUES: list[str] = [queue.name for queue in settings.CELERY_TASK_QUEUES]
#: States in which a callback rests until a person looks at it.
RESTING = ["conflict", "mismatch", "orphan", "junk", "failed"]

# What is announced while the audio is still sent is fetched after that, and not late until then.
# A callback that nobody has tried yet waits since it was due: one that is processed again came long before.
# A webhook's deliveries wait for a worker only while it is on, rests from no failure and no worker is at it.
BACKLOGS = {
    "unprocessed_callback": """
        SELECT c.id, CASE WHEN c.attempts = 0 THEN c.next_attempt_at ELSE greatest(c.received_at, r.created_at) END
        FROM ingest_callback c LEFT JOIN ingest_replay r ON r.id = c.replay_id
        WHERE c.next_attempt_at IS NOT NULL ORDER BY c.next_attempt_at""",
    "due_submission": """
        SELECT id, next_attempt_at FROM ingest_submission WHERE next_attempt_at <= now() ORDER BY next_attempt_at""",
    "unsent_request": """
        SELECT request_id, created_at FROM ingest_submission
        WHERE next_attempt_at IS NOT NULL AND NOT (state = 'submitting' AND sent_ms > 0 AND lease_until > now())
        ORDER BY next_attempt_at""",
    "overdue_request": """
        SELECT id, waiting_since + make_interval(secs => %(overdue)s) FROM ingest_asyncrequest
        WHERE state = 'waiting' AND waiting_since < now() - make_interval(secs => %(overdue)s)
        ORDER BY waiting_since""",
    "unfetched_notice": """
        SELECT i.callback_id, i.created_at FROM ingest_inquiry i JOIN ingest_submission s ON s.id = i.submission_id
        WHERE i.next_attempt_at IS NOT NULL AND i.callback_id IS NOT NULL AND s.state NOT IN ('queued', 'submitting')
        ORDER BY i.next_attempt_at""",
    "recording_at_risk": """
        SELECT id, available_until - interval '1 day' FROM recordings_recording
        WHERE state IN ('pending', 'available') AND available_until < now() + interval '1 day'
        ORDER BY available_until""",
    "lost_recording": """
        SELECT id, lost_at FROM recordings_recording
        WHERE state = 'lost' AND lost_at > now() - interval '7 days' ORDER BY lost_at""",
    "unplaced_event": """
        SELECT id, created_at FROM feed_event WHERE position IS NULL ORDER BY clinic_id, id""",
    "due_delivery": """
        SELECT d.id, greatest(d.next_attempt_at, e.rests_until, e.lease_until, e.updated_at)
        FROM feed_endpoint e CROSS JOIN LATERAL (
            SELECT id, next_attempt_at FROM feed_delivery
            WHERE endpoint_id = e.id AND next_attempt_at <= now() ORDER BY next_attempt_at LIMIT %(most)s) AS d
        WHERE e.state = 'on' AND greatest(e.rests_until, e.lease_until, e.updated_at) <= now()""",
    "failing_webhook": """
        SELECT id, failing_since FROM feed_endpoint WHERE state = 'on' AND failing_since IS NOT NULL""",
    "disabled_webhook": """
        SELECT id, off_at FROM feed_endpoint WHERE state = 'off' AND off_reason <> 'by_hand'""",
}
OLDEST = """
SELECT count(*) OVER (), greatest(0, extract(epoch FROM now() - since))::float8, id
FROM ({rows} LIMIT %(most)s) AS waiting (id, since) ORDER BY since LIMIT 1
"""
# Ranges of one value, in an index's order: for an equality that no row meets the planner may walk all of another one.
COUNT_RESTING = """
SELECT state, (SELECT count(*) FROM (
    SELECT FROM access_clinic o CROSS JOIN LATERAL (
        SELECT FROM ingest_callback c
        WHERE c.clinic_id = o.id AND c.state BETWEEN s.state AND s.state ORDER BY c.state LIMIT %(most)s) AS one
    UNION ALL (SELECT FROM ingest_callback c
        WHERE c.clinic_id IS NULL AND c.state BETWEEN s.state AND s.state ORDER BY c.state LIMIT %(most)s)
    LIMIT %(most)s) AS found) FROM unnest(%(states)s::text[]) AS s (state)
"""
LAST_RECEIVED = """
SELECT vendor, received_at FROM unnest(%(vendors)s::text[]) AS v (name) CROSS JOIN LATERAL (
    SELECT vendor, received_at FROM ingest_callback
    WHERE vendor BETWEEN v.name AND v.name ORDER BY vendor, id DESC LIMIT 1) AS last
"""
HEARTBEATS = "SELECT queue, now(), consumed_at FROM ingest_heartbeat WHERE queue = ANY(%(queues)s)"

HELP = {
    "unprocessed_callback": "callbacks that have come and are not processed",
    "due_submission": "submissions that a worker should be sending now",
    "unsent_request": "requests that the vendor does not have yet",
    "overdue_request": "requests whose answer is overdue; the age counts from then",
    "unfetched_notice": "notices whose answer is not fetched yet",
    "recording_at_risk": "recordings that their vendors delete within a day and that are not copied",
    "lost_recording": "recordings that were lost within a week",
    "unplaced_event": "events that have no place in the change feed yet",
    "due_delivery": "deliveries that a worker should be sending to webhooks now",
    "failing_webhook": "outgoing webhooks that are on and take nothing; the age counts from the first failure",
    "disabled_webhook": "outgoing webhooks that were switched off by themselves: gone, or failing for too long",
}


@dataclass(frozen=True, slots=True)
class Backlog:
    """`count`: up to MOST. `seconds`: how long the oldest has waited. `oldest`: its id, None where nothing waits."""

    count: int = 0
    seconds: float = 0.0
    oldest: UUID | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """`backlogs` by the names of BACKLOGS, `resting` by state, `last_received` by vendor; the rest by queue."""

    backlogs: dict[str, Backlog]
    resting: dict[str, int]
    last_received: dict[str, datetime]
    heartbeats: dict[str, datetime]
    silent_seconds: dict[str, float]


def read(connection: psycopg.Connection[Any]) -> Standing:
    """Raises psycopg.Error."""
    given: dict[str, Any] = {"most": MOST, "overdue": settings.CALLBACK_OVERDUE_SECONDS, "states": RESTING}
    given |= {"vendors": list(VENDORS), "queues": QUEUES}

    def rows(query: str) -> list[Any]:
        return connection.execute(query.encode(), given).fetchall()

    oldest = {name: rows(OLDEST.format(rows=waiting)) for name, waiting in BACKLOGS.items()}
    heartbeats = rows(HEARTBEATS)
    return Standing(
        backlogs={name: Backlog(*found[0]) if found else Backlog() for name, found in oldest.items()},
        resting=dict(rows(COUNT_RESTING)),
        last_received=dict(rows(LAST_RECEIVED)),
        heartbeats={queue: at for queue, _, at in heartbeats},
        silent_seconds={queue: (now - at).total_seconds() for queue, now, at in heartbeats},
    )


def read_now() -> Standing:
    """On a connection of its own. Raises psycopg.Error, within seconds."""
    with database.impatient(ANSWER_MILLISECONDS) as connection:
        return read(connection)


def queue_lengths() -> dict[str, int]:
    """How many messages wait in each queue. Raises RedisError."""
    patience: dict[str, Any] = {"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS}
    with Redis.from_url(settings.CELERY_BROKER_URL, **patience, retry=Retry(NoBackoff(), 0)) as client:
        pipeline = client.pipeline(transaction=False)
        for queue in QUEUES:
            pipeline.llen(queue)
        return dict(zip(QUEUES, pipeline.execute(), strict=True))


class StandingCollector(Collector):
    """How things stand, as Prometheus takes it; asked anew for every exposition."""

    def collect(self) -> Iterator[Metric]:
        try:
            standing = read_now()
        except psycopg.Error as error:
            log.warning("how things stand could not be read: %s", type(error).__name__)
            standing = None
        yield _gauge("database_up", "Whether PostgreSQL answers in time.", standing is not None)
        if standing:
            yield from _of_database(standing)
        try:
            lengths = queue_lengths()
        except RedisError:
            lengths = {}
        yield _gauge("broker_up", "Whether Redis answers in time.", bool(lengths))
        yield _labelled("queue_length", "Messages that wait in a queue.", "queue", lengths)


def _of_database(standing: Standing) -> Iterator[Metric]:
    for name, backlog in standing.backlogs.items():
        yield _gauge(_plural(name), f"Number, up to {MOST}, of {HELP[name]}.", backlog.count)
        yield _gauge(f"oldest_{name}_age_seconds", f"Age, 0 for none, of the oldest of {HELP[name]}.", backlog.seconds)
    help_text = f"Callbacks, up to {MOST}, that wait for a person to look at them."
    yield _labelled("resting_callbacks", help_text, "state", standing.resting)
    for name, help_text, label, times in (
        ("last_callback", "When a vendor's last callback came.", "vendor", standing.last_received),
        ("queue_heartbeat", "When a worker last took a heartbeat from a queue.", "queue", standing.heartbeats),
    ):
        yield _labelled(
            f"{name}_timestamp_seconds", help_text, label, {key: at.timestamp() for key, at in times.items()}
        )


def _plural(name: str) -> str:
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"listenpost_{name}", help_text, value)


def _labelled(name: str, help_text: str, label: str, values: dict[str, Any]) -> Metric:
    family = GaugeMetricFamily(f"listenpost_{name}", help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
