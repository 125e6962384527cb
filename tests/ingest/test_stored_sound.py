"""An audio's stored bytes as they are sent to a vendor that takes them so."""

from __future__ import annotations

from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
from django.core.files.storage import default_storage

from access.models import Clinic
from ingest.sound import StoredSound
from tests.recordings.conftest import stored
from vendors.base import Speech, VendorError

CONTENT = bytes(range(256)) * 3000


def sound(storage: Path, clinic: Clinic) -> StoredSound:
    return StoredSound(stored(storage, clinic, CONTENT), Speech("en-US"))


@pytest.mark.parametrize("start", [0, 1, 256 * 1024, len(CONTENT) - 1, len(CONTENT)])
def test_they_come_from_any_byte_on_some_at_a_time(start: int, storage: Path, clinic: Clinic) -> None:
    pieces = list(sound(storage, clinic).stored(start))
    assert b"".join(pieces) == CONTENT[start:]
    assert max(map(len, pieces), default=0) <= 256 * 1024


def test_what_is_not_in_the_storage_any_more_is_told(storage: Path, clinic: Clinic) -> None:
    gone = sound(storage, clinic)
    default_storage.delete(gone.audio.storage_key)
    with pytest.raises(VendorError) as caught:
        list(gone.stored(0))
    assert (caught.value.code, caught.value.permanent) == ("audio_missing", True)
    assert gone.audio.storage_key not in caught.value.message


def test_a_storage_that_fails_is_told_and_asked_again(
    storage: Path, clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    broken = sound(storage, clinic)
    path = storage / broken.audio.storage_key
    path.unlink()
    path.mkdir()
    with pytest.raises(VendorError) as caught:
        list(broken.stored(0))
    assert (caught.value.code, caught.value.permanent) == ("storage_failed", False)
    assert broken.audio.storage_key not in caplog.text + "".join(format_exception(caught.value))


def test_so_is_an_s3_that_cannot_be_reached(storage: Path, clinic: Clinic, settings: Any) -> None:
    audio = sound(storage, clinic)
    s3 = {"bucket_name": "b", "access_key": "a", "secret_key": "s", "endpoint_url": "http://127.0.0.1:1"}
    entry = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": s3}
    settings.STORAGES = settings.STORAGES | {"default": entry}
    for read in (audio.stored, audio.frames):
        with pytest.raises(VendorError) as caught:
            list(read(0))
        assert (caught.value.code, caught.value.permanent) == ("storage_failed", False)
