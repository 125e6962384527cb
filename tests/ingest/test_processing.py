"""Callbacks whose processing fails, and what a person can do about them."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from config import leases
from ingest import processing
from ingest.models import Callback
from notes.models import Note, NoteSection
from tests.factories import CallbackFactory

pytestmark = pytest.mark.django_db
BODY = json.dumps({"transcript": [], "note": {"title": "", "sections": []}}).encode()


def stored(body: bytes = BODY, **fields: object) -> Callback:
    fields = fields or {"submission__state": "waiting", "submission__request__waiting": True}
    row: Callback = CallbackFactory(body=body, **fields)
    return row


def again(row: Callback) -> Callback:
    row.refresh_from_db()
    return row


def test_one_that_kills_its_workers_rests_with_a_reason() -> None:
    row = stored()
    Callback.objects.filter(pk=row.pk).update(attempts=processing.ATTEMPTS)
    processing.process_due()
    assert again(row).state == "failed"
    assert row.problem
    assert row.next_attempt_at is None


def test_a_failure_in_the_middle_leaves_nothing_behind_and_is_tried_again() -> None:
    """The database refuses the last of what a success writes; everything before it is undone."""
    row = stored()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE notes_noteversion ADD CONSTRAINT refuse CHECK (number > 1) NOT VALID")
    processing.process_due()
    assert again(row).state == "stored"
    assert "IntegrityError" in row.problem
    assert row.next_attempt_at
    assert row.next_attempt_at > timezone.now()
    assert not Note.objects.exists()
    assert not NoteSection.objects.exists()
    assert row.request
    assert row.request.state == "waiting"


def test_a_lost_lease_undoes_the_work() -> None:
    row = stored()
    (claimed,) = leases.claim(Callback, lease=processing.LEASE)
    Callback.objects.filter(pk=row.pk).update(lease_token="00000000-0000-0000-0000-000000000001")
    processing.process([claimed])
    assert again(row).state == "stored"
    assert not Note.objects.exists()


def test_the_same_result_in_other_bytes_is_a_duplicate() -> None:
    first = stored()
    processing.process_due()
    second = stored(BODY + b"  ", submission=first.submission)
    processing.process_due()
    assert again(second).state == "duplicate"
