"""Answers received, as they came."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from access.models import Clinic, ClinicOwned
from config.leases import Leased
from ingest.models.request import AsyncRequest, Submission

#: States of callbacks that somebody should look at.
PROBLEMS = ("failed", "junk", "conflict", "mismatch", "orphan")


class Replay(ClinicOwned):
    """Callbacks of a clinic that somebody had processed again in one go."""

    asked_by = models.CharField(max_length=82, help_text="Who, as the access log names them.")
    chosen = models.CharField(max_length=200, help_text="Which callbacks, in words.")
    total = models.PositiveIntegerField(default=0, help_text="How many.")

    class Meta:
        indexes = [models.Index(fields=["clinic", "-id"], name="replay_list")]


class Callback(ClinicOwned, Leased):
    """One answer received, raw. Rows are written by the door (ingest/inbox.py), in SQL of its own.

    The key is what the sender proved (`proven_by`, `proven_id`) and the event's id, never an id read from the body.
    Retention may empty `body`; the key and `digest` stay, so that an old repeat is still a duplicate.
    """

    class State(models.TextChoices):
        STORED = "stored", "stored, not yet processed"
        APPLIED = "applied", "applied"
        NOTICE = "notice", "announces an answer, which is fetched"
        DUPLICATE = "duplicate", "says what was already applied"
        CONFLICT = "conflict", "a second, different answer"
        MISMATCH = "mismatch", "names another request than the address it came to"
        NOT_APPLIED = "not_applied", "came too late to count"
        ORPHAN = "orphan", "for a request we do not know"
        JUNK = "junk", "not an answer of this vendor"
        FAILED = "failed", "could not be processed"

    class Proof(models.TextChoices):
        TICKET = "ticket", "ticket of a submission"
        API_KEY = "api_key", "API key of a partner system"
        APPLICATION = "application", "token of a partner system"
        ACCOUNT = "account", "the vendor's signature or token"
        POLLED = "polled", "fetched from the vendor"
        STREAMED = "streamed", "the last word of a stream to the vendor"

    clinic = models.ForeignKey(  # type: ignore[assignment]  # of no clinic yet
        Clinic,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        null=True,
        blank=True,
        help_text="Empty until it is known which of a partner's clinics it is for; operators alone see it then.",
    )
    vendor = models.CharField(max_length=20)
    proven_by = models.CharField(max_length=20, choices=Proof.choices)
    proven_id = models.UUIDField(help_text="The submission, account or clinic that was proven.")
    sender_id = models.UUIDField(null=True, blank=True, help_text="The key or application that posted it.")
    event_id = models.CharField(max_length=200, help_text="The vendor's id of the event, else the body's SHA-256.")
    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="callbacks", null=True, blank=True
    )
    request = models.ForeignKey(AsyncRequest, on_delete=models.PROTECT, related_name="callbacks", null=True, blank=True)
    body = models.BinaryField(null=True)
    size = models.PositiveIntegerField()
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the body as it came.")
    content_type = models.CharField(max_length=100, blank=True)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.STORED)
    problem = models.CharField(max_length=500, blank=True, help_text="What is wrong with it, in words without content.")
    named_request = models.CharField(
        max_length=200, blank=True, help_text="What an orphan calls its request: our id, else the vendor's."
    )
    processed_at = models.DateTimeField(null=True, blank=True)
    replay = models.ForeignKey(
        Replay, on_delete=models.PROTECT, related_name="callbacks", null=True, blank=True, db_index=False
    )

    class Meta:
        indexes = [
            Leased.due_index("callback_due"),
            models.Index(fields=["clinic", "vendor", "-id"], name="callback_by_vendor"),
            models.Index(fields=["clinic", "-id"], name="callback_with_problem", condition=Q(state__in=PROBLEMS)),
            models.Index(fields=["replay"], name="callback_replayed", condition=Q(replay__isnull=False)),
            models.Index(fields=["clinic", "-id"], name="callback_list"),
            models.Index(fields=["clinic", "state", "-id"], name="callback_by_state"),
            models.Index(fields=["clinic", "named_request"], name="callback_orphan", condition=Q(state="orphan")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["proven_id", "event_id"], name="callback_once"),
            models.CheckConstraint(
                condition=Q(next_attempt_at__isnull=True) | Q(state="stored"), name="callback_due_only_unprocessed"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        *("stored", "applied", "notice", "duplicate", "conflict"),
                        *("mismatch", "not_applied", "orphan", "junk", "failed"),
                    ]
                ),
                name="callback_state_known",
            ),
        ]
