"""Rows for tests, each as small as its constraints allow. Whatever belongs together is of one clinic by itself."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any
from uuid import uuid4

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from factory import LazyAttribute, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from access.models import AccessEntry, AllowedApplication, ApiKey, Clinic, Membership, Scope, TrustedIssuer, User
from config import secrets
from feed.models import Delivery, Endpoint, Event
from feed.webhooks import signing
from ingest.models import AsyncRequest, Audio, Callback, Replay, Session, Submission, VendorAccount
from notes.indexing import index_due
from notes.models import HELD, Note, NoteSection, NoteVersion, Transcript
from recordings.models import Recording

PASSWORD = "correct horse battery"


@cache
def hashed_password() -> str:
    """Hashing is slow on purpose: once is enough."""
    return make_password(PASSWORD)


class ClinicFactory(DjangoModelFactory[Clinic]):
    class Meta:
        model = Clinic

    slug = Sequence(lambda n: f"clinic-{n}")
    name = Sequence(lambda n: f"Clinic {n}")


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = Sequence(lambda n: f"person{n}")
    password = factory.LazyFunction(hashed_password)
    is_staff = True


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = SubFactory(UserFactory)
    clinic = SubFactory(ClinicFactory)
    role = Membership.Role.REVIEWER


class OwnedFactory(DjangoModelFactory[Any]):
    class Meta:
        abstract = True

    clinic = SubFactory(ClinicFactory)


class ApiKeyFactory(OwnedFactory):
    """The row alone; access.keys.create gives a token with it."""

    class Meta:
        model = ApiKey

    name = "a program"
    prefix = Sequence(lambda n: f"{n:012x}")
    digest = hashlib.sha256(b"secret").digest()
    scopes = LazyAttribute(lambda _: list(Scope.values))


class TrustedIssuerFactory(DjangoModelFactory[TrustedIssuer]):
    class Meta:
        model = TrustedIssuer

    name = "an issuer"
    url = Sequence(lambda n: f"https://login{n}.example")


class AllowedApplicationFactory(OwnedFactory):
    class Meta:
        model = AllowedApplication

    name = "a partner"
    issuer = SubFactory(TrustedIssuerFactory)
    application_id = Sequence(lambda n: f"application-{n}")
    audience = "listenpost"
    scopes = LazyAttribute(lambda _: list(Scope.values))


class AccessEntryFactory(OwnedFactory):
    class Meta:
        model = AccessEntry

    actor_kind = AccessEntry.Actor.USER
    actor_id = "1"
    action = AccessEntry.Action.READ
    object_type = "note"
    object_ids = LazyAttribute(lambda _: [uuid4()])


class SessionFactory(OwnedFactory):
    class Meta:
        model = Session

    kind = Session.Kind.AMBIENT
    language = "en-US"
    consent = True


class OfSessionFactory(OwnedFactory):
    class Meta:
        abstract = True

    clinic = SelfAttribute("session.clinic")
    session = SubFactory(SessionFactory)


class AudioFactory(OfSessionFactory):
    """The row alone: nothing is in storage under its key."""

    class Meta:
        model = Audio

    number = Sequence(lambda n: n + 1)
    sha256 = LazyAttribute(lambda audio: hashlib.sha256(f"{audio.session.pk} {audio.number}".encode()).hexdigest())
    storage_key = LazyAttribute(lambda audio: f"audio/{audio.clinic.pk}/{audio.session.pk}/{audio.sha256}")
    content_type = "audio/flac"
    size = 1000
    duration_ms = 40_000


class VendorAccountFactory(OwnedFactory):
    class Meta:
        model = VendorAccount
        django_get_or_create = ("clinic", "vendor")

    vendor = "nabla"
    base_url = "http://127.0.0.1:9/nabla"

    credentials = {"server_key": "key"}

    @classmethod
    def _create(cls, model_class: type[VendorAccount], *args: Any, credentials: dict[str, Any], **kwargs: Any) -> Any:
        return super()._create(model_class, *args, encrypted_credentials=secrets.encrypt(credentials), **kwargs)


class AsyncRequestFactory(OfSessionFactory):
    """Queued, with its audio, account and no submission: SubmissionFactory makes one with its request."""

    class Meta:
        model = AsyncRequest

    vendor = "nabla"
    account = SubFactory(VendorAccountFactory, clinic=SelfAttribute("..clinic"), vendor=SelfAttribute("..vendor"))
    audio = SubFactory(AudioFactory, session=SelfAttribute("..session"))
    audio_ms = LazyAttribute(lambda request: request.audio.duration_ms if request.audio else None)
    output_objects = LazyAttribute(lambda _: ["transcript_item", "note"])
    language = "en-US"
    note_template = "GENERAL_MEDICINE"
    section_style = "auto"

    class Params:
        waiting = factory.Trait(state="waiting", waiting_since=factory.LazyFunction(timezone.now))
        ready = factory.Trait(state="ready", finished_at=factory.LazyFunction(timezone.now))
        failed = factory.Trait(
            state="failed",
            finished_at=factory.LazyFunction(timezone.now),
            failure_code="vendor_error",
            failure_message="The vendor refused.",
            failure_retryable=True,
        )
        cancelled = factory.Trait(state="cancelled", finished_at=factory.LazyFunction(timezone.now))


class SubmissionFactory(OwnedFactory):
    class Meta:
        model = Submission

    clinic = SelfAttribute("request.clinic")
    request = SubFactory(AsyncRequestFactory)
    number = 1
    client_request_id = LazyAttribute(lambda _: str(uuid4()))
    state = LazyAttribute(lambda row: "answered" if row.request.state == "ready" else row.request.state)
    next_attempt_at = LazyAttribute(lambda row: timezone.now() if row.state == "queued" else None)


class CallbackFactory(OwnedFactory):
    class Meta:
        model = Callback

    clinic = SelfAttribute("submission.clinic")
    submission = SubFactory(SubmissionFactory)
    request = SelfAttribute("submission.request")
    vendor = SelfAttribute("request.vendor")
    proven_by = Callback.Proof.TICKET
    proven_id = SelfAttribute("submission.pk")
    body = b"{}"
    digest = LazyAttribute(lambda callback: hashlib.sha256(callback.body).digest())
    event_id = LazyAttribute(lambda callback: callback.digest.hex())
    size = LazyAttribute(lambda callback: len(callback.body))
    received_at = factory.LazyFunction(timezone.now)
    next_attempt_at = LazyAttribute(lambda callback: timezone.now() if callback.state == "stored" else None)
    state = Callback.State.STORED


class OrphanFactory(CallbackFactory):
    """A partner's result for a request that is not there."""

    clinic = SubFactory(ClinicFactory)
    submission = request = None
    vendor = "nabla"
    proven_by = Callback.Proof.API_KEY
    proven_id = SelfAttribute("clinic.pk")
    event_id = Sequence(lambda n: f"sha256:{n}")
    state = Callback.State.ORPHAN
    named_request = Sequence(lambda n: f"request-{n}")


class ReplayFactory(OwnedFactory):
    class Meta:
        model = Replay

    asked_by = "command:root"
    chosen = "nabla, failed"


class ResultFactory(OwnedFactory):
    class Meta:
        abstract = True

    clinic = SelfAttribute("request.clinic")
    request = SubFactory(AsyncRequestFactory, ready=True)
    session = SelfAttribute("request.session")
    language = SelfAttribute("request.language")


class TranscriptFactory(ResultFactory):
    class Meta:
        model = Transcript

    lines = LazyAttribute(
        lambda _: [
            {"text": "What brings you in?", "speaker": "doctor", "start_offset_ms": 0, "end_offset_ms": 1800},
            {"text": "My knee hurts.", "speaker": "patient", "start_offset_ms": 2000, "end_offset_ms": None},
        ]
    )

    @classmethod
    def _create(cls, *args: Any, **kwargs: Any) -> Any:
        transcript = super()._create(*args, **kwargs)
        index_due()
        return transcript


class NoteFactory(ResultFactory):
    """With one section, and version 1. What is signed gets its state last: it takes no section any more."""

    class Meta:
        model = Note

    title = "Knee pain"
    template = "GENERAL_MEDICINE"
    vendor = SelfAttribute("request.vendor")
    text = "The left knee hurts."
    state = Note.State.NEEDS_REVIEW
    holder = LazyAttribute(lambda note: UserFactory() if note.state in HELD else None)

    @classmethod
    def _create(cls, model_class: type[Note], *args: Any, text: str, **kwargs: Any) -> Any:
        signed = {name: kwargs.pop(name) for name in ("state", "signed_at", "signed_by") if name in kwargs}
        note = super()._create(model_class, *args, **kwargs)
        section = NoteSectionFactory(note=note, text=text)
        NoteVersionFactory(note=note, sections=[{"key": section.key, "title": section.title, "text": text}])
        index_due()
        if signed:
            Note.objects.filter(pk=note.pk).update(**signed)
            note.refresh_from_db(fields=list(signed))
        return note


class NoteSectionFactory(DjangoModelFactory[NoteSection]):
    class Meta:
        model = NoteSection

    note = SubFactory(NoteFactory)
    position = 1
    key = "CHIEF_COMPLAINT"
    title = "Chief complaint"
    text = "The left knee hurts."


class NoteVersionFactory(OwnedFactory):
    class Meta:
        model = NoteVersion

    clinic = SelfAttribute("note.clinic")
    note = SubFactory(NoteFactory)
    number = 1
    title = SelfAttribute("note.title")
    sections = LazyAttribute(lambda _: [])


class RecordingFactory(OfSessionFactory):
    class Meta:
        model = Recording

    vendor = "suki"
    account = SubFactory(VendorAccountFactory, clinic=SelfAttribute("..clinic"), vendor=SelfAttribute("..vendor"))
    vendor_ref = LazyAttribute(lambda _: str(uuid4()))


class EventFactory(OwnedFactory):
    class Meta:
        model = Event

    kind = "note.created"
    object_id = LazyAttribute(lambda _: uuid4())


class EndpointFactory(OwnedFactory):
    """`secret`: what it signs with."""

    class Meta:
        model = Endpoint

    url = "https://ehr.example/events"
    description = "EHR"
    secret = factory.LazyFunction(signing.make)

    class Params:
        gone = factory.Trait(state="off", off_reason="gone", off_at=factory.LazyFunction(timezone.now))

    @classmethod
    def _create(cls, model_class: type[Endpoint], *args: Any, secret: signing.Secret, **kwargs: Any) -> Any:
        return super()._create(model_class, *args, secrets=signing.write([secret]), **kwargs)


class DeliveryFactory(OwnedFactory):
    """Due now, unless it is in another state."""

    class Meta:
        model = Delivery

    clinic = SelfAttribute("endpoint.clinic")
    endpoint = SubFactory(EndpointFactory)
    event = SubFactory(EventFactory, clinic=SelfAttribute("..clinic"))
    kind = SelfAttribute("event.kind")
    next_attempt_at = LazyAttribute(lambda row: timezone.now() if row.state == "pending" else None)
    state = Delivery.State.PENDING
