"""A session is removed while somebody uses it: each of them is told, and nothing is left half."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from access.models import Clinic
from ingest import removal, uploads
from ingest.models import AsyncRequest
from notes.models import Note
from tests.factories import (
    AsyncRequestFactory,
    AudioFactory,
    NoteFactory,
    SessionFactory,
    SubmissionFactory,
    UserFactory,
    VendorAccountFactory,
)
from tests.flows.clinic import eventually
from tests.ingest.test_removal import remove
from tests.rest.api import Api, assert_problem
from tests.rest.test_audio import tone

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_what_somebody_has_locked_is_kept(clinic: Clinic, storage: Path) -> None:
    request = SubmissionFactory(request__session__clinic=clinic, request__ready=True).request
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    with owner() as other:
        other.execute("SELECT FROM ingest_asyncrequest WHERE id = %s FOR NO KEY UPDATE", [request.pk])
        with pytest.raises(removal.Kept, match="run this again"):
            remove(request.session)
    connection.close()
    remove(request.session)


def owner() -> psycopg.Connection[Any]:
    return psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None})


@pytest.mark.django_db(transaction=True)
def test_an_upload_to_a_session_that_is_removed_meanwhile_leaves_nothing(
    api: Api, clinic: Clinic, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, insert = SessionFactory(clinic=clinic), uploads._insert

    def removed() -> None:
        remove(session)
        connection.close()

    def removed_first(*given: Any) -> Any:
        remover = threading.Thread(target=removed)
        remover.start()
        remover.join(30)
        return insert(*given)

    monkeypatch.setattr(uploads, "_insert", removed_first)
    assert_problem(api.put(f"sessions/{session.pk}/audio", tone(), content_type="audio/wav"), 410)
    assert not [file for file in storage.rglob("*") if file.is_file()]


@pytest.mark.django_db(transaction=True)
def test_asking_for_a_session_that_is_removed_at_that_moment_is_to_be_tried_again(api: Api, clinic: Clinic) -> None:
    """The session is there when the request is made, and gone when it is committed."""
    session = AudioFactory(session__clinic=clinic).session
    VendorAccountFactory(clinic=clinic)
    answers: list[Any] = []

    def ask() -> None:
        answers.append(api.post(f"sessions/{session.pk}/requests", {"vendor": "nabla", "output_objects": ["note"]}))
        connection.close()

    asking = threading.Thread(target=ask)
    with transaction.atomic():
        remove(session)
        asking.start()
        eventually(is_waiting)
    asking.join(30)
    assert_problem(answers[0], 503)
    assert_problem(api.post(f"sessions/{session.pk}/requests", {"vendor": "nabla", "output_objects": ["note"]}), 410)
    assert not AsyncRequest.objects.exists()


def test_what_loses_its_rows_while_it_is_shown_is_to_be_asked_for_again(api: Api, clinic: Clinic) -> None:
    """As where a removal ends between two statements of one answer."""
    asked = AsyncRequestFactory(session__clinic=clinic)
    for path in ("requests", f"requests/{asked.pk}"):
        answer = api.get(path)
        assert_problem(answer, 503)
        assert answer["Retry-After"]


@pytest.mark.django_db(transaction=True)
def test_a_note_that_somebody_claims_at_that_moment_is_kept(clinic: Clinic, storage: Path) -> None:
    note = NoteFactory(request__session__clinic=clinic, request__ready=True)
    said: list[str] = []

    def removed() -> None:
        try:
            remove(note.request.session)
        except removal.Kept as kept:
            said.append(str(kept))
        connection.close()

    removing = threading.Thread(target=removed)
    with transaction.atomic():
        Note.objects.filter(pk=note.pk).update(state="in_review", holder=UserFactory())
        removing.start()
        eventually(is_waiting)
    removing.join(30)
    assert said == ["somebody has its note in hand"]
    assert Note.objects.filter(pk=note.pk).exists()


def is_waiting() -> bool:
    """Whether another connection waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
