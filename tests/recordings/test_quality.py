"""How an audio sounds: measured on real sounds, judged in words, shown wherever the audio is."""

from __future__ import annotations

from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from access.models import Clinic
from recordings import peaks, waveforms
from recordings.models import Waveform
from recordings.quality import Quality, judged
from tests.admin.conftest import member
from tests.factories import AsyncRequestFactory, NoteFactory, SubmissionFactory
from tests.ingest.sounds import CODECS, encoded, recorded
from tests.recordings.conftest import stored
from tests.recordings.test_waveforms import due, tone, wav_of
from tests.rest.api import Api

pytestmark = pytest.mark.django_db
GOOD = Quality(
    sample_rate_hertz=16_000,
    channels=1,
    duration_ms=600_000,
    level_db=-26.0,
    peak_db=-9.0,
    clipped=0.0,
    silent=0.3,
    longest_silence_ms=20_000,
)


def heard(folder: Path, content: bytes) -> Quality:
    file = folder / "sound"
    file.write_bytes(content)
    return peaks.measure(str(file), 0)[1]


# --- Judged
@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, []),
        ({"level_db": -40.1}, ["Very quiet: move the microphone nearer."]),
        ({"level_db": -40.0}, []),
        ({"clipped": 0.031}, ["Distorted: 3 % of it is clipped. Turn the recording level down."]),
        ({"clipped": 0.0023}, ["Distorted: 0.2 % of it is clipped. Turn the recording level down."]),
        ({"clipped": 0.0019}, []),
        ({"silent": 0.91}, ["Mostly silence: 91 % of the time."]),
        ({"silent": 0.91, "longest_silence_ms": 500_000}, ["Mostly silence: 91 % of the time."]),
        (
            {"longest_silence_ms": 6 * 60_000 + 59_000},
            ["Nothing is heard for 6 minutes at a stretch: was the microphone muted?"],
        ),
        ({"longest_silence_ms": 5 * 60_000 - 1}, []),
        ({"sample_rate_hertz": 8000}, ["Recorded at 8 kHz: vendors understand 16 kHz better."]),
        ({"sample_rate_hertz": 11_025}, ["Recorded at 11.025 kHz: vendors understand 16 kHz better."]),
        (
            {"level_db": None, "peak_db": None, "silent": 1.0, "longest_silence_ms": 600_000},
            ["Nothing but silence: check that the microphone is on."],
        ),
    ],
)
def test_what_should_be_better_is_said_in_words(facts: dict[str, Any], words: list[str]) -> None:
    assert judged(replace(GOOD, **facts)) == words


def test_all_that_is_wrong_is_said() -> None:
    assert len(judged(replace(GOOD, level_db=-50, clipped=0.5, silent=0.9, sample_rate_hertz=8000))) == 4


# --- Measured
@pytest.mark.parametrize("suffix", CODECS)
def test_every_format_is_measured_alike(suffix: str, tmp_path: Path) -> None:
    found = heard(tmp_path, encoded(suffix, seconds=4))  # of 12,000, which is -8.7 dBFS, and 3 dB less as RMS
    assert (found.sample_rate_hertz, found.channels, found.clipped) == (48_000, 1, 0)
    assert found.duration_ms == pytest.approx(4000, abs=60)
    assert found.level_db == pytest.approx(-11.7, abs=0.7)
    assert found.peak_db == pytest.approx(-8.7, abs=0.7)
    assert found.silent < 0.02
    assert found.longest_silence_ms < 100
    assert judged(found) == []


@pytest.mark.parametrize("suffix", CODECS)
def test_what_is_clipped_is_heard_in_every_format(suffix: str, tmp_path: Path) -> None:
    found = heard(tmp_path, encoded(suffix, seconds=4, loudness=60_000))
    assert found.clipped > 0.02
    (words,) = judged(found)
    assert words.startswith("Distorted")


def test_what_is_clipped_is_counted(tmp_path: Path) -> None:
    """A sine of twice the scale is beyond it for two thirds of the time, and of one side in two for a third."""
    both = heard(tmp_path, wav_of(*[[max(-32_768, min(32_767, 2 * one)) for one in tone(2, 1.0)]] * 2))
    assert both.clipped == pytest.approx(2 / 3, abs=0.03)
    one = heard(tmp_path, wav_of([max(-32_768, min(32_767, 2 * one)) for one in tone(2, 1.0)], tone(2, 0.2)))
    assert one.clipped == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize(("form", "layout", "channels"), [("u8", "mono", 1), ("s32", "stereo", 2), ("flt", "5.1", 6)])
def test_any_form_of_samples_is_measured(form: str, layout: str, channels: int, tmp_path: Path) -> None:
    found = heard(tmp_path, recorded(44_100, form, layout))
    assert (found.sample_rate_hertz, found.channels, found.clipped) == (44_100, channels, 0)
    assert found.level_db == pytest.approx(-11.7, abs=0.5)


def test_the_level_is_that_of_what_is_not_silent(tmp_path: Path) -> None:
    found = heard(tmp_path, wav_of(tone(1, 0.05) + [0] * 8000 * 6 + tone(1, 0.05) + [0] * 8000 * 2))
    assert found.level_db == pytest.approx(-29.2, abs=0.5)
    assert found.silent == pytest.approx(0.8, abs=0.05)
    assert found.longest_silence_ms == pytest.approx(6000, abs=400)


def test_silence_at_the_end_is_silence_too(tmp_path: Path) -> None:
    assert heard(tmp_path, wav_of(tone(1, 0.5) + [0] * 8000 * 4)).longest_silence_ms == pytest.approx(4000, abs=400)


def test_a_gap_between_timestamps_is_silence(tmp_path: Path) -> None:
    found = heard(tmp_path, encoded("webm", seconds=2, jump=6))
    assert (found.duration_ms, found.longest_silence_ms) == pytest.approx((8000, 6000), abs=100)
    assert found.silent == pytest.approx(0.75, abs=0.02)


def test_the_hum_of_a_microphone_that_is_off_is_silence(tmp_path: Path) -> None:
    found = heard(tmp_path, wav_of(tone(2, 0.0005)))
    assert (found.level_db, found.silent) == (None, 1)
    assert judged(found)[0].startswith("Nothing but silence")


# --- Kept and shown
@pytest.fixture
def quiet(storage: Path, clinic: Clinic) -> Any:
    """An audio that a worker has looked at, and found something to say of."""
    waveform = due(storage, clinic, wav_of(tone(2, 0.005)))
    waveforms.draw_due()
    return waveform.audio


WORDS = ["Very quiet: move the microphone nearer.", "Recorded at 8 kHz: vendors understand 16 kHz better."]


def test_it_is_kept_with_the_waveform(quiet: Any) -> None:
    kept = Waveform.objects.get(audio=quiet)
    assert kept.quality is not None
    assert kept.quality["level_db"] == pytest.approx(-49.2, abs=0.5)
    assert kept.warnings == WORDS


def test_the_sessions_page_says_it(quiet: Any, clinic: Clinic) -> None:
    page = shown(member(clinic, "viewer"), "session", quiet.session_id)
    assert all(words in page for words in WORDS)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"next_attempt_at": None}, "Not looked at yet"),
        ({"problem": "unreadable"}, "The bytes could not be decoded."),
        ({"quality": asdict(GOOD)}, "Good"),
    ],
)
def test_the_sessions_page_says_what_is_known(storage: Path, clinic: Clinic, facts: dict[str, Any], words: str) -> None:
    waveform = due(storage, clinic, b"x")
    Waveform.objects.filter(pk=waveform.pk).update(**facts)
    assert words in shown(member(clinic, "viewer"), "session", waveform.audio.session_id)


def test_the_page_of_a_request_for_it_says_it_and_it_is_sent_all_the_same(quiet: Any, clinic: Clinic) -> None:
    request = AsyncRequestFactory(session=quiet.session, audio=quiet)
    SubmissionFactory(request=request)
    assert " ".join(WORDS) in shown(member(clinic, "viewer"), "asyncrequest", request.pk)


def test_the_player_beside_a_note_says_it(quiet: Any, clinic: Clinic) -> None:
    note = NoteFactory(request=AsyncRequestFactory(session=quiet.session, audio=quiet, ready=True))
    page = member(clinic, "viewer").get(reverse("admin:notes_note_change", args=[note.pk])).content.decode()
    assert " ".join(WORDS) in page


def shown(client: Client, model: str, pk: Any) -> str:
    return client.get(reverse(f"admin:ingest_{model}_change", args=[pk])).content.decode()


@pytest.mark.django_db(transaction=True)
def test_rest_tells_it(clinic: Clinic, api: Api, storage: Path) -> None:
    session = api.post("sessions", {"kind": "ambient", "language": "en-US", "consent": True}).json()["id"]
    kept = api.put(f"sessions/{session}/audio", wav_of(tone(2, 0.005)), content_type="audio/wav").json()
    assert kept["quality"] is None
    waveforms.draw_due()
    (listed,) = api.get(f"sessions/{session}/audio").json()["results"]
    told = {"sample_rate_hertz": 8000, "channels": 1, "duration_ms": 2000, "clipped": 0.0, "warnings": WORDS}
    assert listed["quality"] | told == listed["quality"]
    assert listed | {"quality": None} == kept


# --- manage.py check_audio
def checked(what: object) -> str:
    out = StringIO()
    call_command("check_audio", str(what), stdout=out)
    return out.getvalue()


def test_a_file_is_checked_without_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some.wav").write_bytes(recorded(8000, "s16", "stereo"))
    monkeypatch.chdir(tmp_path)
    assert checked("some.wav").splitlines() == [
        "some.wav",
        "  length   0:02",
        "  source   8 kHz, stereo",
        "  level    -11.7 dBFS, peak -8.7 dBFS",
        "  clipped  0.0 %",
        "  silent   0.0 %, at most 0:00 at a stretch",
        "  Recorded at 8 kHz: vendors understand 16 kHz better.",
    ]


def test_an_audio_and_all_of_a_session_are_checked(quiet: Any) -> None:
    of_audio, of_session = checked(quiet.pk), checked(quiet.session_id)
    assert of_audio == of_session
    assert of_audio.startswith(f"audio {quiet.number} ({quiet.pk})\n")
    assert WORDS[0] in of_audio


@pytest.mark.parametrize(
    "content", [b"not audio at all" * 100, wav_of([]), b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n"]
)
def test_what_cannot_be_decoded_is_said_and_is_an_exit(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "some").write_bytes(content)
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("check_audio", str(tmp_path / "some"), stdout=out)
    assert "It cannot be decoded." in out.getvalue()


def test_bytes_that_are_gone_are_said_and_are_an_exit(storage: Path, clinic: Clinic) -> None:
    audio = stored(storage, clinic)
    (storage / audio.storage_key).unlink()
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("check_audio", str(audio.pk), stdout=out)
    assert "The bytes are not in the storage." in out.getvalue()


@pytest.mark.parametrize("unknown", [uuid4(), "/nowhere/some.wav"])
def test_what_is_nowhere_is_said(db: None, unknown: object) -> None:
    with pytest.raises(CommandError, match=r"^There is no (session with audio and no audio|file) "):
        checked(unknown)
