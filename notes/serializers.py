"""Transcripts and notes as REST shows them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config import examples
from notes.models import Addendum, Note, NoteSection, Transcript

FHIR_STATUSES = ("preliminary", "final", "amended", "entered-in-error")
#: A rejected note must not be used either, and FHIR has no other word for that.
FHIR_STATUS = {
    Note.State.SIGNED: "final",
    Note.State.AMENDED: "amended",
    Note.State.REJECTED: "entered-in-error",
    Note.State.ENTERED_IN_ERROR: "entered-in-error",
}


class LineShown(serializers.Serializer[Any]):
    text = serializers.CharField()
    speaker = serializers.CharField(help_text="doctor, patient, unspecified or whatever the vendor said.")
    start_offset_ms = serializers.IntegerField(allow_null=True)
    end_offset_ms = serializers.IntegerField(allow_null=True)
    example = {
        "text": "The cough is worse at night, and has been for two weeks.",
        "speaker": "patient",
        "start_offset_ms": 4_200,
        "end_offset_ms": 8_650,
    }


@extend_schema_field(LineShown(many=True))
class Lines(serializers.Field[Any, Any, Any, Any]):
    """Lines are stored as they are shown."""

    def to_representation(self, value: Any) -> Any:
        return value


class TranscriptListed(serializers.Serializer[Transcript]):
    id = serializers.UUIDField()
    session = serializers.UUIDField(source="session_id")
    request = serializers.UUIDField(source="request_id")
    language = serializers.CharField()
    created_at = serializers.DateTimeField()
    example = {"id": examples.TRANSCRIPT, "created_at": examples.WRITTEN}


class TranscriptShown(TranscriptListed):
    items = Lines(source="lines")


class SectionShown(serializers.Serializer[NoteSection]):
    key = serializers.CharField(help_text="An open set: whatever the vendor called it.")
    title = serializers.CharField()
    text = serializers.CharField()
    example = {
        "key": "HISTORY_OF_PRESENT_ILLNESS",
        "title": "History of present illness",
        "text": "Cough for two weeks, worse at night. No fever, no shortness of breath.",
    }


class AddendumShown(serializers.Serializer[Addendum]):
    number = serializers.IntegerField()
    text = serializers.CharField()
    author = serializers.CharField(source="author.username", help_text="The author's user name.")
    created_at = serializers.DateTimeField()
    example = {
        "number": 1,
        "text": "Chest X-ray of 3 March: no infiltrate.",
        "author": "m.okafor",
        "created_at": "2026-03-04T08:05:11.340000Z",
    }


class RevisionShown(serializers.Serializer[Note]):
    version = serializers.IntegerField(source="offered_version")
    received_at = serializers.DateTimeField(source="offered_at")
    example = {"version": 3, "received_at": "2026-03-02T09:58:30.250000Z"}


class NoteShown(serializers.Serializer[Note]):
    """Shows rows that carry `signer` and `offered_at`.

    `context["include"]` says which of its parts to show, all by default.
    """

    id = serializers.UUIDField()
    session = serializers.UUIDField(source="session_id")
    request = serializers.UUIDField(source="request_id")
    title = serializers.CharField()
    template = serializers.CharField()
    language = serializers.CharField()
    state = serializers.ChoiceField(Note.State.choices)
    fhir_status = serializers.SerializerMethodField()
    reason = serializers.CharField(help_text="Why it was rejected or entered in error.")
    version = serializers.IntegerField()
    revision = serializers.SerializerMethodField(
        help_text="A later text of the vendor's that nobody has decided about yet: people do so on the note's page."
    )
    sections = SectionShown(many=True, required=False, help_text="In lists with ?include=sections.")
    addenda = AddendumShown(many=True, required=False, help_text="With the sections.")
    transcript = serializers.SerializerMethodField(required=False, help_text="With ?include=transcript.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    signed_at = serializers.DateTimeField(allow_null=True)
    signed_by = serializers.CharField(source="signer", allow_null=True, help_text="The signer's user name.")
    optional = ("transcript",)
    example = {
        "id": examples.NOTE,
        "title": "Cough for two weeks",
        "template": "GENERAL_MEDICINE",
        "state": "signed",
        "fhir_status": "final",
        "reason": "",
        "version": 2,
        "revision": None,
        "sections": [SectionShown.example],
        "addenda": [],
        "created_at": examples.WRITTEN,
        "updated_at": examples.SIGNED,
        "signed_at": examples.SIGNED,
        "signed_by": "m.okafor",
    }

    def get_fields(self) -> dict[str, Any]:
        shown = super().get_fields()
        for part in {"sections", "transcript"} - self.context.get("include", {"sections", "transcript"}):
            del shown[part]
        if "sections" not in shown:
            del shown["addenda"]
        return shown

    @extend_schema_field(serializers.ChoiceField(FHIR_STATUSES, help_text="As a FHIR Composition says it."))
    def get_fhir_status(self, note: Note) -> str:
        return FHIR_STATUS.get(Note.State(note.state), "preliminary")

    @extend_schema_field(RevisionShown(allow_null=True))
    def get_revision(self, note: Note) -> Any:
        return RevisionShown(note).data if note.offered_version else None

    @extend_schema_field(TranscriptShown(allow_null=True, required=False))
    def get_transcript(self, note: Note) -> Any:
        transcript = self.context["transcripts"].get(note.request_id)
        return TranscriptShown(transcript).data if transcript else None
