"""How a file sounds: `python -m recordings.peaks <file> <milliseconds>` prints {"peaks", "quality"} or {"error"}.

It runs in a process of its own, with limits (config.decoding), decodes the file once, and takes constant memory.
"""

from __future__ import annotations

import json
import os
import sys
from array import array
from dataclasses import asdict
from typing import Any

from config import decoding
from recordings.listener import Listener
from recordings.quality import Quality

SECONDS = 600  # of CPU: a day of Opus takes 240
PARTS = 600
RATE = 8000  # what is drawn is speech: below 4 kHz


def measure(path: str, duration_ms: int) -> tuple[list[int], Quality]:
    """The loudest moment of each of 600 equal parts, of both sides together, in hundredths of the loudest of all.

    Raises whatever FFmpeg has to say of the file, and ValueError where nothing of it is sound.
    """
    loudest, length = [0] * PARTS, max(1, duration_ms * RATE // 1000)
    listener = Listener(RATE)
    with decoding.opened(path) as container:
        for at, sound in decoding.mono(listener.passing(decoding.frames(container)), RATE):
            samples = array("h", sound)
            listener.hear(at, samples)
            place(samples, at, length, loudest)
    if not listener.samples:
        raise ValueError("no sound")
    top = max(loudest)
    return [round(100 * peak / (top or 1)) for peak in loudest], listener.heard(top)


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
        peaks, quality = measure(path, int(duration_ms))
        found: dict[str, Any] = {"peaks": peaks, "quality": asdict(quality)}
    except Exception as error:  # FFmpeg has dozens of ways to say that it cannot read a file
        found = {"error": type(error).__name__}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
