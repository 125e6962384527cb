"""Signs of life: what beat sends to every queue, and what is written when a worker takes one."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from redis import Redis

from config.installation import ROOT
from ingest import heartbeats
from ingest.models import Heartbeat
from ingest.tasks import heartbeat

QUEUES = ["submissions", "streams", "callbacks", "sweeps", "recordings", "feed", "chores"]
#: What beat does with each entry when its time has come.
BEAT = """
from celery.beat import Scheduler
from config.celery import app
scheduler = Scheduler(app)
for entry in scheduler.schedule.values():
    if entry.task == "ingest.heartbeat":
        scheduler.apply_async(entry, advance=False)
"""


@pytest.fixture
def nobodys_redis() -> Iterator[Redis]:
    """A database of Redis that no worker reads."""
    with Redis.from_url(f"{settings.REDIS_URL.rpartition('/')[0]}/11") as client:
        client.flushdb()
        yield client
        client.flushdb()


def test_beat_sends_every_queue_a_heartbeat_of_its_own_that_expires(nobodys_redis: Redis) -> None:
    env = os.environ | {"REDIS_URL": f"{settings.REDIS_URL.rpartition('/')[0]}/11"}
    subprocess.run([sys.executable, "-c", BEAT], cwd=ROOT, env=env, check=True, timeout=60)
    for queue in QUEUES:
        message = only_message(nobodys_redis, queue)
        arguments, _, _ = json.loads(base64.b64decode(message["body"]))
        assert (message["headers"]["task"], arguments) == ("ingest.heartbeat", [queue])
        expires = datetime.fromisoformat(message["headers"]["expires"])
        assert timedelta(0) < expires - timezone.now() <= timedelta(seconds=settings.ALERT_HEARTBEAT_SECONDS / 2)


def only_message(client: Redis, queue: str) -> Any:
    messages: Any = client.lrange(queue, 0, -1)
    assert len(messages) == 1, queue
    return json.loads(messages[0])


@pytest.mark.django_db
def test_a_heartbeat_that_is_taken_is_written_in_one_statement(django_assert_num_queries: Any) -> None:
    Heartbeat.objects.create(queue="sweeps", consumed_at=timezone.now() - timedelta(hours=1))
    for queue in ("sweeps", "chores"):
        with django_assert_num_queries(1):
            heartbeats.consumed(queue)
    with connection.cursor() as cursor:
        cursor.execute("SELECT queue FROM ingest_heartbeat WHERE consumed_at = now() ORDER BY queue")
        assert cursor.fetchall() == [("chores",), ("sweeps",)]


@pytest.mark.django_db
def test_the_task_writes_it_for_the_queue_that_it_is_told() -> None:
    heartbeat("callbacks")
    assert list(Heartbeat.objects.values_list("queue", flat=True)) == ["callbacks"]
