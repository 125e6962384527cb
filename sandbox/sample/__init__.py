"""The sample consultation: audio spoken by a machine, and what a scribe would write of it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
AUDIO = FOLDER / "consultation.flac"


@cache
def sample() -> dict[str, Any]:
    """`sha256` of the audio, `duration_ms`, `language`, `transcript`, `note`, `problems` (see make.py)."""
    read: dict[str, Any] = json.loads((FOLDER / "consultation.json").read_text(encoding="utf-8"))
    return read
