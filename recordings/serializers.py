"""Recordings as REST takes and shows them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config import examples
from config.fields import Closed, Id, Text
from recordings.models import Recording
from vendors import VENDORS


def keeping() -> list[str]:
    """The vendors that keep recordings."""
    return [name for name, vendor in VENDORS.items() if vendor.keeps_recordings]


@extend_schema_field({"type": "string", "enum": keeping()})
class KeepingVendor(Text):
    """One of them: validate_vendor says which there are."""


class NewRecording(Closed):
    session = Id(help_text="The clinic's session that it is of.")
    vendor = KeepingVendor(max_length=20, help_text="One that keeps recordings.")
    ambient_session_id = Text(max_length=200, help_text="The vendor's own id of the recorded session.")
    example = {"vendor": "suki", "ambient_session_id": "b7e1c9d0-52f4-4a38-8c6e-9d0f1a2b3c4d"}

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
    example = {
        "id": examples.RECORDING,
        "vendor": "suki",
        "ambient_session_id": "b7e1c9d0-52f4-4a38-8c6e-9d0f1a2b3c4d",
        "state": "archived",
        "available_until": "2026-03-03T09:41:12Z",
        "archived_at": "2026-03-02T09:50:44.610000Z",
        "bytes": 21_519_404,
        "duration_ms": 672_480,
        "parts": 1,
        "problem": "",
        "created_at": examples.WRITTEN,
    }

    def get_sha256(self, recording: Recording) -> str | None:
        return recording.sha256 or None


class LinkShown(serializers.Serializer[Any]):
    recording_id = serializers.CharField()
    presigned_url = serializers.CharField(help_text="A secret: it opens this part for whoever has it.")
    expires_at = serializers.IntegerField(help_text="Unix seconds.")
    sequence_number = serializers.IntegerField()
    example = {
        "recording_id": "5f0d2c8e-1b7a-4e93-a6d4-c3b2a1908f7e",
        "presigned_url": f"{examples.SERVER}/recordings/AZiwqMec0rFeHyo8TV5vcIGSo7TF1ucI",
        "expires_at": 1772445600,
        "sequence_number": 1,
    }


class LinksShown(serializers.Serializer[Any]):
    recordings = LinkShown(many=True)
    is_streamable = serializers.BooleanField(help_text="Whether the links are for playing; else for saving.")
