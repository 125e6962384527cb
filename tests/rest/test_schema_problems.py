"""Each problem that the OpenAPI description shows is one that the service answers with, to the letter."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from limits import parse

from access.models import Clinic
from config.parsing import BODY_BYTES
from tests.factories import EventFactory, SessionFactory
from tests.rest.api import Api
from tests.rest.described import description

#: Of the web process, whose bodies come slowly: tests of Django send theirs at once.
ELSEWHERE = {408}
NEW = {"kind": "ambient", "language": "en-US", "consent": True}


def shown() -> dict[int, Any]:
    contents = (each["content"] for each in description()["components"]["responses"].values())
    examples = (content["application/problem+json"]["example"] for content in contents)
    return {example["status"]: example for example in examples}


def ways(api: Api, clinic: Clinic) -> dict[int, Callable[[], Any]]:
    """To be refused, by the status."""
    session, closed = SessionFactory(clinic=clinic), SessionFactory(clinic=clinic, state="closed")
    removed = EventFactory(clinic=clinic, kind="session.deleted").object_id
    return {
        400: lambda: api.post("sessions", b"{"),
        401: lambda: api.get("sessions", headers={"Authorization": "x"}),
        403: lambda: Api.of(clinic, "sessions:read").get("notes"),
        404: lambda: api.get(f"sessions/{uuid4()}"),
        406: lambda: api.get("sessions", headers={"Accept": "text/html"}),
        409: lambda: api.put(f"sessions/{closed.pk}/audio", b"RIFF", content_type="audio/wav"),
        410: lambda: api.get(f"sessions/{removed}"),
        412: lambda: api.send("PATCH", f"sessions/{session.pk}", {}, headers={"If-Match": '"another"'}),
        413: lambda: api.post("sessions", b" " * (BODY_BYTES + 1)),
        415: lambda: api.post("sessions", b"{}", content_type="text/plain"),
        422: lambda: api.get("notes?limit=0"),
        428: lambda: api.send("PATCH", f"sessions/{session.pk}", {}),
        429: lambda: [api.get("notes") for _ in range(2)][-1],
        503: lambda: api.post("sessions", NEW),
    }


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize("status", sorted(shown().keys() - ELSEWHERE))
def test_a_problem_is_answered_as_it_is_shown(api: Api, clinic: Clinic, settings: Any, status: int) -> None:
    refused = ways(api, clinic)[status]
    if status == 429:
        settings.RATE_PER_KEY = parse("1/day")
    if status == 503:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
    answered = refused().json()
    answered["detail"] = re.sub(r"\d+ seconds?\b", "42 seconds", answered["detail"])
    assert answered | {"request_id": shown()[status]["request_id"]} == shown()[status]
