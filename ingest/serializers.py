"""Sessions, audio and requests as REST takes and shows them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config import examples
from config.fields import Changes, Choice, Closed, Flag, Id, Moment, Text
from ingest.models import AsyncRequest, Audio, Session, Submission
from vendors import VENDORS
from vendors.base import NOTE, TRANSCRIPT, Wish

LANGUAGE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*"


class NewSession(Closed):
    kind = Choice(Session.Kind.choices)
    language = Text(max_length=35, pattern=LANGUAGE, help_text="BCP 47, such as en-US.")
    encounter_ref = Text(max_length=200, allow_blank=True, required=False)
    patient_ref = Text(max_length=200, allow_blank=True, required=False)
    clinician_ref = Text(max_length=200, allow_blank=True, required=False, help_text="The vendor's user, where it has.")
    started_at = Moment(required=False, allow_null=True)
    consent = Flag(help_text="The patient agreed to the consultation being written up.")
    example = {
        "kind": "ambient",
        "language": "en-US",
        "encounter_ref": "encounter-20817",
        "patient_ref": "patient-4711",
        "clinician_ref": "clinician-12",
        "started_at": examples.OPENED,
        "consent": True,
    }


class SessionChange(Changes):
    encounter_ref = Text(max_length=200, allow_blank=True, required=False)
    patient_ref = Text(max_length=200, allow_blank=True, required=False)
    clinician_ref = Text(max_length=200, allow_blank=True, required=False, help_text="The vendor's user, where it has.")
    state = Choice(Session.State.choices, required=False, help_text="closed: no more audio is to come.")

    example = {"encounter_ref": "visit-2026-0417", "state": "closed"}


class SessionShown(serializers.Serializer[Session]):
    id = serializers.UUIDField()
    correlation_id = serializers.UUIDField()
    kind = serializers.ChoiceField(Session.Kind.choices)
    language = serializers.CharField()
    encounter_ref = serializers.CharField()
    patient_ref = serializers.CharField()
    clinician_ref = serializers.CharField()
    consent = serializers.BooleanField()
    state = serializers.ChoiceField(Session.State.choices)
    started_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    example = {
        "id": examples.SESSION,
        "encounter_ref": "encounter-20817",
        "patient_ref": "patient-4711",
        "clinician_ref": "clinician-12",
        "consent": True,
        "started_at": examples.OPENED,
    }


class QualityShown(serializers.Serializer[Any]):
    """How an audio sounds. It is sent whatever is said here."""

    sample_rate_hertz = serializers.IntegerField(help_text="As it was recorded.")
    channels = serializers.IntegerField()
    duration_ms = serializers.IntegerField(help_text="Of what can be heard.")
    level_db = serializers.FloatField(allow_null=True, help_text="RMS of what is not silent, in dBFS.")
    peak_db = serializers.FloatField(allow_null=True, help_text="The loudest moment, in dBFS.")
    clipped = serializers.FloatField(help_text="Share of samples that are clipped, 0 to 1.")
    silent = serializers.FloatField(help_text="Share of the time that is silent, 0 to 1.")
    longest_silence_ms = serializers.IntegerField()
    warnings = serializers.ListField(child=serializers.CharField(), help_text="What should be better, in sentences.")
    example = {
        "sample_rate_hertz": 16000,
        "channels": 1,
        "duration_ms": 672_480,
        "level_db": -24.6,
        "peak_db": -3.1,
        "clipped": 0.0,
        "silent": 0.18,
        "longest_silence_ms": 7_400,
        "warnings": [],
    }


class AudioShown(serializers.Serializer[Audio]):
    id = serializers.UUIDField()
    session = serializers.UUIDField(source="session_id")
    number = serializers.IntegerField(help_text="Counts the session's audio files from 1.")
    sha256 = serializers.CharField()
    bytes = serializers.IntegerField(source="size")
    content_type = serializers.CharField(help_text="What the bytes are, whatever the sender called them.")
    duration_ms = serializers.IntegerField()
    quality = serializers.SerializerMethodField(help_text="Once it was looked at: some seconds after its upload.")
    created_at = serializers.DateTimeField()
    example = {
        "id": examples.AUDIO,
        "bytes": 21_519_404,
        "content_type": "audio/wav",
        "duration_ms": 672_480,
        "created_at": examples.ENDED,
    }

    @extend_schema_field(QualityShown(allow_null=True))
    def get_quality(self, audio: Audio) -> Any:
        sound = getattr(audio, "waveform", None)
        return {**sound.quality, "warnings": sound.warnings} if sound and sound.quality else None


@extend_schema_field({"type": "string", "enum": list(VENDORS)})
class VendorName(Text):
    """Whether there is one of this name is for asking to say."""


class NewRequest(Closed):
    """Needs `context["session"]`. What the vendor makes of the values is for the vendor's own rules to say."""

    vendor = VendorName(max_length=20)
    audio = Id(required=False, help_text="One of the session's; its latest by default.")
    all_audio = Flag(
        required=False,
        help_text="And all audio of the session before it, one after the other: a dictation by push-to-talk.",
    )
    output_objects = serializers.ListField(
        child=Choice([TRANSCRIPT, NOTE]), allow_empty=False, max_length=10, help_text="Each at most once."
    )
    language = Text(max_length=35, pattern=LANGUAGE, required=False, help_text="The session's by default.")
    split_by_sentence = Flag(required=False)
    section_style = Text(max_length=40, required=False)
    split_by_problem = Flag(required=False)
    note_template = Text(max_length=60, required=False)
    client_request_id = Text(max_length=128, required=False, help_text="Taken as it is; a new UUID by default.")
    submitted_elsewhere = Flag(required=False, help_text="Another system asks the vendor: nothing is sent by us.")
    request_id = Text(
        max_length=200, required=False, help_text="Of what another system has asked for: the vendor's own id, if known."
    )
    example = {"output_objects": ["transcript_item", "note"], "note_template": "GENERAL_MEDICINE"}

    def validate_audio(self, value: UUID) -> Audio:
        audio: Audio | None = self.context["session"].audio.filter(pk=value).first()
        if audio is None:
            raise serializers.ValidationError("The session has no such audio.", code="does_not_exist")
        return audio

    def validate_output_objects(self, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise serializers.ValidationError("Name each at most once.", code="repeated")
        return value

    def validate(self, attrs: Any) -> Any:
        elsewhere = attrs.get("submitted_elsewhere")
        if "request_id" in attrs and not elsewhere:
            only = "Only what was submitted elsewhere has one already."
            raise serializers.ValidationError({"request_id": only}, code="not_elsewhere")
        if attrs.get("all_audio") and elsewhere:
            nothing = "Nothing is sent of what was submitted elsewhere: leave it out."
            raise serializers.ValidationError({"all_audio": nothing}, code="elsewhere")
        return attrs

    def wish(self) -> Wish:
        given = self.validated_data
        names = ("note_template", "section_style", "split_by_sentence", "split_by_problem")
        return Wish(
            output_objects=tuple(given["output_objects"]),
            language=given.get("language", self.context["session"].language),
            **{name: given[name] for name in names if name in given},
        )


class ProgressShown(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    of = serializers.IntegerField()
    example = {"done": 312_000, "of": 672_480}


class FailureShown(serializers.Serializer[AsyncRequest]):
    code = serializers.CharField(source="failure_code")
    message = serializers.CharField(source="failure_message")
    retryable = serializers.BooleanField(source="failure_retryable")
    example = {
        "code": "audio_too_short",
        "message": "The vendor found too little speech in the audio.",
        "retryable": False,
    }


class RequestShown(serializers.Serializer[AsyncRequest]):
    """Shows rows that carry `transcript_id` and `note_id` and have their submissions at hand: see ingest/api.py."""

    id = serializers.UUIDField()
    session = serializers.UUIDField(source="session_id")
    vendor = serializers.CharField()
    audio = serializers.UUIDField(source="audio_id", allow_null=True)
    all_audio = serializers.BooleanField(help_text="And all of the session's before it, one after the other.")
    output_objects = serializers.ListField(child=serializers.CharField())
    language = serializers.CharField()
    note_template = serializers.CharField()
    section_style = serializers.CharField()
    split_by_sentence = serializers.BooleanField()
    split_by_problem = serializers.BooleanField()
    submitted_elsewhere = serializers.BooleanField()
    client_request_id = serializers.CharField(source="current_submission.client_request_id")
    request_id = serializers.SerializerMethodField(help_text="The vendor's own, once it is known.")
    call_id = serializers.SerializerMethodField(help_text="By which the vendor's support finds the latest call.")
    state = serializers.ChoiceField(AsyncRequest.State.choices)
    overdue = serializers.BooleanField(source="is_overdue")
    attempts = serializers.IntegerField(source="current_submission.attempts")
    next_attempt_at = serializers.SerializerMethodField(help_text="While it is queued.")
    progress = serializers.SerializerMethodField()
    broke_at_ms = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="Where the connection to the vendor broke: what was said just before may be missing.",
    )
    failure = serializers.SerializerMethodField()
    transcript = serializers.UUIDField(
        source="transcript_id", allow_null=True, help_text="As soon as it is here, also while the note is waited for."
    )
    note = serializers.UUIDField(
        source="note_id", allow_null=True, help_text="As soon as it is here, also while the transcript is waited for."
    )
    created_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    example = {
        "id": examples.REQUEST,
        "output_objects": ["transcript_item", "note"],
        "note_template": "GENERAL_MEDICINE",
        "section_style": "",
        "client_request_id": "f2a6d5b8-4c13-4e7a-9d80-6b5c4a3f2e1d",
        "request_id": None,
        "call_id": None,
        "state": "ready",
        "attempts": 1,
        "next_attempt_at": None,
        "progress": None,
        "broke_at_ms": [],
        "failure": None,
        "created_at": examples.ENDED,
        "submitted_at": "2026-03-02T09:41:13.020000Z",
        "finished_at": examples.WRITTEN,
    }

    def get_request_id(self, request: AsyncRequest) -> str | None:
        return request.current_submission.vendor_request_id or None

    def get_call_id(self, request: AsyncRequest) -> str | None:
        return request.current_submission.call_id or None

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, request: AsyncRequest) -> Any:
        submission = request.current_submission
        due = submission.next_attempt_at if submission.state == Submission.State.QUEUED else None
        return serializers.DateTimeField().to_representation(due) if due else None

    @extend_schema_field(ProgressShown(allow_null=True))
    def get_progress(self, request: AsyncRequest) -> Any:
        """Of audio that is sent by us, in milliseconds, once its vendor has opened a session."""
        submission = request.current_submission
        if not submission.sent_ms or request.audio_ms is None:
            return None
        return {"done": min(submission.sent_ms, request.audio_ms), "of": request.audio_ms}

    @extend_schema_field(FailureShown(allow_null=True))
    def get_failure(self, request: AsyncRequest) -> Any:
        return FailureShown(request).data if request.failure_code else None
