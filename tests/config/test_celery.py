"""What Celery does around each task."""

import psycopg
import pytest
from celery.fixups.django import DjangoFixup
from celery.signals import task_prerun
from django.db import connection

from config.celery import app
from ingest.tasks import sweep

pytestmark = pytest.mark.django_db(transaction=True)


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_the_database_stays_connected_from_task_to_task() -> None:
    connection.close()  # one that has served other tests for a minute would be too old
    celerys = DjangoFixup(app).worker_fixup
    first = backend()
    celerys.on_task_postrun(sender=sweep)
    celerys.on_task_prerun(sender=sweep)
    task_prerun.send(sender=sweep)
    assert backend() == first


def test_a_connection_that_was_lost_between_two_tasks_is_made_anew() -> None:
    first = backend()
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    task_prerun.send(sender=sweep)
    assert backend() != first
