"""REST: the change feed. A reader who follows `next` misses nothing."""

from __future__ import annotations

import re
from typing import Any

import orjson
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from access.models import Scope
from config.problems import invalid
from config.rest import OfClinic
from feed import reading, waiting
from feed.events import Kind
from feed.models import Event
from feed.serializers import EventPage

PAGE, LONGEST_PAGE, LONGEST_WAIT = 100, 1000, 30
PARAMETERS = [
    OpenApiParameter("after", description="A cursor, out of `next`. Without it the feed begins at its start."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": PAGE},
        description="Events a page.",
    ),
    OpenApiParameter(
        "wait",
        {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0},
        description="Seconds to wait for an event where there is none yet.",
    ),
    OpenApiParameter(
        "type",
        {"type": "array", "items": {"type": "string", "enum": Kind.values}, "minItems": 1},
        style="form",
        explode=False,
        description="Only events of these types, by commas. Pages may be short then: `has_more` says whether to go on.",
    ),
]


class PlainJSONRenderer(JSONRenderer):
    """What is plain already is written several times faster so: readers who catch up take thousands of events."""

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        return orjson.dumps(data)


class EventList(OfClinic, generics.GenericAPIView[Event]):
    queryset = Event.objects.all()
    renderer_classes = [PlainJSONRenderer]
    scopes = {"GET": Scope.EVENTS_READ}
    parameters = {"GET": ("after", "limit", "type", "wait")}
    problems = {"GET": (422,)}

    @extend_schema(operation_id="events_list", parameters=PARAMETERS, responses=EventPage)
    def get(self, request: Request) -> Response:
        """Lists what happened in the clinic, oldest first: a reader who follows `next` misses nothing."""
        given = request.query_params
        after, limit, kinds = self.position(given.get("after")), number(given, "limit", 1), types(given.get("type"))
        seconds = number(given, "wait", 0)
        try:
            page = reading.page(self.clinic.pk, after, limit, kinds)
        except reading.Beyond:
            raise invalid("after", "beyond_end", BEYOND) from None
        if seconds and not page.results and not page.has_more:
            waiting.hold(request.META, self.clinic.pk, page.end, seconds)
        cursor = reading.write_cursor(self.clinic.pk, page.reached)
        following = replace_query_param(request.build_absolute_uri(), "after", cursor)
        events = [orjson.Fragment(event) for event in page.results]
        shown = {"next": following, "previous": None, "has_more": page.has_more, "results": events}
        return Response(shown)

    def position(self, text: str | None) -> int:
        if text is None:
            return 0
        position = reading.read_cursor(self.clinic.pk, text)
        if position is None:
            raise invalid("after", "invalid", "Take a cursor from next as it is.")
        return position


BEYOND = (
    "The feed ends before this cursor: it is older than what you have read, as after a backup was put back. "
    "Read it anew, without after."
)
BOUNDS = {"limit": (PAGE, LONGEST_PAGE), "wait": (0, LONGEST_WAIT)}


def number(given: Any, name: str, least: int) -> int:
    usual, most = BOUNDS[name]
    text = given.get(name, str(usual))
    if not re.fullmatch(r"[0-9]{1,4}", text) or not least <= int(text) <= most:
        raise invalid(name, "invalid", f"Give a whole number from {least} to {most}.")
    return int(text)


def types(text: str | None) -> set[str]:
    kinds = set() if text is None else set(text.split(","))
    if kinds - set(Kind.values):
        raise invalid("type", "unknown", f"Give some of these, with commas between: {', '.join(Kind.values)}.")
    return kinds
