"""A callback's body may hold a patient's words: read by managers alone, and never unseen."""

from __future__ import annotations

import pytest
from django.test import Client

from access.models import AccessEntry, Clinic
from ingest.admin.callbacks import SHOWN_BYTES
from ingest.models import Callback
from tests.admin.rows import page_of
from tests.factories import CallbackFactory

BODY = '{"note": "knee <i>pain</i>"}'


@pytest.fixture
def callback(clinic: Clinic) -> Callback:
    made: Callback = CallbackFactory(
        submission__request__session__clinic=clinic, submission__request__ready=True, state="junk", body=BODY.encode()
    )
    return made


def test_a_manager_reads_it_as_text_and_that_is_logged(manager: Client, callback: Callback) -> None:
    page = manager.get(page_of(callback))
    assert f'action="{page_of(callback, "body")}"' in page.content.decode()
    assert b"knee" not in page.content
    assert not AccessEntry.objects.exists()
    shown = manager.get(page_of(callback, "body")).content.decode()
    assert "knee &lt;i&gt;pain&lt;/i&gt;" in shown
    entry = AccessEntry.objects.get()
    assert (entry.action, entry.object_type, entry.object_ids) == ("read", "callback", [str(callback.pk)])
    assert entry.clinic == callback.clinic


def test_others_do_not(viewer: Client, reviewer: Client, callback: Callback) -> None:
    for desk in (viewer, reviewer):
        assert page_of(callback, "body") not in desk.get(page_of(callback)).content.decode()
        assert desk.get(page_of(callback, "body")).status_code == 403
    assert not AccessEntry.objects.exclude(action="refused").exists()


def test_it_is_not_kept_by_browsers_and_not_posted_to(manager: Client, callback: Callback) -> None:
    assert "no-store" in manager.get(page_of(callback, "body"))["Cache-Control"]
    assert manager.post(page_of(callback, "body")).status_code == 405


def test_a_body_that_is_not_text_is_shown_all_the_same(operator: Client, callback: Callback) -> None:
    Callback.objects.filter(pk=callback.pk).update(body=b"\xff\x00knee")
    assert "knee" in operator.get(page_of(callback, "body")).content.decode()


def test_of_a_long_body_only_the_beginning(operator: Client, callback: Callback) -> None:
    Callback.objects.filter(pk=callback.pk).update(body=b"x" * SHOWN_BYTES + b"knee")
    shown = operator.get(page_of(callback, "body")).content.decode()
    assert "knee" not in shown
    assert "Only its beginning is shown." in shown


def test_a_body_no_longer_kept(manager: Client, callback: Callback) -> None:
    Callback.objects.filter(pk=callback.pk).update(body=None)
    page = manager.get(page_of(callback)).content.decode()
    assert "It is no longer kept." in page
    assert 'value="process_again"' not in page
