"""What a file really is."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest

from ingest.probe import NotAudio, probe
from tests.ingest.sounds import encoded

TYPES = {
    "aac": "audio/aac",
    "webm": "audio/webm",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "flac": "audio/flac",
}


@pytest.mark.parametrize("suffix", TYPES)
def test_each_format_is_known_by_its_bytes_and_measured(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / "no-ending"
    file.write_bytes(encoded(suffix, seconds=2.5))
    sound = probe(file)
    assert sound.content_type == TYPES[suffix]
    assert sound.duration_ms == pytest.approx(2500, abs=100)


@pytest.mark.parametrize(
    ("codec", "content_type"),
    [
        ("libopus", "audio/webm"),
        ("aac", "audio/webm; codecs=aac"),
        ("flac", "audio/webm; codecs=flac"),
        ("pcm_s16le", "audio/webm; codecs=pcm_s16le"),
    ],
)
def test_what_is_in_it_is_told_of_webm_that_is_not_opus(codec: str, content_type: str, tmp_path: Path) -> None:
    file = tmp_path / "no-ending"
    file.write_bytes(encoded("matroska", seconds=2.5, codec=codec))
    sound = probe(file)
    assert sound.content_type == content_type
    assert sound.duration_ms == pytest.approx(2500, abs=100)


def test_a_header_that_lies_about_the_length_is_not_believed(tmp_path: Path) -> None:
    content = io.BytesIO()
    with wave.open(content, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.setnframes(8000 * 3600)
        out.writeframesraw(bytes(16_000 * 2))
    raw = bytearray(content.getvalue())
    raw[40:44] = (16_000 * 3600).to_bytes(4, "little")
    file = tmp_path / "liar"
    file.write_bytes(raw)
    assert probe(file).duration_ms == pytest.approx(2000, abs=50)


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    inner = tmp_path / "inner.wav"
    inner.write_bytes(encoded("wav"))
    playlist = tmp_path / "list"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{inner}\n#EXT-X-ENDLIST\n")
    with pytest.raises(NotAudio):
        probe(playlist)


def test_a_missing_file_is_no_audio(tmp_path: Path) -> None:
    with pytest.raises(NotAudio):
        probe(tmp_path / "nothing")


def test_timestamps_that_jump_for_years_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "years"
    file.write_bytes(encoded("webm", seconds=0.5, jump=3_000_000))
    with pytest.raises(NotAudio, match="longer than a day"):
        probe(file)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "webm"])
def test_recordings_joined_to_one_are_refused(suffix: str, tmp_path: Path) -> None:
    """Their times begin again: the second one's words would be lost."""
    file = tmp_path / "joined"
    file.write_bytes(encoded(suffix) + encoded(suffix, pitch=300))
    with pytest.raises(NotAudio, match="Upload each by itself"):
        probe(file)


@pytest.mark.parametrize(("channels", "is_taken"), [(8, True), (40, False)])
def test_what_cannot_be_made_mono_is_refused(channels: int, is_taken: bool, tmp_path: Path) -> None:
    file = tmp_path / "many"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(bytes(2 * channels * 16_000))
    if is_taken:
        assert probe(file).duration_ms == 1000
    else:
        with pytest.raises(NotAudio):
            probe(file)
