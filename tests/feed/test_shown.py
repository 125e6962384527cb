"""Events are shown alike one by one, as webhooks send them, and by the thousand, as PostgreSQL writes the feed's."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import orjson
import pytest

from feed import events, reading, sequencer
from feed.events import Kind
from feed.models import Event
from feed.shown import shown
from tests.factories import ClinicFactory

pytestmark = pytest.mark.django_db


def test_the_feed_shows_every_kind_as_webhooks_do() -> None:
    clinic = ClinicFactory()
    for kind in Kind:
        events.record(kind, clinic_id=clinic.pk, object_id=uuid4(), session=str(uuid4()), version=2, code='50 % "é"')
    Event.objects.filter(kind=Kind.NOTE_SIGNED).update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    sequencer.sequence()
    page = reading.page(clinic.pk, 0, 1000)
    told = [shown(event) for event in Event.objects.order_by("position")]
    assert [orjson.loads(event) for event in page.results] == told
    assert {event["type"] for event in told} == set(Kind.values)
