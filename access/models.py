"""Who may do what: clinics, the people and programs that act in them, and the record of what they read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


def check_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError("Give a time zone such as Europe/Paris.", code="time_zone")


class User(AbstractUser):
    """A person who signs in. What they may see comes from their memberships."""


class Clinic(models.Model):
    """The tenant: owns every row below it. Nothing crosses from one clinic to another."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone])
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    """What one person is in one clinic."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer: reads"
        REVIEWER = "reviewer", "Reviewer: edits and signs"
        MANAGER = "manager", "Manager: also accounts, keys and retries"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "clinic"], name="one_membership_a_clinic")]

    def __str__(self) -> str:
        return f"{self.role} ({self.pk})"


class ClinicOwnedQuerySet(models.QuerySet[Any]):
    def for_clinic(self, clinic: Clinic) -> Self:
        return self.filter(clinic=clinic)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Rows of the clinics the person belongs to; an operator (superuser) sees all."""
        if user.is_superuser:
            return self
        if not user.is_authenticated:
            return self.none()
        return self.filter(clinic__in=Membership.objects.filter(user=user).values("clinic"))


class ClinicOwned(models.Model):
    """A row of one clinic. Ids are UUIDv7: unique, and in the order of their making, so lists sort by them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[Any] = ClinicOwnedQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


class ApiKey(ClinicOwned):
    """A program's way in. The key itself is shown once; `digest` is the SHA-256 of its secret part."""

    class Scope(models.TextChoices):
        SESSIONS_READ = "sessions:read", "read sessions and requests"
        SESSIONS_WRITE = "sessions:write", "open sessions, upload audio, ask vendors"
        NOTES_READ = "notes:read", "read notes and transcripts"
        RECORDINGS_READ = "recordings:read", "play recordings and ask for links"
        CALLBACKS_WRITE = "callbacks:write", "post results of requests made elsewhere"
        EVENTS_READ = "events:read", "follow the change feed"

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope.choices))
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        indexes = [models.Index(fields=["clinic", "-id"], name="api_key_list")]

    def __str__(self) -> str:
        return self.prefix

    def is_live(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)


class AccessEntry(ClinicOwned):
    """One line of the access log: who did what with which rows, from where. Rows are only ever added."""

    append_only = True

    class Action(models.TextChoices):
        READ = "read", "read"
        LISTENED = "listened", "listened"
        CHANGED = "changed", "changed"
        SIGNED = "signed", "signed"

    class Actor(models.TextChoices):
        USER = "user", "person"
        API_KEY = "api_key", "API key"

    actor_kind = models.CharField(max_length=20, choices=Actor.choices)
    actor_id = models.CharField(max_length=40)
    action = models.CharField(max_length=20, choices=Action.choices)
    object_type = models.CharField(max_length=40)
    object_ids = ArrayField(models.UUIDField())
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name_plural = "access log"
        indexes = [models.Index(fields=["clinic", "-id"], name="access_log_list")]
        constraints = [
            models.CheckConstraint(condition=~Q(object_ids=[]), name="access_entry_names_an_object"),
        ]
