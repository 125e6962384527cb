"""A recording that its vendor deletes within a day is spoken of: by `manage.py alert`, and by `/metrics`."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from ingest import heartbeats
from ingest.standing import QUEUES
from recordings.models import Recording
from tests.factories import RecordingFactory

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "a-token-of-twenty-and-more-letters"


@pytest.fixture(autouse=True)
def served(transactional_db: None) -> None:
    """Nothing else is wrong."""
    for queue in QUEUES:
        heartbeats.consumed(queue)


def left(hours: float, **facts: Any) -> Recording:
    ends = timezone.now() + timedelta(hours=hours)
    made: Recording = RecordingFactory(**{"available_until": ends, "state": "available", **facts})
    return made


def alert() -> str:
    """The line that cron mails; empty where there is none."""
    out = StringIO()
    with suppress(SystemExit):
        call_command("alert", stdout=out)
    return out.getvalue()


def metrics(settings: Any) -> tuple[float, float]:
    settings.METRICS_TOKEN = TOKEN
    answer = Client(headers={"Authorization": f"Bearer {TOKEN}"}).get("/metrics").content.decode()
    found = {one.name: one.samples[0].value for one in text_string_to_metric_families(answer) if one.samples}
    names = ("recording_at_risks", "oldest_recording_at_risk_age_seconds")
    return found[f"listenpost_{names[0]}"], found[f"listenpost_{names[1]}"]


@pytest.mark.parametrize("state", ["available", "pending"])
def test_a_day_before_its_loss_somebody_is_told(settings: Any, state: str) -> None:
    left(25, state=state)
    assert (alert(), metrics(settings)) == ("", (0, 0))
    row = left(20.5, state=state)
    left(23, state=state)
    assert alert() == f"recording {row.pk}, not copied, has been within a day of its loss for 3 hours\n"
    count, age = metrics(settings)
    assert count == 2
    assert age == pytest.approx(3.5 * 3600, abs=60)


def test_nobody_is_told_of_what_is_copied_or_lost_or_may_never_have_been(settings: Any) -> None:
    left(2, state="archived")
    left(-2, state="lost")
    left(0, state="pending", available_until=None)
    assert (alert(), metrics(settings)) == ("", (0, 0))
