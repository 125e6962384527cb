from __future__ import annotations

import hashlib
import io
import math
import struct
import wave
from pathlib import Path
from typing import Any

import pytest

from access.models import Clinic
from ingest.models import Audio, Session
from tests.factories import SessionFactory
from tests.rest.api import Api, assert_problem

# Keeping audio gives its database connection back while it looks at the file.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("storage")]


@pytest.fixture
def session(transactional_db: None, clinic: Clinic) -> Session:
    return SessionFactory(clinic=clinic)


def tone(hertz: int = 440) -> bytes:
    """A second of WAV."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = (int(9000 * math.sin(2 * math.pi * hertz * at / 8000)) for at in range(8000))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()


def test_audio_is_kept_and_shown(api: Api, session: Session, storage: Path) -> None:
    response = api.put(f"sessions/{session.pk}/audio", tone(), content_type="audio/wav")
    assert response.status_code == 201
    shown = response.json()
    expected = {
        "number": 1,
        "sha256": hashlib.sha256(tone()).hexdigest(),
        "bytes": len(tone()),
        "content_type": "audio/wav",
        "duration_ms": 1000,
        "session": str(session.pk),
    }
    assert shown | expected == shown
    audio = Audio.objects.get()
    assert str(audio.pk) == shown["id"]
    assert (storage / audio.storage_key).read_bytes() == tone()


def test_bytes_that_nobody_has_named_are_what_they_are(api: Api, session: Session) -> None:
    response = api.put(f"sessions/{session.pk}/audio", tone(), content_type="application/octet-stream")
    assert (response.status_code, response.json()["content_type"]) == (201, "audio/wav")


def test_the_same_bytes_are_the_same_audio_and_others_the_next(api: Api, session: Session) -> None:
    path = f"sessions/{session.pk}/audio"
    first = api.put(path, tone(), content_type="audio/wav").json()
    again = api.put(path, tone(), content_type="audio/x-wav; rate=8000")
    assert (again.status_code, again.json()) == (200, first)
    second = api.put(path, tone(880), content_type="AUDIO/WAV")
    assert (second.status_code, second.json()["number"]) == (201, 2)


@pytest.mark.parametrize("content_type", ["application/json", "video/webm", "audio/", "audio", "text/audio/wav", ""])
def test_only_audio_is_taken_by_its_header(api: Api, session: Session, content_type: str) -> None:
    response = api.put(f"sessions/{session.pk}/audio", tone(), content_type=content_type)
    assert "WAV" in assert_problem(response, 415)["detail"]
    assert not Audio.objects.exists()


@pytest.mark.parametrize("body", [b"hello", b"#EXTM3U\nhttp://127.0.0.1/a", b"RIFF\0\0\0\0WAVE", b"\0" * 5000])
def test_bytes_that_are_no_audio_are_refused(api: Api, session: Session, storage: Path, body: bytes) -> None:
    assert_problem(api.put(f"sessions/{session.pk}/audio", body, content_type="audio/wav"), 415)
    assert not Audio.objects.exists()
    assert not [path for path in storage.rglob("*") if path.is_file()]


def test_an_empty_body_is_refused(api: Api, session: Session) -> None:
    assert_problem(api.put(f"sessions/{session.pk}/audio", b"", CONTENT_TYPE="audio/wav"), 422, "body")


def test_audio_over_the_limit_is_refused(api: Api, session: Session, settings: Any) -> None:
    settings.AUDIO_MAX_BYTES = 1000
    assert_problem(api.put(f"sessions/{session.pk}/audio", tone(), content_type="audio/wav"), 413)
    assert not Audio.objects.exists()


def test_what_was_taken_is_told_again_once_the_session_is_closed(api: Api, session: Session) -> None:
    """Its answer was lost, and another program has closed the session."""
    first = api.put(f"sessions/{session.pk}/audio", tone(), content_type="audio/wav")
    Session.objects.update(state="closed")
    again = api.put(f"sessions/{session.pk}/audio", tone(), content_type="audio/wav")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]


def test_a_closed_session_takes_no_audio(api: Api, session: Session) -> None:
    Session.objects.update(state="closed")
    assert_problem(api.put(f"sessions/{session.pk}/audio", tone(), content_type="audio/wav"), 409)


def test_a_stranger_adds_no_audio(stranger: Api, session: Session) -> None:
    assert_problem(stranger.put(f"sessions/{session.pk}/audio", tone(), content_type="audio/wav"), 404)
    assert not Audio.objects.exists()
