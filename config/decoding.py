"""Files from outside are read by FFmpeg in a process of its own, with limits: its decoders are C.

FFmpeg may open that one local file in one of seven formats and nothing else: playlists and other protocols are shut
off. The upper half of this module is for the parent, the lower for the child.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, groupby
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MEMORY = 2 * 1024**3
ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1"}
OPTIONS = {"format_whitelist": "wav,flac,mp3,mov,aac,ogg,matroska", "protocol_whitelist": "file"}


class Died(Exception):
    """The child gave no answer: it crashed, or went beyond its limits."""


def ask(module: str, *arguments: str, seconds: int) -> dict[str, Any]:
    """What `python -m <module> <arguments>` prints, as JSON. Raises Died."""
    command = [sys.executable, "-m", module, *arguments]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, timeout=seconds, cwd=ROOT, env=ENVIRONMENT, check=False
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise Died from None
    return found


@contextmanager
def piped(module: str, *arguments: str) -> Iterator[Any]:
    """`python -m <module> <arguments>` as a Popen whose `stdout` is read as it is needed. It ends with the block."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(  # noqa: S603
        command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, cwd=ROOT, env=ENVIRONMENT
    ) as child:
        try:
            yield child
        finally:
            child.kill()


# --- In the child
def confine(seconds: int) -> None:
    """Before it opens anything. `seconds`: of CPU time."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def opened(path: str) -> Any:
    """The file as PyAV's container."""
    import av

    return av.open(path, options=OPTIONS)


def frames(container: Any) -> Iterator[Any]:
    """All that can be decoded. Players go on after a broken packet too."""
    import av

    for packet in container.demux(container.streams.audio[0]):
        with suppress(av.FFmpegError):  # AAC's decoder knows of more kinds of them than InvalidDataError
            yield from packet.decode()


def form_of(frame: Any) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def mono(frames: Iterable[Any], rate: int) -> Iterator[tuple[int, bytes]]:
    """LINEAR16 at `rate`, each piece with the number of its first sample since the beginning, as its time says."""
    import av

    begun, at = None, 0
    for _, alike in groupby(frames, form_of):  # it may change on the way
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
        for frame in chain(alike, [None]):  # which has it give what it held back
            for piece in resampler.resample(frame):
                if piece.time is not None:
                    begun = piece.time if begun is None else begun
                    at = round((piece.time - begun) * rate)
                yield at, memoryview(piece.planes[0])[: 2 * piece.samples].tobytes()
                at += piece.samples
