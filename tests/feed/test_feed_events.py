"""What is recorded: kinds that readers know, in ids and states, and a bell once they are committed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from redis import Redis

from access import log
from access.models import Clinic
from config.bell import PAUSE_SECONDS, bell
from feed import events
from feed.events import Kind
from feed.models import Event
from ingest import asking
from ingest.models import AsyncRequest
from notes import review
from notes.models import Note
from recordings import services as recordings
from recordings.models import Recording
from recordings.services import Kept
from tests.factories import NoteFactory, SessionFactory, SubmissionFactory, VendorAccountFactory
from tests.flows.clinic import eventually


@pytest.fixture
def queue(transactional_db: None) -> Iterator[Redis]:
    with Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        # What the tests before have rung for is rung on the bell's own thread.
        eventually(lambda: not bell.waiting)
        time.sleep(2 * PAUSE_SECONDS)
        broker.delete("feed")
        yield broker
        broker.delete("feed")


def happen(clinic: Clinic, kind: str = "note.created") -> None:
    events.record(kind, clinic_id=clinic.pk, object_id=uuid4())


def told(row: Any) -> list[tuple[str, dict[str, Any]]]:
    return list(Event.objects.filter(object_id=row.pk).order_by("pk").values_list("kind", "data"))


@pytest.mark.django_db
def test_a_kind_that_is_not_in_the_list_is_no_event(clinic: Clinic) -> None:
    with pytest.raises(ValueError, match=r"note\.eaten"):
        happen(clinic, "note.eaten")
    assert not Event.objects.exists()


@pytest.mark.parametrize("state", Note.State.values)
def test_every_state_of_a_note_has_its_kind(state: str) -> None:
    assert Kind(f"note.{state}").label.endswith(".")


@pytest.mark.parametrize("name", ["session", "audio", "request", "transcript", "note", "recording"])
def test_whatever_is_created_may_be_removed(name: str) -> None:
    assert {f"{name}.created", f"{name}.deleted"} <= set(Kind.values)


def test_the_sequencer_is_rung_for_once_it_is_committed(queue: Redis, clinic: Clinic) -> None:
    with transaction.atomic():
        happen(clinic)
        transaction.on_commit(lambda: eventually(lambda: queue.llen("feed") == 1))
        assert queue.llen("feed") == 0


def test_nothing_is_rung_for_where_nothing_happened(queue: Redis, clinic: Clinic) -> None:
    called: list[Any] = []
    with transaction.atomic():
        events.record_all([])
        called += transaction.get_connection().run_on_commit
    assert called == []


@pytest.mark.parametrize("task", ["feed.sequence", "feed.deliver"])
def test_a_lost_bell_costs_some_seconds(task: str) -> None:
    schedule: Any = settings.CELERY_BEAT_SCHEDULE
    (entry,) = (entry for entry in schedule.values() if entry["task"] == task)
    assert entry["schedule"] <= 5
    assert settings.CELERY_TASK_ROUTES[task]["queue"] == "feed"


@pytest.mark.django_db
def test_a_request_is_told_of_with_its_session(clinic: Clinic) -> None:
    request: AsyncRequest = SubmissionFactory(request__session__clinic=clinic, request__failed=True).request
    asking.retry(request, log.command())
    asking.cancel(request)
    session = {"session": str(request.session_id)}
    assert told(request) == [("request.retried", session), ("request.cancelled", session)]


@pytest.mark.django_db
def test_a_note_is_told_of_with_its_session_and_its_request(clinic: Clinic, django_user_model: Any) -> None:
    note = NoteFactory(request__session__clinic=clinic)
    by = log.Actor("user", str(django_user_model.objects.create(username="anna").pk))
    review.approve(note.pk, by)
    about = {"session": str(note.session_id), "request": str(note.request_id)}
    assert told(note) == [("note.in_review", about), ("note.approved", about)]


@pytest.mark.django_db
def test_a_recording_is_told_of_from_the_moment_that_it_is_known(clinic: Clinic) -> None:
    session, account = SessionFactory(clinic=clinic), VendorAccountFactory(clinic=clinic, vendor="suki")
    facts = {"clinic_id": clinic.pk, "session_id": session.pk, "account_id": account.pk, "clinician_ref": ""}
    kept = Kept(vendor="suki", ref="made-once", ended_at=timezone.now(), **facts)
    recording: Recording = recordings.register(kept)
    assert recordings.register(kept) == recording
    about = {"session": str(session.pk)}
    assert told(recording) == [("recording.created", about)]
    assert recordings.lost(recording, "gone", "It is gone.")
    assert told(recording)[1:] == [("recording.lost", about)]
