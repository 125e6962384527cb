"""A recording's bytes as Dragon Copilot is sent them: as they were stored, or decoded where it does not take these.

They are the same each time, so that any try can go on where another stopped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from vendors.base import Sound, VendorError
from vendors.dragon.configuration import Configuration

#: `pcm`: 16 bits, little-endian, mono, without a header.
Form = Literal["stored", "wav", "pcm"]
FORMS: tuple[Form, ...] = ("stored", "wav", "pcm")
WAV = "audio/wav"
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


@dataclass(frozen=True, slots=True)
class Content:
    """One recording. `size`: in bytes."""

    sound: Sound
    form: Form

    @property
    def size(self) -> int:
        if self.form == "stored":
            return self.sound.size
        return self._decoded_size + (_HEADER.size if self.form == "wav" else 0)

    @property
    def seconds(self) -> float:
        return self.sound.duration_ms / 1000

    def until_ms(self, sent: int) -> int:
        """How much of the audio so many bytes are, in milliseconds: never all, as the recording has to be ended yet."""
        until_ms = self.sound.duration_ms * min(sent, self.size) // max(1, self.size)
        return max(0, min(until_ms, self.sound.duration_ms - 1))

    def pieces(self, start: int, length: int) -> Iterator[bytes]:
        """From that byte on, `length` bytes each; the last may be shorter. Raises VendorError."""
        kept = bytearray()
        for some in self._from(start) if start < self.size else ():
            kept += some
            while len(kept) >= length:
                yield bytes(kept[:length])
                del kept[:length]
        if kept:
            yield bytes(kept)

    @property
    def _decoded_size(self) -> int:
        # To the sample: of what lasts half a millisecond more or less, that is cut off or silence.
        return self.sound.duration_ms * self.sound.speech.bytes_per_second // 2000 * 2

    def _from(self, start: int) -> Iterator[bytes]:
        if self.form == "stored":
            yield from self._stored(start)
            return
        header = wav_header(self._decoded_size, self.sound.speech.sample_rate_hertz) if self.form == "wav" else b""
        if start < len(header):
            yield header[start:]
        yield from self._decoded(max(0, start - len(header)))

    def _stored(self, start: int) -> Iterator[bytes]:
        for some in self.sound.stored(start):
            start += len(some)
            yield some
        if start != self.size:
            message = "The stored audio is not as long as it was when it came: tell the operator."
            raise VendorError(message, permanent=True, code="audio_incomplete")

    def _decoded(self, start: int) -> Iterator[bytes]:
        rate, left = self.sound.speech.bytes_per_second, self._decoded_size - start
        start_ms = start * 1000 // rate
        skip = start - start_ms * rate // 1000
        for frame in self.sound.frames(start_ms):
            yield (some := frame[skip : skip + left])
            left -= len(some)
            skip = max(0, skip - len(frame))
        yield bytes(left)


def chosen(sound: Sound, configuration: Configuration, *, streamed: bool) -> Content:
    """As it was stored where the configuration takes that, else decoded. Raises VendorError where it takes neither.

    Where nothing is known of it, files are sent as they were stored, and streams decoded.
    """
    if configuration.takes(sound.content_type):
        return Content(sound, "stored")
    if not configuration.formats:
        return Content(sound, "pcm" if streamed else "stored")
    takes_pcm = configuration.takes_pcm(sound.speech.sample_rate_hertz)
    if streamed and takes_pcm:
        return Content(sound, "pcm")
    if takes_pcm or configuration.takes(WAV):
        return Content(sound, "wav")
    message = (
        "Dragon Copilot takes no format for this customer in which this recording can be sent. Tell the operator, who "
        "can ask Dragon Copilot's partner relations to allow WAV, or PCM of 16 bits at 16 kHz."
    )
    raise VendorError(message, permanent=True, code="format_refused")


def wav_header(size: int, rate: int) -> bytes:
    """Of `size` bytes of 16-bit mono audio. Source: Microsoft's RIFF WAVE, format 1."""
    riff = (b"RIFF", _HEADER.size - 8 + size, b"WAVE")
    return _HEADER.pack(*riff, b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", size)
