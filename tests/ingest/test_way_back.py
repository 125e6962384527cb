"""Migrations undone, and done again, on rows that are there: a release may have to be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from access.models import Clinic
from ingest import inquiries, orphans
from ingest.models import Callback, Inquiry, Submission
from notes.models import Note
from tests.factories import CallbackFactory, SubmissionFactory
from tests.notes.revised import FIRST, fresh, noted, revise, said, words

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def before(app: str, name: str) -> Iterator[None]:
    """The tables as they were after that migration, and then as they are."""
    try:
        move([(app, name)])
        yield
    finally:
        move([node for node in MigrationExecutor(connection).loader.graph.leaf_nodes() if node[0] == app])


def move(to: list[tuple[str, str]]) -> None:
    MigrationExecutor(connection).migrate(to)


def rows(query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def asked_and_announced(clinic: Clinic) -> Submission:
    """A try that is asked for, and of which two notices came."""
    row: Submission = SubmissionFactory(request__session__clinic=clinic, request__vendor="suki", request__waiting=True)
    inquiries.begin(row)
    addressee = orphans.Addressee(row.pk, row.request_id, row.clinic_id)
    told = [CallbackFactory(submission=row, proven_by="account", body=b"%d" % number) for number in range(2)]
    inquiries.fetch({callback.pk: addressee for callback in told})
    return row


def test_what_was_asked_for_is_asked_for_before_notices_were_followed_and_after(clinic: Clinic) -> None:
    row = asked_and_announced(clinic)
    assert Inquiry.objects.count() == 3
    with before("ingest", "0009_more_than_one_audio"):
        assert rows("SELECT submission_id FROM ingest_inquiry") == [(row.pk,)]
    assert Inquiry.objects.get().submission == row
    assert (Submission.objects.get().place, Submission.objects.get().call_id) == ({}, "")
    assert Callback.objects.count() == 2


def test_notes_keep_their_words_before_texts_were_revised_and_after(clinic: Clinic) -> None:
    note, taken = noted(clinic), noted(clinic)
    Note.objects.filter(pk=note.pk).update(state="rejected")
    revise(note)
    revise(taken)
    with before("notes", "0007_vendor_and_template"):
        assert rows("SELECT count(*) FROM notes_noteversion") == [(4,)]
    assert (fresh(note).version, fresh(note).offered_version, words(note)) == (1, None, said(FIRST))
    assert fresh(taken).version == 2
