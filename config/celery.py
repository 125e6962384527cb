"""The Celery application: `celery -A config.celery worker|beat`."""

import logging
import os
import sys
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_failure, task_prerun, worker_ready
from django.db import close_old_connections

from config import memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

log = logging.getLogger(__name__)
app = Celery("listenpost")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Else it closes the database's connection after each task: a new one costs PostgreSQL more than a few callbacks do, and
# knows none of their statements' plans.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery would install its own handlers; Django's LOGGING stands already."""


@task_failure.connect
def log_failure(sender: Any, exception: BaseException, **_: Any) -> None:
    """In place of Celery's own line, which repeats the exception's text."""
    log.error("task %s failed", sender.name, exc_info=exception)


@task_prerun.connect
def leave_broken_connections(sender: Any, **_: Any) -> None:
    if not sender.request.is_eager:  # else it is the caller's connection
        close_old_connections()


@worker_ready.connect
def settle_memory(**_: Any) -> None:
    memory.settle()
