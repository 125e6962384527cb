"""WAV files that exist only while they are read: a header, then a stretch of the session's samples."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.suki.spool import SAMPLE_BYTES, Spool

LONGEST_FIELD = 2**32 - 1


@dataclass(frozen=True)
class File:
    """`head`, then what `tail` gives between two of its offsets, `size` bytes in all."""

    head: bytes
    size: int
    tail: Callable[[int, int], Iterator[bytes]]

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """From one byte to before another."""
        if head := self.head[start:stop]:
            yield head
        length = len(self.head)
        if stop > length:
            yield from self.tail(max(0, start - length), stop - length)


def header(samples_bytes: int, rate: int) -> bytes:
    """The 44 bytes before mono samples of 16 bits; lengths that do not fit are said as large as they can be."""
    described = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    whole, samples = (min(one, LONGEST_FIELD) for one in (36 + samples_bytes, samples_bytes))
    return b"RIFF" + struct.pack("<I", whole) + b"WAVEfmt " + described + b"data" + struct.pack("<I", samples)


def cut(size: int, count: int) -> list[tuple[int, int]]:
    """So many stretches of samples, as even as whole samples allow."""
    edges = [size * number // count // SAMPLE_BYTES * SAMPLE_BYTES for number in range(count)]
    return list(zip(edges, [*edges[1:], size], strict=True))


def wav(spool: Spool, start: int, stop: int, claimed: int | None = None) -> File:
    """The stretch as a file; `claimed` is what its header says of its length instead of the truth."""
    length = stop - start
    head = header(length if claimed is None else claimed, spool.rate)
    return File(head, len(head) + length, lambda first, last: spool.read(start + first, start + last))


def zeros(head: bytes, size: int) -> File:
    """So many bytes that nobody has to keep."""
    return File(head, size, nothing)


def nothing(start: int, stop: int) -> Iterator[bytes]:
    piece = bytes(64 * 1024)
    while start < stop:
        yield piece[: stop - start]
        start += len(piece)
