"""An audio's stored bytes as they are sent to a vendor that takes them so."""

from __future__ import annotations

from pathlib import Path

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
