"""The Celery application: `celery -A config.celery worker|beat`."""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_failure, worker_ready

from config import memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

log = logging.getLogger(__name__)
app = Celery("listenpost")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery would install its own handlers; Django's LOGGING stands already."""


@task_failure.connect
def log_failure(sender: Any, exception: BaseException, **_: Any) -> None:
    """In place of Celery's own line, which repeats the exception's text."""
    log.error("task %s failed", sender.name, exc_info=exception)


@worker_ready.connect
def settle_memory(**_: Any) -> None:
    memory.settle()
