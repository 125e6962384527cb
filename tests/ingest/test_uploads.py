"""What an upload leaves behind when it does not become an audio."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from access import log
from ingest import uploads
from ingest.models import Audio, Session
from tests.factories import SessionFactory
from tests.ingest.sounds import encoded

pytestmark = pytest.mark.django_db(transaction=True)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_session_closed_meanwhile_keeps_no_bytes(storage: Path) -> None:
    """It is closed between the first look at it and the row: the bytes that were stored go again."""
    session: Session = SessionFactory(state="open")
    Session.objects.filter(pk=session.pk).update(state="closed")
    with pytest.raises(uploads.SessionClosed):
        uploads.keep_audio(session, io.BytesIO(encoded("wav")), by=log.command())
    assert files(storage) == []
    assert not Audio.objects.exists()


def test_the_same_bytes_are_stored_once(storage: Path) -> None:
    session: Session = SessionFactory()
    sound = encoded("wav")
    first, created = uploads.keep_audio(session, io.BytesIO(sound), by=log.command())
    assert created
    assert uploads.keep_audio(session, io.BytesIO(sound), by=log.command()) == (first, False)
    (kept,) = files(storage)
    assert kept.read_bytes() == sound


def test_what_a_killed_process_left_is_removed_by_the_next_upload(storage: Path, settings: Settings) -> None:
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir()
    old, fresh = folder / "tmpold", folder / "tmpfresh"
    for file in (old, fresh):
        file.write_bytes(b"x")
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    uploads.keep_audio(SessionFactory(), io.BytesIO(encoded("wav")), by=log.command())
    assert list(folder.iterdir()) == [fresh]
