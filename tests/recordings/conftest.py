"""An audio of the clinic whose bytes are in the storage."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from access.models import Clinic
from tests.factories import AudioFactory, SessionFactory

BYTES = bytes(range(256)) * 40


def stored(storage: Path, clinic: Clinic, content: bytes = BYTES, **facts: Any) -> Any:
    session, sha256 = SessionFactory(clinic=clinic), hashlib.sha256(content).hexdigest()
    audio = AudioFactory(session=session, size=len(content), sha256=sha256, **facts)
    file = storage / audio.storage_key
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return audio


@pytest.fixture
def audio(storage: Path, clinic: Clinic) -> Any:
    return stored(storage, clinic)
