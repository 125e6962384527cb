"""An audio of the clinic whose bytes are in the storage, and a recording that its vendor keeps."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from access.models import Clinic
from recordings.models import Recording
from tests.factories import AudioFactory, RecordingFactory, SessionFactory
from tests.recordings.store import Keeper, Store, keeping, sound, wav
from vendors import VENDORS

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


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as store:
        yield store


@pytest.fixture
def keeper(store: Store, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """A vendor that keeps one recording of one part."""
    keeper = Keeper(store, [(1, "one")])
    store.files["one"] = wav(sound(2))
    settings.OUTBOUND_ALLOW = [ipaddress.ip_network("127.0.0.0/8")]
    monkeypatch.setitem(VENDORS, "suki", keeping(keeper))
    return keeper


@pytest.fixture
def recording(storage: Path, clinic: Clinic, keeper: Keeper) -> Recording:
    """At its vendor, and due."""
    return a_recording(clinic)


def a_recording(clinic: Clinic, **facts: Any) -> Recording:
    now = timezone.now()
    given = {"next_attempt_at": now, "available_until": now + timedelta(days=7), "account__options": FAST}
    made: Recording = RecordingFactory(session__clinic=clinic, **(given | facts))
    return made


#: As often as tests like.
FAST = {"recordings_per_second": 1000}
