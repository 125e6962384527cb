"""The callback of `listen_async`, as the vendor's reference describes it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ItemSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(allow_blank=True)
    speaker = serializers.CharField(max_length=100)
    start_offset_ms = serializers.IntegerField(min_value=0)
    end_offset_ms = serializers.IntegerField(min_value=0)


class SectionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=100)
    title = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)


class NoteSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(required=False, allow_blank=True)
    sections = SectionSerializer(many=True)


class CallbackSerializer(serializers.Serializer[Any]):
    request_id = serializers.CharField(max_length=200)
    client_request_id = serializers.CharField(max_length=128)
    transcript = ItemSerializer(many=True, required=False)
    note = NoteSerializer(required=False)
    error_code = serializers.IntegerField(required=False)
    error_message = serializers.CharField(required=False, max_length=500)
