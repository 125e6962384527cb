"""What the feed shows, for the API's description; feed/shown.py makes it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config import examples
from feed.events import Kind
from feed.shown import ADDRESSES


class EventDataShown(serializers.Serializer[Any]):
    """What it happened to, and more ids, states and numbers by the type, such as `session` and `version`."""

    object = serializers.ChoiceField(list(ADDRESSES))
    id = serializers.UUIDField()
    url = serializers.URLField(allow_null=True, help_text="Where it is shown; null for what was removed.")
    session = serializers.UUIDField(required=False)
    request = serializers.UUIDField(required=False)
    version = serializers.IntegerField(required=False, help_text="Of a note.")
    code = serializers.CharField(required=False, help_text="Why a request failed.")
    example = {
        "object": "note",
        "id": examples.NOTE,
        "url": f"{examples.SERVER}/api/v1/notes/{examples.NOTE}",
        "session": examples.SESSION,
        "request": examples.REQUEST,
    }


class EventShown(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="The same in the feed and in every webhook: a repeat has it too.")
    type = serializers.ChoiceField(Kind.choices)
    timestamp = serializers.DateTimeField(help_text="When it happened; the feed's order is that of its commits.")
    data = EventDataShown()  # type: ignore[assignment]
    example = {"id": examples.EVENT, "type": "note.created", "timestamp": examples.WRITTEN}


class EventPage(serializers.Serializer[Any]):
    next = serializers.URLField(help_text="Where to go on, also when there is nothing yet: keep it.")
    previous = serializers.URLField(allow_null=True, help_text="Always null: a feed is read forwards.")
    has_more = serializers.BooleanField(help_text="More is there already: go on at once.")
    results = EventShown(many=True)
    example = {"has_more": True}
