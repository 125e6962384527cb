"""The sample consultation is what its description says."""

import hashlib

import av

from sandbox.nabla.templates import TEMPLATES
from sandbox.sample import AUDIO, sample


def test_the_description_belongs_to_the_audio() -> None:
    assert hashlib.sha256(AUDIO.read_bytes()).hexdigest() == sample()["sha256"]


def test_the_audio_is_short_mono_16_khz_flac() -> None:
    with av.open(str(AUDIO)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.channels) == ("flac", 16_000, 1)
        samples = sum(frame.samples for frame in container.decode(stream))
    assert abs(samples / 16 - sample()["duration_ms"]) < 1
    assert 30_000 <= sample()["duration_ms"] <= 60_000
    assert AUDIO.stat().st_size < 1_500_000


def test_speech_is_where_the_transcript_says_and_silence_between() -> None:
    with av.open(str(AUDIO)) as container:
        samples = b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in container.decode(audio=0))
    values = memoryview(samples).cast("h")

    def loudest(start_ms: int, end_ms: int) -> int:
        return max(map(abs, values[start_ms * 16 : end_ms * 16]))

    end_before = 0
    for item in sample()["transcript"]:
        start, end = item["start_offset_ms"], item["end_offset_ms"]
        assert loudest(end_before + 2, start - 2) < 250
        assert loudest(start, end) > 5000
        end_before = end


def test_the_note_has_known_sections_in_the_template_order() -> None:
    keys = [section["key"] for section in sample()["note"]["sections"]]
    order = list(TEMPLATES["GENERAL_MEDICINE"].sections)
    assert keys == sorted(keys, key=order.index)
    assert len(keys) == len(set(keys)) >= 8
    assert all(set(one) == {"key", "title", "text"} and one["text"] for one in sample()["note"]["sections"])
