"""Short sounds in every format that is taken, made with the FFmpeg inside PyAV."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np

CODECS = {
    "aac": "aac",
    "webm": "libopus",
    "m4a": "aac",
    "mp3": "mp3",
    "ogg": "libopus",
    "wav": "pcm_s16le",
    "flac": "flac",
}
FORMATS = {"m4a": "ipod", "aac": "adts"}
RATE = 48_000


def encoded(
    suffix: str,
    *,
    seconds: float = 2.0,
    pitch: float = 440.0,
    jump: int = 0,
    loudness: int = 12_000,
    codec: str = "",
) -> bytes:
    """A tone of that length in that format; its second half begins `jump` seconds late. Over 32,767 it is clipped."""
    file = io.BytesIO()
    with av.open(file, "w", format=FORMATS.get(suffix, suffix)) as container:
        stream: Any = container.add_stream(codec or CODECS[suffix], rate=RATE, layout="mono")
        times = np.arange(int(seconds * RATE)) / RATE
        sine = np.sin(2 * np.pi * pitch * times) * loudness
        samples = sine.clip(-32_768, 32_767).astype(np.int16).reshape(1, -1)
        for start in range(0, samples.shape[1], 960):
            late = jump * RATE if start > samples.shape[1] // 2 else 0
            frame = av.AudioFrame.from_ndarray(samples[:, start : start + 960].copy(), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start + late, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def recorded(
    rate: int, form: str, layout: str, *, seconds: int = 2, suffix: str = "wav", loudness: int = 12_000
) -> bytes:
    """A tone of 440 Hz as some device records it: at any rate, in any form of sample, on any number of sides."""
    codec = {"u8": "pcm_u8", "s16": "pcm_s16le", "s32": "pcm_s32le", "flt": "pcm_f32le"}[form]
    file = io.BytesIO()
    times = np.arange(rate) / rate
    side = (np.sin(2 * np.pi * 440 * times) * loudness).astype(np.int16)
    second = np.repeat(side, av.AudioLayout(layout).nb_channels).reshape(1, -1)
    with av.open(file, "w", format=suffix) as container:
        stream: Any = container.add_stream(codec if suffix == "wav" else CODECS[suffix], rate=rate, layout=layout)
        resampler = av.AudioResampler(format=form, layout=layout, rate=rate)
        for at in range(seconds):
            frame = av.AudioFrame.from_ndarray(second, format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, at * rate, Fraction(1, rate)
            for piece in resampler.resample(frame):
                container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()
