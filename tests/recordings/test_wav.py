"""Reading WAV files as they are."""

from __future__ import annotations

import io
import random
import struct
import wave

import pytest

from recordings import wav as reading
from recordings.wav import LONGEST_MS, NotWav, Sound
from tests.recordings.store import sound, wav

PCM = sound(1)
OTHER = b"LIST" + struct.pack("<I", 7) + b"comment" + b"\0"


def read(content: bytes) -> Sound:
    return reading.read(len(content), lambda offset, length: content[offset : offset + length])


def heard(content: bytes) -> bytes:
    found = read(content)
    return content[found.start : found.start + found.size]


@pytest.mark.parametrize(("before", "after"), [(b"", b""), (OTHER, b""), (b"", OTHER), (OTHER * 3, OTHER * 2)])
def test_the_sound_is_found_among_other_chunks(before: bytes, after: bytes) -> None:
    content = wav(PCM, before=before, after=after)
    assert heard(content) == PCM
    assert read(content).header_holds
    assert read(content).duration_ms == 1000


@pytest.mark.parametrize("said", [0, 1, 7, 1000, len(PCM) + 1, 2**31, 0xFFFFFFFF])
def test_a_length_that_is_not_true_is_not_believed(said: int) -> None:
    content = wav(PCM, said=said)
    assert heard(content) == PCM
    assert not read(content).header_holds


def test_half_a_sample_at_the_end_is_no_sound() -> None:
    assert heard(wav(PCM, said=0xFFFFFFFF) + b"\1") == PCM


def test_a_recording_of_nothing_is_one() -> None:
    found = read(wav(b""))
    assert (found.size, found.duration_ms, found.header_holds) == (0, 0, True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        wav(PCM)[:43],
        b"RIFX" + wav(PCM)[4:],
        wav(PCM)[:8] + b"AVI " + wav(PCM)[12:],
        wav(PCM, rate=1),
        wav(PCM)[:20] + struct.pack("<H", 85) + wav(PCM)[22:],  # MP3 in a WAV
        wav(PCM)[:22] + struct.pack("<H", 0) + wav(PCM)[24:],
        wav(PCM)[:32] + struct.pack("<H", 9) + wav(PCM)[34:],
        b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 1000,
        b"RIFF\0\0\0\0WAVEdata" + struct.pack("<I", 4) + b"abcd",
    ],
)
def test_what_is_no_wav_is_none(content: bytes) -> None:
    with pytest.raises(NotWav):
        read(content)


def test_whatever_a_header_says_nothing_but_NotWav_comes_of_it() -> None:
    chance, content = random.Random(6), wav(PCM, before=OTHER)  # noqa: S311
    for _ in range(5000):
        broken = bytearray(content[: chance.randrange(len(content))])
        for _ in range(chance.randrange(8)):
            if broken:
                broken[chance.randrange(min(80, len(broken)))] = chance.randrange(256)
        try:
            found = read(bytes(broken))
        except NotWav:
            continue
        assert 0 <= found.start <= found.start + found.size <= len(broken)
        assert 0 <= found.duration_ms <= LONGEST_MS


def test_a_joined_header_is_read_by_others_too() -> None:
    form = read(wav(PCM)).form
    joined = reading.header(form, 2 * len(PCM)) + PCM + PCM
    with wave.open(io.BytesIO(joined)) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (len(PCM), 16_000, 1)
        assert file.readframes(file.getnframes()) == PCM + PCM
    assert read(joined) == Sound(form, 44, 2 * len(PCM), header_holds=True)
