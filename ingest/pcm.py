"""A file as LINEAR16: `python -m ingest.pcm <file> <rate> <start_ms> <stop_ms>` writes mono samples, nothing else.

It runs in a process of its own, with limits (config.decoding), in constant memory, and no faster than it is read. It
ends when nobody reads any more.
"""

from __future__ import annotations

import select
import signal
import sys
from collections.abc import Iterable, Iterator
from itertools import repeat

from config import decoding

#: What it exits with when the file is at fault.
UNREADABLE = 65
#: Without a sample while somebody waits for one, such as on a disk that hangs.
STALLED_SECONDS = 120
#: Timestamps tremble, by a millisecond in WebM; gaps and repetitions are larger than this.
SLACK_MS = 50
#: What may be missing at the end, such as a last packet that is broken.
LOST_MS = 1000


class Incomplete(Exception):
    """The file ends long before it should."""


def decoded(path: str, rate: int, start_ms: int, stop_ms: int) -> Iterator[bytes]:
    """The samples from there to there, as pieces that may be empty. All is decoded: seeking is not exact."""
    # A length in milliseconds was rounded down: whatever the file has of the one after it is heard too.
    start, stop, last, at = *(ms * rate // 1000 for ms in (start_ms, stop_ms, stop_ms + 1)), 0
    with decoding.opened(path) as container:
        for piece in gapless(decoding.mono(decoding.frames(container), rate), rate):
            yield piece[2 * max(0, start - at) : 2 * max(0, last - at)]
            at += len(piece) // 2
            if at >= last:
                return
    if not at or stop - at > LOST_MS * rate // 1000:
        raise Incomplete
    yield bytes(2 * max(0, stop - max(at, start)))


def gapless(pieces: Iterable[tuple[int, bytes]], rate: int) -> Iterator[bytes]:
    """What the pieces' places leave out is silence; what they repeat is dropped."""
    slack, at = SLACK_MS * rate // 1000, 0
    for begins, samples in pieces:
        if begins - at > slack:
            yield from silence(begins - at, rate)
            at = begins
        fresh = samples[2 * (at - begins) :] if at - begins > slack else samples
        yield fresh
        at += len(fresh) // 2


def silence(length: int, rate: int) -> Iterator[bytes]:
    """A second at a time: it may be a day."""
    seconds, rest = divmod(length, rate)
    yield from repeat(bytes(2 * rate), seconds)
    yield bytes(2 * rest)


def is_read() -> bool:
    """Whether anybody still holds the other end of standard output."""
    watch = select.poll()
    watch.register(sys.stdout.fileno(), 0)
    return not watch.poll(0)


def main(path: str, rate: int, start_ms: int, stop_ms: int) -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # it ends when nobody reads
    decoding.confine(60 + stop_ms // 20_000)  # the slowest of the decoders takes a hundredth of the time it lasts
    signal.alarm(STALLED_SECONDS)
    for piece in decoded(path, rate, start_ms, stop_ms):
        signal.alarm(0)  # whoever reads takes their time
        sys.stdout.buffer.write(piece)
        if not piece and not is_read():
            return
        signal.alarm(STALLED_SECONDS)
    signal.alarm(0)


if __name__ == "__main__":
    try:
        main(sys.argv[1], *map(int, sys.argv[2:5]))
    except Exception:  # FFmpeg has dozens of ways to say that it cannot read a file
        sys.exit(UNREADABLE)
