"""Keeping a session's audio: hashed and copied in constant memory, looked at, then stored under its own hash."""

from __future__ import annotations

import hashlib
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, transaction
from django.db.models import Max

from access import log
from access.log import Actor
from access.models import AccessEntry
from config import files
from feed import events
from ingest import probe, states, tasks
from ingest.models import Audio, Session
from recordings import waveforms

CHUNK = 256 * 1024
ABANDONED_AFTER = 24 * 3600


class EmptyBody(Exception):
    """Nothing was sent."""


class AudioTooLarge(Exception):
    """More than AUDIO_MAX_BYTES."""


class SessionClosed(Exception):
    """The session takes no more audio."""


def keep_audio(session: Session, body: BinaryIO, *, by: Actor) -> tuple[Audio, bool]:
    """Stores what `body` holds as the session's next audio; bytes that are there already give that Audio and False.

    Raises EmptyBody, AudioTooLarge, SessionClosed, probe.NotAudio, and Session.DoesNotExist where it was removed
    meanwhile; then nothing is kept.
    """
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tidy(folder)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:
        path = Path(copy.name)
        try:
            size, sha256 = _copy(body, copy)
            if known := Audio.objects.filter(session=session, sha256=sha256).first():
                return known, False
            if session.state == Session.State.CLOSED:
                raise SessionClosed
            connection.close()  # a long recording takes seconds to look at: no connection waits for that
            sound = probe.probe(path)
            key = f"audio/{session.clinic_id}/{session.pk}/{sha256}"
            files.keep(key, path, copy)
            return _record(session.pk, key, size, sha256, sound, by)
        finally:
            with suppress(FileNotFoundError):
                path.unlink()


def tidy(folder: Path) -> None:
    """Deletes what a killed process left of an upload, on the machine where it stands."""
    for leftover in folder.glob("tmp*"):
        with suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > ABANDONED_AFTER:
                leftover.unlink()


def _copy(body: BinaryIO, copy: IO[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while chunk := body.read(CHUNK):
        size += len(chunk)
        if size > settings.AUDIO_MAX_BYTES:
            raise AudioTooLarge
        digest.update(chunk)
        copy.write(chunk)
    if not size:
        raise EmptyBody
    copy.flush()
    return size, digest.hexdigest()


def _record(session_id: UUID, key: str, size: int, sha256: str, sound: probe.Sound, by: Actor) -> tuple[Audio, bool]:
    """The row for what is stored. Where there can be none, the stored bytes go too."""
    try:
        return _insert(session_id, key, size, sha256, sound, by)
    except (SessionClosed, Session.DoesNotExist, DatabaseError):
        if not Audio.objects.filter(storage_key=key).exists():
            default_storage.delete(key)
        raise


@transaction.atomic
def _insert(session_id: UUID, key: str, size: int, sha256: str, sound: probe.Sound, by: Actor) -> tuple[Audio, bool]:
    session = Session.objects.select_for_update(no_key=True).get(pk=session_id)
    if known := session.audio.filter(sha256=sha256).first():
        return known, False
    if session.state == Session.State.CLOSED:
        raise SessionClosed
    audio = Audio.objects.create(
        clinic_id=session.clinic_id,
        session=session,
        number=(session.audio.aggregate(last=Max("number"))["last"] or 0) + 1,
        storage_key=key,
        content_type=sound.content_type,
        size=size,
        duration_ms=sound.duration_ms,
        sha256=sha256,
    )
    if states.SESSION.moves(session.state, Session.State.RECORDING):
        Session.objects.filter(pk=session.pk).update(state=Session.State.RECORDING)
    log.record(by, AccessEntry.Action.CHANGED, [audio], mode="uploaded")
    events.record("audio.created", clinic_id=session.clinic_id, object_id=audio.pk, session=str(session.pk))
    waveforms.want(audio)
    transaction.on_commit(tasks.ring_waveforms)
    return audio, True
