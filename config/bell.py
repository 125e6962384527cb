"""The bell: tells the workers that work waits in the rows. Lost bells cost one sweep, so none is worth waiting for."""

from __future__ import annotations

import logging
import threading
import time
from functools import cached_property
from typing import Any

from django.conf import settings
from redis import Redis

from config.celery import app

log = logging.getLogger(__name__)

MOST_WAITING = 1000
#: Between two rounds: under a burst of callbacks, ten messages a second say as much as thousands.
PAUSE_SECONDS = 0.1
#: So many messages in a queue, and one that says no more than "look" is not needed: whoever takes the first finds what
#: came meanwhile. Without workers they would gather for as long as callbacks come.
ENOUGH = 4
QUEUES = {task: route["queue"] for task, route in settings.CELERY_TASK_ROUTES.items()}


class Bell:
    """Publishes from a thread of its own: whoever rings never waits, not even for a broker that hangs.

    Rings that wait for the same thing are one: however many callbacks came meanwhile, one message calls for them.
    """

    def __init__(self) -> None:
        self.waiting: dict[tuple[str, ...], None] = {}
        self.changed = threading.Condition()
        self.ringer: threading.Thread | None = None
        self.stopping = False

    def ring(self, task: str, *arguments: str) -> None:
        """Calls a task, soon. Past MOST_WAITING the sweep has to find the rows."""
        with self.changed:
            if len(self.waiting) < MOST_WAITING:
                self.waiting[task, *arguments] = None
            if self.ringer is None:  # started here and not with the process, which may fork
                self.ringer = threading.Thread(target=self.run, name="bell", daemon=True)
                self.ringer.start()
            self.changed.notify()

    def stop(self, seconds: float = 2.0) -> None:
        """Rings what still waits, if the broker takes it in time."""
        with self.changed:
            ringer, self.ringer, self.stopping = self.ringer, None, True
            self.changed.notify()
        if ringer:
            ringer.join(seconds)

    @cached_property
    def broker(self) -> Redis:
        patience: dict[str, Any] = {"socket_timeout": 5, "socket_connect_timeout": 5}
        return Redis.from_url(settings.CELERY_BROKER_URL, **patience)

    def run(self) -> None:
        while True:
            with self.changed:
                while not self.waiting:
                    if self.stopping:
                        self.ringer = None  # for whoever rings after the end
                        return
                    self.changed.wait()
                rings, self.waiting = self.waiting, {}
            for task, *arguments in rings:
                self.publish(task, arguments)
            if not self.stopping:
                time.sleep(PAUSE_SECONDS)

    def publish(self, task: str, arguments: list[str]) -> None:
        try:
            if arguments or self.broker.llen(QUEUES[task]) < ENOUGH:
                app.send_task(task, args=arguments)
        except Exception as error:  # whatever the broker's trouble is, the sweep finds the rows
            log.warning("the bell did not ring: %s", type(error).__name__)


bell = Bell()
