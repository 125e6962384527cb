"""Signs of life: a queue is served when its heartbeat is consumed, not when a process exists."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """When a worker last took a heartbeat from a queue."""

    queue = models.CharField(primary_key=True, max_length=40)
    consumed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.queue
