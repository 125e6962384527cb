"""What other systems are told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from access.models import ClinicOwned


class Event(ClinicOwned):
    """Something that happened to a row, in ids and states only.

    `position` is its place in the change feed: null until a sequencer sets it after the commit, because rows become
    visible in the order of their commits and not of their making.
    """

    kind = models.CharField(max_length=60, help_text="Such as note.created.")
    object_id = models.UUIDField()
    data = models.JSONField(default=dict)
    position = models.BigIntegerField(null=True, unique=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="event_unpositioned", condition=Q(position__isnull=True)),
            models.Index(fields=["clinic", "position"], name="event_feed"),
        ]
