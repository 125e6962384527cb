"""What is drawn of an audio: its shape, and that nothing hostile or dying keeps it from being drawn or from ending."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import threading
import time
import wave
from array import array
from datetime import timedelta
from itertools import chain
from math import pi, sin
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import IntegrityError, transaction
from django.utils import timezone

from access import log
from access.models import Clinic
from config import leases
from config.decoding import ROOT
from ingest import uploads
from recordings import peaks, waveforms
from recordings.models import Waveform
from tests.factories import SessionFactory
from tests.ingest.sounds import encoded
from tests.recordings.conftest import stored

pytestmark = pytest.mark.django_db
RATE = 8000
SUFFIXES = ["aac", "webm", "m4a", "mp3", "ogg", "wav", "flac"]


def tone(seconds: float, loudness: float) -> list[int]:
    return [round(32_000 * loudness * sin(2 * pi * 200 * at / RATE)) for at in range(round(seconds * RATE))]


def wav_of(*sides: list[int]) -> bytes:
    """One side is mono, two are stereo."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(len(sides))
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(array("h", chain.from_iterable(zip(*sides, strict=True))).tobytes())
    return file.getvalue()


def measured(folder: Path, content: bytes, duration_ms: int) -> list[int]:
    file = folder / "sound"
    file.write_bytes(content)
    return peaks.measure(str(file), duration_ms)[0]


def due(storage: Path, clinic: Clinic, content: bytes, duration_ms: int = 2000) -> Waveform:
    audio = stored(storage, clinic, content, duration_ms=duration_ms)
    waveforms.want(audio)
    return Waveform.objects.get(audio=audio)


# --- Its shape
def test_loud_quiet_and_silent_stretches_stand_where_they_are(tmp_path: Path) -> None:
    found = measured(tmp_path, wav_of(tone(2, 0.8) + tone(2, 0.2) + [0] * (2 * RATE)), 6000)
    assert len(found) == 600
    assert set(found[:199]) == {100}
    assert found[201:399] == pytest.approx([25] * 198, abs=1)
    assert set(found[401:]) == {0}


def test_a_quiet_recording_is_drawn_as_high_as_a_loud_one(tmp_path: Path) -> None:
    assert min(measured(tmp_path, wav_of(tone(2, 0.05)), 2000)) >= 99


def test_silence_is_flat(tmp_path: Path) -> None:
    assert measured(tmp_path, wav_of([0] * RATE), 1000) == [0] * 600


def test_both_sides_are_drawn_together(tmp_path: Path) -> None:
    left, right = tone(1, 0.5) + [0] * RATE, [0] * RATE + tone(1, 0.5)
    found = measured(tmp_path, wav_of(left, right), 2000)
    assert min(found[:299]) > 95
    assert min(found[301:]) > 95


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_accepted_format_is_drawn(suffix: str, tmp_path: Path) -> None:
    found = measured(tmp_path, encoded(suffix, seconds=3), 3000)
    assert (len(found), max(found)) == (600, 100)
    assert sorted(found)[30] > 60  # a tone, but for what the codec makes of its ends


def test_a_gap_between_timestamps_is_a_gap_in_the_drawing(tmp_path: Path) -> None:
    found = measured(tmp_path, encoded("webm", seconds=2, jump=2), 4000)
    assert min(found[20:140]) > 60
    assert max(found[160:440]) < 10
    assert min(found[460:580]) > 60


def test_a_length_that_is_wrong_or_none_loses_nothing_but_its_place(tmp_path: Path) -> None:
    content = wav_of(tone(1, 0.5) + tone(1, 0.25))
    for duration_ms in (0, 1, 30, 1000, 60_000):
        assert max(measured(tmp_path, content, duration_ms)) == 100


def test_a_broken_stretch_costs_no_more_than_itself(tmp_path: Path) -> None:
    content = bytearray(encoded("mp3", seconds=6))
    third = len(content) // 3
    content[third : third + 2000] = bytes(2000)
    found = measured(tmp_path, bytes(content), 6000)
    assert min(found[20:180]) > 30
    assert min(found[440:560]) > 30  # a frame that is lost moves what follows


# --- From the upload to the drawing
@pytest.mark.django_db(transaction=True)
def test_an_upload_makes_it_due_and_a_worker_draws_it(storage: Path, clinic: Clinic) -> None:
    session = SessionFactory(clinic=clinic)
    audio, _ = uploads.keep_audio(session, io.BytesIO(encoded("ogg")), by=log.command())
    assert waveforms.is_due()
    assert waveforms.draw_due()
    drawn = Waveform.objects.get(audio=audio)
    assert (drawn.clinic_id, drawn.problem, len(drawn.peaks or [])) == (clinic.pk, "", 600)
    assert not waveforms.is_due()
    assert not waveforms.draw_due()


def test_the_newest_is_drawn_first(storage: Path, clinic: Clinic) -> None:
    old, new = [due(storage, clinic, wav_of(tone(1, 0.5))) for _ in range(2)]
    waveforms.draw_due()
    assert [Waveform.objects.get(pk=one.pk).peaks is None for one in (old, new)] == [True, False]


def test_a_process_draws_one_at_a_time(storage: Path, clinic: Clinic) -> None:
    waveform, drawn = due(storage, clinic, wav_of(tone(1, 0.5))), list[bool]()
    with waveforms.one_at_a_time:
        another = threading.Thread(target=lambda: drawn.append(waveforms.draw_due()))
        another.start()
        another.join()
    assert drawn == [False]
    assert Waveform.objects.get(pk=waveform.pk).attempts == 0


def test_one_of_another_clinic_than_its_audio_is_refused(storage: Path, clinic: Clinic, other_clinic: Clinic) -> None:
    waveform = due(storage, clinic, b"x")
    with pytest.raises(IntegrityError, match="clinic"), transaction.atomic():
        Waveform.objects.filter(pk=waveform.pk).update(clinic=other_clinic)


def test_what_is_kept_elsewhere_is_fetched_and_deleted_again(
    storage: Path, clinic: Clinic, settings: Any, tmp_path: Path
) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": f"{__name__}.Elsewhere", "OPTIONS": {"location": str(storage)}}
    }
    waveform = due(storage, clinic, wav_of(tone(1, 0.5)))
    waveforms.draw_due()
    assert max(Waveform.objects.get(pk=waveform.pk).peaks or []) == 100
    assert list((tmp_path / "uploads").iterdir()) == []


class Elsewhere(FileSystemStorage):
    """A storage whose files have no path here, as those of S3 have none."""

    def path(self, name: str) -> str:
        raise NotImplementedError

    def exists(self, name: str) -> bool:
        return Path(self.location, name).exists()

    def _open(self, name: str, mode: str = "rb") -> Any:
        return Path(self.location, name).open(mode)


# --- What goes wrong
def ended(waveform: Waveform) -> Waveform:
    waveform.refresh_from_db()
    assert (waveform.next_attempt_at, waveform.lease_token) == (None, None)
    return waveform


def test_bytes_that_are_gone_are_a_problem_and_a_line_in_the_log(
    storage: Path, clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    waveform = due(storage, clinic, b"x")
    (storage / waveform.audio.storage_key).unlink()
    with caplog.at_level(logging.ERROR, "recordings.waveforms"):
        waveforms.draw_due()
    assert ended(waveform).problem == "missing"
    assert caplog.messages == [f"audio {waveform.audio_id} is not in the storage"]


@pytest.mark.parametrize(
    "content",
    [
        b"not audio at all" * 100,
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"RIFF\xff\xff\xff\xffWAVEfmt ",
    ],
)
def test_what_cannot_be_decoded_is_a_problem_at_once(storage: Path, clinic: Clinic, content: bytes) -> None:
    waveform = due(storage, clinic, content)
    waveforms.draw_due()
    assert (ended(waveform).problem, waveform.peaks) == ("unreadable", None)


def test_a_child_that_dies_is_tried_again_and_given_up_in_the_end(
    storage: Path, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time is up before it begins."""
    monkeypatch.setattr(peaks, "SECONDS", 0)
    waveform = due(storage, clinic, wav_of(tone(1, 0.5)))
    for attempt in range(1, waveforms.ATTEMPTS + 1):
        waveforms.draw_due()
        waveform.refresh_from_db()
        assert (waveform.attempts, waveform.problem) == (attempt, "")
        assert waveform.next_attempt_at
        Waveform.objects.update(next_attempt_at=timezone.now())
    waveforms.draw_due()
    assert ended(waveform).problem == "unreadable"


@pytest.mark.parametrize("limit", ["RLIMIT_CPU", "RLIMIT_AS"])
def test_the_child_has_limits_of_its_own(limit: str) -> None:
    ask = f"from config.decoding import confine, resource; confine(7); print(resource.getrlimit(resource.{limit}))"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert told.strip() == {"RLIMIT_CPU": "(7, 7)", "RLIMIT_AS": f"({2 * 1024**3}, {2 * 1024**3})"}[limit]


def test_what_a_killed_worker_had_begun_is_drawn_by_another(storage: Path, clinic: Clinic) -> None:
    waveform = due(storage, clinic, wav_of(tone(1, 0.5)))
    (lost,) = leases.claim(Waveform, lease=waveforms.LEASE)  # and nothing is heard of it again
    assert not waveforms.draw_due()
    over = timezone.now() - timedelta(seconds=1)
    Waveform.objects.update(lease_until=over, next_attempt_at=over)
    assert waveforms.draw_due()
    assert max(ended(waveform).peaks or []) == 100
    Waveform.objects.update(peaks=None)
    waveforms.draw(lost)  # the first was only slow: what it writes now is written nowhere
    assert Waveform.objects.get(pk=waveform.pk).peaks is None


# --- Before it is sent
def test_what_nobody_has_begun_is_drawn_before_it_is_used(storage: Path, clinic: Clinic) -> None:
    wanted, other = [due(storage, clinic, wav_of(tone(1, 0.5))) for _ in range(2)]
    waveforms.look_first([wanted.audio_id], 20)
    assert ended(wanted).quality is not None
    assert Waveform.objects.get(pk=other.pk).attempts == 0


def test_what_another_worker_is_at_is_waited_for_and_not_for_ever(storage: Path, clinic: Clinic) -> None:
    waveform = due(storage, clinic, wav_of(tone(1, 0.5)))
    leases.claim(Waveform, lease=waveforms.LEASE)
    began = time.monotonic()
    waveforms.look_first([waveform.audio_id], 0.5)
    assert 0.5 <= time.monotonic() - began < 5
    assert Waveform.objects.get(pk=waveform.pk).peaks is None


def test_what_could_not_be_drawn_keeps_nothing_waiting(storage: Path, clinic: Clinic) -> None:
    waveform = due(storage, clinic, wav_of(tone(1, 0.5)))
    again = leases.due_again(timezone.now() + timedelta(minutes=1))
    Waveform.objects.filter(pk=waveform.pk).update(attempts=1, **again)
    began = time.monotonic()
    waveforms.look_first([waveform.audio_id], 20)
    assert time.monotonic() - began < 5
