"""What is measured of a sound while it passes by, in the child that decodes it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from math import log10
from operator import mul
from typing import Any

from config.decoding import form_of
from recordings.quality import SILENCE_DB, Quality

FULL = 32_768
SILENCE = FULL**2 * 10 ** (SILENCE_DB / 10)
#: Of 8 bits without a sign. At the very ends alone, what a lossy format rounds off again would not count.
ENDS = bytes([0, 1, 2, 253, 254, 255])


class Listener:
    """Sees the frames as the file has them, and hears them as mono at `rate`, in pieces of some milliseconds each."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.form: tuple[str, str, int] | None = None
        self.source = (0, 0)
        self.samples = self.clipped = 0
        self.energy = self.loud = self.loud_until = self.until = self.longest_silence = 0

    def passing(self, frames: Iterable[Any]) -> Iterator[Any]:
        for frame in frames:
            self._see(frame)
            yield frame

    def hear(self, at: int, samples: array[int]) -> None:
        """A piece that begins with the sample number `at`. It is silent or it is not, as a whole."""
        energy = sum(map(mul, samples, samples))
        self.until = at + len(samples)
        if energy <= SILENCE * len(samples):
            return
        self.longest_silence = max(self.longest_silence, at - self.loud_until)
        self.energy += energy
        self.loud += len(samples)
        self.loud_until = self.until

    def heard(self, peak: int) -> Quality:
        """`peak`: the loudest sample."""
        longest = max(self.longest_silence, self.until - self.loud_until)
        rate, channels = self.source
        return Quality(
            sample_rate_hertz=rate,
            channels=channels,
            duration_ms=1000 * self.until // self.rate,
            level_db=round(10 * log10(self.energy / self.loud / FULL**2), 1) if self.loud else None,
            peak_db=round(20 * log10(peak / FULL), 1) if peak else None,
            clipped=round(self.clipped / max(1, self.samples), 5),
            silent=round(max(0.0, 1 - self.loud / max(1, self.until)), 4),
            longest_silence_ms=1000 * longest // self.rate,
        )

    def _see(self, frame: Any) -> None:
        """Counts what is clipped on any side: 8 bits show it as well as more, and are counted without a loop."""
        import av

        if (form := form_of(frame)) != self.form:
            self.form = form
            self.source = (frame.sample_rate, frame.layout.nb_channels) if self.source == (0, 0) else self.source
            self.eight_bits = av.AudioResampler(format="u8", layout=frame.layout, rate=frame.sample_rate)
        for piece in self.eight_bits.resample(frame):
            size = piece.samples * piece.layout.nb_channels
            rest = bytes(memoryview(piece.planes[0])[:size]).translate(None, ENDS)
            self.samples += size
            self.clipped += size - len(rest)
