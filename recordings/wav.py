"""WAV files as they are, whatever they say of themselves: where the sound lies, and one header for several of them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: What may be read as samples of a fixed size: PCM, floats, A-law, mu-law, and whatever names one of them by an id.
CODES = {1, 3, 6, 7, 0xFFFE}
RATES = range(1000, 768_001)
LONGEST_FORM = 128
MOST_CHUNKS = 100
MOST_SAID = 0xFFFFFFFF
LONGEST_MS = 2**31 - 1

#: (offset, length) -> as many bytes, or as many as there are.
ReadAt = Callable[[int, int], bytes]


#: What other files of audio begin with.
OTHERS = (b"fLaC", b"OggS", b"ID3", b"FORM", b"caff", b".snd", b"\x1aE\xdf\xa3", b"RIFX")


class NotWav(Exception):
    """Not a WAV file whose samples can be found."""


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound of a file: `size` bytes from `start`. `form`: the content of its `fmt ` chunk, empty where it cannot be
    joined with others.

    `header_holds`: what the header says of the lengths is true.
    """

    form: bytes
    start: int
    size: int
    header_holds: bool

    @property
    def duration_ms(self) -> int:
        if not self.form:
            return 0
        rate, block = _rate_and_block(self.form)
        return min(self.size // block * 1000 // rate, LONGEST_MS)


def look(size: int, read_at: ReadAt) -> Sound:
    """The same as `read`; and audio of other kinds as it is, which others may know how to play. Raises NotWav."""
    try:
        return read(size, read_at)
    except NotWav:
        if not _is_audio(read_at):
            raise
        return Sound(b"", 0, size, header_holds=True)


def read(size: int, read_at: ReadAt) -> Sound:
    """The sound of a file of `size` bytes. Raises NotWav, and whatever `read_at` raises.

    A length that its header gets wrong is not believed: the sound is then all that follows.
    """
    riff, said, wave = _unpack("<4sI4s", read_at(0, 12))
    if riff != b"RIFF" or wave != b"WAVE":
        raise NotWav
    form, start, length = _found(read_at)
    return _sound(_checked(form), start, length, size, said, read_at)


def _found(read_at: ReadAt) -> tuple[bytes, int, int]:
    """The content of the `fmt ` chunk, empty where there is none; where the sound begins, and the length it is said to
    have."""
    form, place = b"", 12
    for _ in range(MOST_CHUNKS):
        name, length = _unpack("<4sI", read_at(place, 8))
        if name == b"data":
            return form, place + 8, length
        if name == b"fmt ":
            form = read_at(place + 8, min(length, LONGEST_FORM))
        place += 8 + length + length % 2
    raise NotWav


def _is_audio(read_at: ReadAt) -> bool:
    begins = read_at(0, 12)
    if begins[:4] not in (b"RIFF", b"RF64", b"BW64") or begins[8:] != b"WAVE":
        return begins.startswith(OTHERS) or begins[4:8] == b"ftyp"
    form, start, _ = _found(read_at)
    return bool(form and read_at(start, 1))


def header(form: bytes, size: int) -> bytes:
    """What stands before `size` bytes of sound of this form."""
    chunk = b"fmt " + struct.pack("<I", len(form)) + form + bytes(len(form) % 2)
    whole = min(4 + len(chunk) + 8 + size, MOST_SAID)
    return b"RIFF" + struct.pack("<I", whole) + b"WAVE" + chunk + b"data" + struct.pack("<I", min(size, MOST_SAID))


def _sound(form: bytes, start: int, said: int, size: int, riff: int, read_at: ReadAt) -> Sound:
    there = size - start
    is_believed = said <= there and (said or not there) and _ends_in_chunks(start + said + said % 2, size, read_at)
    length = said if is_believed else there
    length -= length % _rate_and_block(form)[1]
    return Sound(form, start, length, header_holds=length == said and riff + 8 == size)


def _ends_in_chunks(place: int, size: int, read_at: ReadAt) -> bool:
    """Whether from here to the end there are whole chunks and nothing else; a byte of padding may be missing."""
    for _ in range(MOST_CHUNKS):
        if place >= size:
            return place <= size + 1
        head = read_at(place, 8)
        if len(head) < 8 or not head[:4].isascii() or not head[:4].decode().isprintable():
            return False
        (length,) = struct.unpack("<I", head[4:])
        place += 8 + length + length % 2
    return False


def _checked(form: bytes) -> bytes:
    code, channels, rate, _, block, bits = _unpack("<HHIIHH", form[:16])
    if code not in CODES or not channels or rate not in RATES or block != channels * ((bits + 7) // 8) or not block:
        raise NotWav
    return form


def _rate_and_block(form: bytes) -> tuple[int, int]:
    """Samples a second, and the bytes of one on all channels."""
    rate, block = struct.unpack("<4xI4xH", form[:14])
    return rate, block


def _unpack(layout: str, content: bytes) -> tuple[Any, ...]:
    if len(content) < struct.calcsize(layout):
        raise NotWav
    return struct.unpack(layout, content)
