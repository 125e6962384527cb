"""Files from outside are read by FFmpeg in a process of its own, with limits: its decoders are C.

FFmpeg may open that one local file in one of seven formats and nothing else: playlists and other protocols are shut
off.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MEMORY = 2 * 1024**3
OPTIONS = {"format_whitelist": "wav,flac,mp3,mov,aac,ogg,matroska", "protocol_whitelist": "file"}


class Died(Exception):
    """The child gave no answer: it crashed, or went beyond its limits."""


def ask(module: str, *arguments: str, seconds: int) -> dict[str, Any]:
    """What `python -m <module> <arguments>` prints, as JSON. Raises Died."""
    command = [sys.executable, "-m", module, *arguments]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, timeout=seconds, cwd=ROOT, env={"PYTHONDONTWRITEBYTECODE": "1"}, check=False
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise Died from None
    return found


def confine(seconds: int) -> None:
    """In the child, before it opens anything."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def opened(path: str) -> Any:
    """In the child: the file as PyAV's container."""
    import av

    return av.open(path, options=OPTIONS)
