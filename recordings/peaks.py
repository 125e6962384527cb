"""How loud a file is over time: `python -m recordings.peaks <file> <milliseconds>` prints {"peaks"} or {"error"}.

It runs in a process of its own, with limits (config.decoding), and in constant memory.
"""

from __future__ import annotations

import json
import os
import sys
from array import array
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from config import decoding

SECONDS = 300
PARTS = 600
RATE = 8000  # what is drawn is speech: below 4 kHz


def measure(path: str, duration_ms: int) -> list[int]:
    """The loudest moment of each of 600 equal parts, of both sides together, in hundredths of the loudest of all."""
    loudest, length = [0] * PARTS, max(1, duration_ms * RATE // 1000)
    with decoding.opened(path) as container:
        for at, samples in sound(container):
            place(samples, at, length, loudest)
    top = max(loudest) or 1
    return [round(100 * peak / top) for peak in loudest]


def sound(container: Any) -> Iterator[tuple[int, array[int]]]:
    """Mono at RATE, with the number of its first sample since the beginning."""
    import av

    resampler: Any = None
    form, begun, at = None, None, 0
    for frame in frames(container):
        if (frame.format.name, frame.layout.name, frame.sample_rate) != form:  # it may change on the way
            form = (frame.format.name, frame.layout.name, frame.sample_rate)
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        if frame.time is not None:
            begun = frame.time if begun is None else begun
            at = round((frame.time - begun) * RATE)
        for piece in resampler.resample(frame):
            samples = array("h", memoryview(piece.planes[0])[: 2 * piece.samples].tobytes())
            yield at, samples
            at += len(samples)


def frames(container: Any) -> Iterator[Any]:
    """All that can be decoded. Players go on after a broken packet too."""
    import av

    for packet in container.demux(container.streams.audio[0]):
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()


def place(samples: array[int], at: int, length: int, loudest: list[int]) -> None:
    """Raises the parts that the samples fall into, of `length` samples altogether."""
    while samples:
        part = min(PARTS - 1, at * PARTS // length)
        fit = -(-(part + 1) * length // PARTS) - at if part < PARTS - 1 else len(samples)
        here, samples = samples[:fit], samples[fit:]
        loudest[part] = max(loudest[part], max(here), -min(here))
        at += fit


def main(path: str, duration_ms: str) -> None:
    decoding.confine(SECONDS)
    os.nice(10)  # nobody waits for a drawing
    try:
        found: dict[str, Any] = {"peaks": measure(path, int(duration_ms))}
    except Exception as error:  # FFmpeg has dozens of ways to say that it cannot read a file
        found = {"error": type(error).__name__}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
