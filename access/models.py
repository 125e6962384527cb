"""Who may do what: clinics, the people and programs that act in them, and the record of what they read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import BigIntegerField, Func, Q, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from uuid_utils.compat import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

CURRENT_TRANSACTION = Cast(Cast(Func(function="pg_current_xact_id"), TextField()), BigIntegerField())


def check_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError("Give a time zone such as Europe/Paris.", code="time_zone")


class User(AbstractUser):
    """A person who signs in. What they may see comes from their memberships."""

    must_change_password = models.BooleanField(default=False, editable=False, help_text="Somebody else chose it.")
    factors_removed = models.PositiveIntegerField(default=0, editable=False)

    def get_session_auth_hash(self) -> str:
        """Sessions are over when this changes: after a new password, and after a second factor was removed."""
        return f"{super().get_session_auth_hash()}{self.factors_removed or ''}"

    @property
    def display_name(self) -> str:
        """Their own name, else the one they sign in with."""
        return self.get_full_name() or self.get_username()


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
        REVIEWER = "reviewer", "Reviewer: also corrects and signs notes"
        MANAGER = "manager", "Manager: also people, keys, credentials and retries"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints = [models.UniqueConstraint(fields=["user", "clinic"], name="one_membership_a_clinic")]

    def __str__(self) -> str:
        return self.role


class SentForm(models.Model):
    """A form of the desk that was sent, by the id that was written into it: a second click finds it here.

    `address`: the page of what it made or changed.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    sent_at = models.DateTimeField(default=timezone.now, editable=False)
    address = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return str(self.pk)


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


class Scope(models.TextChoices):
    """What a program may do."""

    SESSIONS_READ = "sessions:read", "read sessions and requests"
    SESSIONS_WRITE = "sessions:write", "open sessions, upload audio, ask vendors"
    NOTES_READ = "notes:read", "read notes and transcripts"
    RECORDINGS_READ = "recordings:read", "play recordings and ask for links"
    CALLBACKS_WRITE = "callbacks:write", "post results of requests made elsewhere"
    EVENTS_READ = "events:read", "follow the change feed, see webhooks"
    WEBHOOKS_WRITE = "webhooks:write", "say where webhooks go, and have them sent again"


class Program(ClinicOwned):
    """What a program is to a clinic: how it is called, what it may do, and for how long."""

    name = models.CharField(max_length=100)
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope.choices))
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def is_live(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)


class ApiKey(Program):
    """A program that proves itself by a key. The key is shown once; `digest` is the SHA-256 of its secret part.

    `retires_at`: set by a rotation, until when the key goes on beside its successor.
    """

    prefix = models.CharField(max_length=12, unique=True)
    digest = models.BinaryField(max_length=32)
    retires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        indexes = [models.Index(fields=["clinic", "-id"], name="api_key_list")]

    def __str__(self) -> str:
        return self.prefix

    def is_live(self, at: datetime) -> bool:
        return super().is_live(at) and (self.retires_at is None or self.retires_at > at)

    @property
    def ends_at(self) -> datetime | None:
        """The sooner of its two ends."""
        return min((end for end in (self.expires_at, self.retires_at) if end), default=None)


class TrustedIssuer(models.Model):
    """An identity provider whose tokens prove who calls. Its metadata stands below `url`, as OpenID Connect says."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=500, unique=True, help_text="Exactly as its tokens name it in `iss`.")
    is_trusted = models.BooleanField(default=True, help_text="Off: its tokens are refused from now on.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["url"]

    def __str__(self) -> str:
        return self.name


class AllowedApplication(Program):
    """A line of the clinic's allow list: a program that proves itself by a token of a trusted issuer.

    `application_id`: the token's `azp`, `appid` or `sub`. `audience`: its `aud`. A program that serves several clinics
    asks for its tokens with an audience for each, so that a token says which clinic it is for.
    """

    issuer = models.ForeignKey(TrustedIssuer, on_delete=models.PROTECT, related_name="applications")
    application_id = models.CharField(max_length=200)
    audience = models.CharField(max_length=500)

    class Meta:
        indexes = [models.Index(fields=["clinic", "-id"], name="allowed_application_list")]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "audience", "application_id"],
                condition=Q(revoked_at=None),
                name="application_is_of_one_clinic",
            )
        ]


class AccessEntry(models.Model):
    """One line of the access log: who did what, as what, from where, with which objects. Rows are only ever added.

    `clinic` is null for what happened before a clinic was known, such as a refused token; operators alone see it.
    """

    append_only = True

    class Action(models.TextChoices):
        READ = "read", "read"
        LISTENED = "listened", "listened"
        LINKED = "linked", "was given a link"
        CHANGED = "changed", "changed"
        SIGNED = "signed", "signed"
        EXPORTED = "exported", "exported"
        GRANTED = "granted", "changed a permission"
        SIGNED_IN = "signed_in", "signed in"
        SIGNED_OUT = "signed_out", "signed out"
        REFUSED = "refused", "was refused"

    class Actor(models.TextChoices):
        USER = "user", "person"
        API_KEY = "api_key", "API key"
        APPLICATION = "application", "application"
        WORKER = "worker", "this service"
        VENDOR = "vendor", "vendor"
        COMMAND = "command", "operator's command"
        NOBODY = "nobody", "somebody unknown"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False, null=True)
    # The sealer relies on these two being made by the database, the transaction's number first: access/sealing.py.
    written_in = models.BigIntegerField(db_default=CURRENT_TRANSACTION, editable=False)
    created_at = models.DateTimeField(db_default=Func(function="clock_timestamp"), editable=False)
    actor_kind = models.CharField(max_length=20, choices=Actor.choices)
    actor_id = models.CharField(max_length=60, blank=True)
    role = models.CharField(max_length=20, blank=True, help_text="What a person was in the clinic at that moment.")
    on_behalf_of = models.CharField(max_length=82, blank=True, help_text="Whose wish a worker fulfilled: kind:id.")
    action = models.CharField(max_length=20, choices=Action.choices)
    object_type = models.CharField(max_length=40, blank=True)
    object_ids = ArrayField(models.CharField(max_length=60), default=list)
    mode = models.CharField(max_length=40, blank=True, help_text="How: a link's purpose, a file's format.")
    reason = models.CharField(max_length=64, blank=True, help_text="Why it was refused, as a code.")
    times = models.PositiveIntegerField(default=1, help_text="How many equal refusals this row stands for.")
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    objects: ClassVar[Any] = ClinicOwnedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "access log"
        indexes = [
            models.Index(fields=["clinic", "-id"], name="access_log_list"),
            models.Index(fields=["clinic", "written_in"], name="access_log_unsealed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(object_ids=[]) | ~Q(action__in=["read", "listened", "linked", "changed", "signed"]),
                name="access_entry_names_an_object",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class AccessSeal(models.Model):
    """A seal over the access log's rows that one clinic (or none) got since its seal before. Rows are only ever added.

    `snapshot`: PostgreSQL's snapshot (`pg_snapshot`) that the rows were read in, `created_at` the moment just before.
    `digests`: 16 bytes a row, in the order of `entry_ids`. `mac`: HMAC-SHA256 under `key_version` of TICKET_KEYS over
    all of that and the mac before. `restarted`: the database's transaction numbers had begun anew (a restored dump).
    """

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False, null=True)
    number = models.PositiveIntegerField(help_text="Seals of one clinic count from 1.")
    created_at = models.DateTimeField()
    snapshot = models.TextField()
    entry_ids = ArrayField(models.UUIDField())
    digests = models.BinaryField()
    previous_mac = models.BinaryField(max_length=32)
    mac = models.BinaryField(max_length=32)
    key_version = models.PositiveSmallIntegerField()
    restarted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "number"], nulls_distinct=False, name="access_seal_in_its_place")
        ]
        indexes = [
            models.Index(fields=["clinic", "number"], name="access_log_restarts", condition=models.Q(restarted=True))
        ]

    def __str__(self) -> str:
        return str(self.pk)


class KeptAnswer(ClinicOwned):
    """What was answered to a POST with an `Idempotency-Key`, given again to whoever asks the same with the same key.

    `key`: the SHA-256 of the program's id and its key; `asked`: that of what it asked. `answer`: encrypted, it may hold
    a secret.
    """

    key = models.BinaryField(max_length=32, unique=True)
    asked = models.BinaryField(max_length=32)
    answer = models.BinaryField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="kept_answer_ends")]
