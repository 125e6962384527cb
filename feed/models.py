"""What other systems are told: events, how far each clinic's feed has come, and whom to tell."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from access.models import Clinic, ClinicOwned

LONGEST_URL, LONGEST_DESCRIPTION = 500, 200


class Event(ClinicOwned):
    """Something that happened to a row, in ids and states only.

    `position` is its place in the clinic's feed: null until a sequencer sets it after the commit, because rows become
    visible in the order of their commits and not of their making.
    """

    kind = models.CharField(max_length=60, help_text="Such as note.created.")
    object_id = models.UUIDField()
    data = models.JSONField(default=dict)
    position = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "position"], name="event_feed"),
            models.UniqueConstraint(fields=["clinic", "id"], name="event_of_clinic"),
        ]
        indexes = [
            models.Index(fields=["clinic", "id"], name="event_unpositioned", condition=Q(position__isnull=True)),
            models.Index(fields=["object_id"], name="event_tombstone", condition=Q(kind__endswith=".deleted")),
        ]


class Feed(models.Model):
    """How far a clinic's feed has come: its row is locked while events get their positions, one after the other."""

    clinic = models.OneToOneField(Clinic, on_delete=models.PROTECT, primary_key=True, related_name="+")
    position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.pk)


class Endpoint(ClinicOwned):
    """Where a clinic's other system wants to be told, by Standard Webhooks.

    It is claimed whole: one worker at a time sends its deliveries that are due. `secrets`: encrypted, the newest first,
    each with the time when it ends, if it does. `failing_since`: of the first delivery that failed after the last that
    did not. `rests_until`: after a failure it is left alone for a while. `replay_after`, `replay_until`: the events
    whose deliveries are still to be made again lie between these two ids.
    """

    class State(models.TextChoices):
        ON = "on", "on"
        OFF = "off", "switched off"

    class Off(models.TextChoices):
        """Why it is off."""

        BY_HAND = "by_hand", "somebody switched it off"
        GONE = "gone", "it answered that it is gone for good (410)"
        FAILING = "failing", "nothing could be delivered for days"

    url = models.CharField(max_length=LONGEST_URL, help_text="Without secrets: people see it.")
    description = models.CharField(max_length=LONGEST_DESCRIPTION, blank=True)
    types = ArrayField(models.CharField(max_length=60), default=list, help_text="Empty: all.")
    secrets = models.BinaryField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ON)
    off_reason = models.CharField(max_length=20, choices=Off.choices, blank=True)
    off_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="One after the other, until now.")
    failing_since = models.DateTimeField(null=True, blank=True)
    last_delivered_at = models.DateTimeField(null=True, blank=True)
    rests_until = models.DateTimeField(null=True, blank=True)
    replay_after = models.UUIDField(null=True, blank=True)
    replay_until = models.UUIDField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now_add=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name = "webhook"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="on", off_reason="", off_at=None)
                | (Q(state="off", off_at__isnull=False) & ~Q(off_reason="")),
                name="endpoint_is_off_for_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["clinic", "-id"], name="endpoint_list")]


class Delivery(ClinicOwned):
    """One event for one endpoint, tried until it is taken or its tries are used up."""

    class State(models.TextChoices):
        PENDING = "pending", "to be sent"
        DELIVERED = "delivered", "delivered"
        FAILED = "failed", "given up"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=60, help_text="The event's: for lists of one kind, however many there are.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="When it is due; empty: nothing to do.")
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="The answer's, if there was one.")
    last_error = models.CharField(max_length=40, blank=True, help_text="Why it did not succeed, as a code.")
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="delivery_once_an_endpoint"),
            models.CheckConstraint(
                condition=Q(state="pending") | Q(next_attempt_at__isnull=True), name="delivery_is_due_while_pending"
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_attempt_at", "event"],
                name="delivery_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["clinic", "-id"], name="delivery_list"),
            models.Index(fields=["endpoint", "-id"], name="delivery_of_endpoint"),
            models.Index(fields=["endpoint", "state", "-id"], name="delivery_of_state"),
            models.Index(fields=["endpoint", "kind", "-id"], name="delivery_of_kind"),
        ]
