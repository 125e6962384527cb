"""What is wanted of a vendor, and each try at it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone

from access.models import ClinicOwned, ClinicOwnedQuerySet
from config.leases import Leased
from ingest.models.account import VendorAccount
from ingest.models.session import Audio, Session


class AsyncRequestQuerySet(ClinicOwnedQuerySet):
    def overdue(self, *, is_so: bool = True) -> Self:
        """Waiting for longer than CALLBACK_OVERDUE_SECONDS; or all others."""
        limit = timezone.now() - timedelta(seconds=settings.CALLBACK_OVERDUE_SECONDS)
        late = Q(state=AsyncRequest.State.WAITING, waiting_since__lt=limit)
        return self.filter(late if is_so else ~late)


class AsyncRequest(ClinicOwned):
    """What is wanted of a vendor for one session. Its id never changes, however often the vendor is asked."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        SUBMITTING = "submitting", "submitting"
        WAITING = "waiting", "waiting"
        READY = "ready", "ready"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="requests")
    account = models.ForeignKey(VendorAccount, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    vendor = models.CharField(max_length=20)
    audio = models.ForeignKey(Audio, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    all_audio = models.BooleanField(
        db_default=False, default=False, help_text="The session's audio before that one too, one after the other."
    )
    audio_ms = models.PositiveIntegerField(null=True, blank=True, help_text="Milliseconds of all audio that is sent.")
    submitted_elsewhere = models.BooleanField(default=False)
    output_objects = ArrayField(models.CharField(max_length=40))
    language = models.CharField(max_length=35)
    note_template = models.CharField(max_length=60)
    section_style = models.CharField(max_length=40)
    split_by_sentence = models.BooleanField(default=False)
    split_by_problem = models.BooleanField(default=False)

    state = models.CharField(max_length=20, choices=State.choices, default=State.QUEUED)
    waiting_since = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failure_code = models.CharField(max_length=64, blank=True)
    failure_message = models.CharField(max_length=500, blank=True)
    failure_retryable = models.BooleanField(default=False)

    objects: ClassVar[Any] = AsyncRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "request"
        indexes = [
            models.Index(fields=["clinic", "-id"], name="request_list"),
            models.Index(fields=["clinic", "state", "-id"], name="request_by_state"),
            models.Index(fields=["clinic", "vendor", "-id"], name="request_by_vendor"),
            models.Index(fields=["waiting_since"], name="request_waiting", condition=Q(state="waiting")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "submitting", "waiting", "ready", "failed", "cancelled"]),
                name="request_state_known",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=False) ^ Q(state__in=["queued", "submitting", "waiting"]),
                name="request_finished_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(submitted_elsewhere=True) | Q(audio__isnull=False, account__isnull=False),
                name="request_has_audio_to_send",
            ),
            models.CheckConstraint(condition=~Q(output_objects=[]), name="request_wants_something"),
        ]

    def audio_in_order(self) -> list[Audio]:
        """What is sent of its session, one after the other: none, one, or several."""
        if self.audio is None or not self.all_audio:
            return [self.audio] if self.audio else []
        return list(Audio.objects.filter(session=self.session_id, number__lte=self.audio.number).order_by("number"))

    @property
    def is_overdue(self) -> bool:
        if self.state != self.State.WAITING or self.waiting_since is None:
            return False
        return timezone.now() - self.waiting_since > timedelta(seconds=settings.CALLBACK_OVERDUE_SECONDS)

    @property
    def broke_at_ms(self) -> list[int]:
        """Milliseconds of its audio, just before which some was perhaps lost on the way to the vendor.

        Of the try that was answered, or else of the latest.
        """
        tries = self.submissions.all()
        answered = [one for one in tries if one.state == Submission.State.ANSWERED]
        return (answered[0] if answered else self.current_submission).broke_at_ms

    @property
    def current_submission(self) -> Submission:
        """The latest try; prefetch `submissions` where many are shown. Raises DoesNotExist where it was removed."""
        latest: Submission | None = max(self.submissions.all(), key=lambda submission: submission.number, default=None)
        if latest is None:
            raise Submission.DoesNotExist
        return latest


class Submission(ClinicOwned, Leased):
    """One try at a request with the vendor, under one `client_request_id`."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        SUBMITTING = "submitting", "submitting"
        WAITING = "waiting", "waiting"
        ANSWERED = "answered", "answered"
        FAILED = "failed", "failed"
        REPLACED = "replaced", "replaced by a later try"
        CANCELLED = "cancelled", "cancelled"

    request = models.ForeignKey(AsyncRequest, on_delete=models.PROTECT, related_name="submissions", db_index=False)
    number = models.PositiveIntegerField(help_text="Tries at one request count from 1.")
    client_request_id = models.CharField(max_length=128)
    asked_by = models.CharField(max_length=82, blank=True, help_text="Whose wish it is, as the access log names it.")
    vendor_request_id = models.CharField(max_length=200, blank=True)
    sent_ms = models.PositiveIntegerField(
        db_default=0, default=0, help_text="Milliseconds of the audio that were streamed so far."
    )
    heard_ms = models.PositiveIntegerField(
        db_default=0, default=0, help_text="Milliseconds of the audio whose words were all heard."
    )
    broke_at_ms = ArrayField(
        models.PositiveIntegerField(),
        default=list,
        db_default=[],
        help_text="Milliseconds of the audio, just before which some was perhaps lost with a connection.",
    )
    place = models.JSONField(
        default=dict, db_default={}, help_text="Where a vendor that confirms what it has stored is to be gone on with."
    )
    call_id = models.CharField(
        max_length=64, blank=True, db_default="", help_text="By which the vendor's support finds the latest call."
    )
    state = models.CharField(max_length=20, choices=State.choices, default=State.QUEUED)
    unanswered = models.BooleanField(default=False, help_text="The vendor may have it though its answer never came.")
    error_code = models.CharField(max_length=64, blank=True, help_text="Why the last attempt did not succeed.")
    error_message = models.CharField(max_length=500, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            Leased.due_index("submission_due"),
            models.Index("clinic", Upper("vendor_request_id"), name="submission_by_vendor_id"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["clinic", "client_request_id"], name="client_request_id_once_a_clinic"),
            models.UniqueConstraint(fields=["request", "number"], name="submission_numbered_in_its_request"),
            models.CheckConstraint(
                condition=Q(next_attempt_at__isnull=True) | Q(state__in=["queued", "submitting"]),
                name="submission_due_only_unsent",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["queued", "submitting", "waiting", "answered", "failed", "replaced", "cancelled"]
                ),
                name="submission_state_known",
            ),
        ]
