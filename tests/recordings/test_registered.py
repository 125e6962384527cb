"""What a vendor keeps of a session is known and copied from the session's end on, whatever that end was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from access.models import Clinic
from ingest import processing
from ingest.models import AsyncRequest, Callback
from recordings import archive, services
from recordings.models import Recording
from tests.admin.conftest import member
from tests.admin.rows import page_of
from tests.factories import CallbackFactory, SubmissionFactory
from tests.recordings.conftest import FAST
from tests.recordings.store import Keeper, gone, pending
from vendors.suki import answers

pytestmark = pytest.mark.django_db
SAID = b'{"final_transcript": [{"transcript": "My knee hurts."}]}'
WRITTEN = answers.completed("s-1", b'{"summary": []}', SAID)
JUNK = answers.completed("s-1", b"<html>", SAID)
GIVEN_UP = {
    "without a word": answers.completed("s-1", b'{"summary": []}', b'{"final_transcript": []}'),
    **{status: answers.ended("s-1", status) for status in ("failed", "aborted", "skipped")},
}
WEEK = timedelta(days=7)


def asked(clinic: Clinic, body: bytes = WRITTEN, proven_by: str = "polled", **facts: Any) -> Callback:
    """What the vendor was asked for, and answers; applied."""
    of = {"session__clinic": clinic, "vendor": "suki", "waiting": True, "account__options": FAST} | facts
    row = SubmissionFactory(state="waiting", vendor_request_id="s-1", **{f"request__{k}": v for k, v in of.items()})
    found: Callback = CallbackFactory(submission=row, body=body, proven_by=proven_by)
    processing.process_due()
    found.refresh_from_db()
    return found


def tried(recording: Recording, **facts: Any) -> None:
    assert archive.archive_due()
    recording.refresh_from_db()
    Recording.objects.filter(pk=recording.pk, next_attempt_at__isnull=False).update(
        next_attempt_at=timezone.now(), **facts
    )


@pytest.mark.parametrize("is_elsewhere", [True, False])
@pytest.mark.parametrize("body", GIVEN_UP.values(), ids=GIVEN_UP)
def test_of_a_session_that_was_given_up_too(clinic: Clinic, body: bytes, is_elsewhere: bool) -> None:
    assert asked(clinic, body, submitted_elsewhere=is_elsewhere).state == "applied"
    assert AsyncRequest.objects.get().state == "failed"
    recording = Recording.objects.get()
    assert (recording.vendor_ref, recording.state) == ("s-1", "pending")
    assert archive.is_due()


def test_of_one_that_is_complete_though_its_answer_cannot_be_read(clinic: Clinic) -> None:
    assert asked(clinic, JUNK).state == "junk"
    assert AsyncRequest.objects.get().state == "waiting"
    assert Recording.objects.get().available_until is not None
    services.archive_now(Recording.objects.get())
    Callback.objects.update(state="stored", next_attempt_at=timezone.now())
    processing.process_due()
    assert Recording.objects.count() == 1


def test_nothing_is_known_of_what_a_webhook_says_in_junk(clinic: Clinic) -> None:
    assert asked(clinic, b"<html>", proven_by="account").state == "junk"
    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("facts", "state"),
    [({"session__kind": "dictation"}, "applied"), ({"account": None, "submitted_elsewhere": True}, "applied")],
)
def test_nothing_is_known_where_the_vendor_keeps_none_or_cannot_be_asked(
    clinic: Clinic, facts: dict[str, Any], state: str
) -> None:
    assert asked(clinic, **facts).state == state
    assert not Recording.objects.exists()


# --- Until when the vendor has it
@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"submitted_elsewhere": True}, "began"),
        ({"submitted_elsewhere": True, "session__started_at": None}, "created"),
        ({"submitted_at": "sent"}, "sent"),
    ],
)
def test_it_is_a_week_from_its_session_on(clinic: Clinic, facts: dict[str, Any], field: str) -> None:
    now = timezone.now()
    days = {
        "created": now - timedelta(days=3),
        "began": now - timedelta(days=6, hours=1),
        "sent": now - timedelta(days=1),
    }
    given = {"session__created_at": days["created"], "session__started_at": days["began"]}
    asked(clinic, **given | {name: days.get(str(value), value) for name, value in facts.items()})
    recording = Recording.objects.get()
    assert recording.available_until == days[field] + WEEK
    assert Recording.objects.expiring().exists() == (field == "began")


def test_a_session_that_is_to_come_ends_no_later_than_now(clinic: Clinic) -> None:
    asked(clinic, submitted_elsewhere=True, session__started_at=timezone.now() + timedelta(days=30))
    assert Recording.objects.filter(available_until__lte=timezone.now() + WEEK).exists()


def test_what_the_vendor_may_not_have_frightens_nobody_until_it_is_seen_there(
    clinic: Clinic, storage: Path, keeper: Keeper
) -> None:
    began = timezone.now() - timedelta(days=6, hours=12)
    asked(clinic, GIVEN_UP["skipped"], submitted_elsewhere=True, session__started_at=began)
    recording = Recording.objects.get(available_until=None)
    viewer = member(clinic, "viewer")
    assert "may have no recording of it either" in viewer.get(page_of(recording)).content.decode()
    keeper.errors = [pending()]
    tried(recording)
    assert not Recording.objects.expiring().exists()
    keeper.store.answers = [500]
    tried(recording)
    assert (recording.state, recording.available_until) == ("available", began + WEEK)
    assert Recording.objects.expiring().exists()
    tried(recording)
    assert recording.state == "archived"


def test_what_the_vendor_never_had_is_given_up_after_a_week(clinic: Clinic, storage: Path, keeper: Keeper) -> None:
    asked(clinic, GIVEN_UP["failed"])
    recording = Recording.objects.get()
    keeper.errors = [pending(), pending()]
    tried(recording, created_at=timezone.now() - WEEK + timedelta(minutes=5))
    assert recording.state == "pending"
    Recording.objects.update(created_at=timezone.now() - WEEK - timedelta(minutes=5))
    tried(recording)
    assert recording.state == "lost"
    told = member(clinic, "viewer").get(page_of(recording)).content.decode()
    assert "The vendor knew of none when it was asked last. Nothing of it is here." in told


def test_one_whose_session_seems_long_past_is_looked_for_a_day(clinic: Clinic, storage: Path, keeper: Keeper) -> None:
    asked(clinic, submitted_elsewhere=True, session__started_at=timezone.now() - timedelta(days=30))
    recording = Recording.objects.get()
    keeper.errors = [pending()]
    tried(recording)
    assert (recording.state, recording.error_code) == ("pending", "recording_pending")
    tried(recording)
    assert recording.state == "archived"


def test_one_that_is_long_gone_is_lost_at_once(clinic: Clinic, storage: Path, keeper: Keeper) -> None:
    asked(clinic, submitted_elsewhere=True, session__started_at=timezone.now() - timedelta(days=30))
    keeper.errors = [gone()]
    tried(Recording.objects.get())
    assert Recording.objects.get().state == "lost"
