"""Recordings as REST takes and shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.fields import Id, Text
from recordings.models import Recording
from vendors import VENDORS


def keeping() -> list[str]:
    """The vendors that keep recordings."""
    return [name for name, vendor in VENDORS.items() if vendor.keeps_recordings]


class NewRecording(serializers.Serializer[Recording]):
    session = Id(help_text="The clinic's session that it is of.")
    vendor = Text(max_length=20, help_text="One that keeps recordings.")
    ambient_session_id = Text(max_length=200, help_text="The vendor's own id of the recorded session.")

    def validate_vendor(self, value: str) -> str:
        if value not in (known := keeping()):
            raise serializers.ValidationError(f"Give one of: {', '.join(known)}.", code="unknown")
        return value


class RecordingShown(serializers.Serializer[Recording]):
    id = serializers.UUIDField()
    session = serializers.UUIDField(source="session_id")
    vendor = serializers.CharField()
    ambient_session_id = serializers.CharField(source="vendor_ref", help_text="The vendor's own id of the session.")
    state = serializers.ChoiceField(Recording.State.choices)
    available_until = serializers.DateTimeField(
        allow_null=True, help_text="Then the vendor deletes it; null while it may have none."
    )
    archived_at = serializers.DateTimeField(allow_null=True)
    sha256 = serializers.SerializerMethodField(help_text="Of the whole as it is played, once it is archived.")
    bytes = serializers.IntegerField(source="size", allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    parts = serializers.IntegerField(source="part_count")
    problem = serializers.CharField(source="error_message", help_text="Why the last try to copy it did not succeed.")
    created_at = serializers.DateTimeField()

    def get_sha256(self, recording: Recording) -> str | None:
        return recording.sha256 or None


class LinkShown(serializers.Serializer[Any]):
    recording_id = serializers.CharField()
    presigned_url = serializers.CharField(help_text="A secret: it opens this part for whoever has it.")
    expires_at = serializers.IntegerField(help_text="Unix seconds.")
    sequence_number = serializers.IntegerField()


class LinksShown(serializers.Serializer[Any]):
    recordings = LinkShown(many=True)
    is_streamable = serializers.BooleanField(help_text="Whether the links are for playing; else for saving.")
