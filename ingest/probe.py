"""What a file really is: `python -m ingest.probe <file>` prints {"content_type", "duration_ms"} or {"error"}.

It runs in a process of its own, with limits: config.decoding.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from config import decoding

SECONDS = 120
LONGEST_SECONDS = 24 * 3600
#: Times tremble; where they begin again, another recording does, whose words would be lost beneath the first one's.
STEP_BACK_SECONDS = 0.2
WEBM = "audio/webm"
CONTENT_TYPES = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "mov,mp4,m4a,3gp,3g2,mj2": "audio/mp4",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "matroska,webm": WEBM,
}
ACCEPTED = "WAV, FLAC, MP3, M4A or AAC, OGG or Opus, WebM"


class NotAudio(Exception):
    """The bytes are not audio that we take. The text is for their sender."""


class Joined(Exception):
    """Time begins again in the middle of the file."""


@dataclass(frozen=True, slots=True)
class Sound:
    content_type: str
    duration_ms: int


def probe(path: Path) -> Sound:
    """Reads a file in a child process. Raises NotAudio."""
    try:
        found = decoding.ask("ingest.probe", str(path), seconds=SECONDS)
    except decoding.Died:
        raise NotAudio(f"The file could not be read as audio. Send {ACCEPTED}.") from None
    if "error" in found:
        raise NotAudio(found["error"])
    return Sound(**found)


def measure(path: str) -> dict[str, Any]:
    """In the child: the container's type, and the audio's length."""
    with decoding.opened(path) as container:
        pictures = [stream for stream in container.streams.video if not stream.disposition & 0x400]
        if pictures or not container.streams.audio:
            return {"error": f"The file holds {'video' if pictures else 'no audio'}. Send {ACCEPTED}."}
        stream = container.streams.audio[0]
        content_type = type_of(container.format.name, stream.codec_context.codec.canonical_name)
        try:
            seconds = length(container, stream)
        except Joined:
            return {"error": "The file is several recordings joined to one. Upload each by itself."}
    if not seconds:
        return {"error": f"The file holds no sound that can be decoded. Send {ACCEPTED}."}
    if seconds > LONGEST_SECONDS:
        return {"error": "The file says that it lasts longer than a day. Send one consultation."}
    return {"content_type": content_type, "duration_ms": round(seconds * 1000)}


def type_of(container: str, codec: str) -> str:
    """WebM without more is Opus, as browsers record it; vendors take that, and nothing else that may be in one."""
    content_type = CONTENT_TYPES[container]
    return content_type if content_type != WEBM or codec == "opus" else f"{WEBM}; codecs={codec}"


def length(container: Any, stream: Any) -> Fraction:
    """Seconds from its packets, since headers may lie or lack; 0 where none becomes mono sound. Raises Joined."""
    unit = Fraction(stream.time_base or 1)
    first = last = None
    heard = False
    for packet in container.demux(stream):
        if packet.pts is None:
            continue
        heard = heard or any(decoding.mono(packet.decode(), stream.rate))
        if last is not None and (last - packet.pts) * unit > STEP_BACK_SECONDS:
            raise Joined
        first = packet.pts if first is None else min(first, packet.pts)
        last = max(last or 0, packet.pts + (packet.duration or 0))
    return (last - first) * unit if heard and last is not None and first is not None else Fraction(0)


def main(path: str) -> None:
    decoding.confine(SECONDS)
    try:
        found = measure(path)
    except Exception:  # FFmpeg has dozens of ways to say that it cannot read a file
        found = {"error": f"The file is not audio that can be read. Send {ACCEPTED}."}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
