"""Speaks the sample consultation and writes consultation.flac and consultation.json beside this file.

    python -m sandbox.sample.make

Needs `espeak-ng` (Debian: apt install espeak-ng) and PyAV. Running the project needs neither the tool nor this script,
for both files it writes are kept in the repository. The same espeak-ng and PyAV give the same files to the byte.
"""

import hashlib
import io
import json
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import av

from sandbox.sample import script

FOLDER = Path(__file__).parent
RATE = 16_000
PAUSE_MS = 350
VOICES = {
    script.DOCTOR: ["-v", "en-us+Andrea", "-p", "52", "-s", "190", "-a", "75"],
    script.PATIENT: ["-v", "en-us+Michael", "-p", "32", "-s", "176", "-a", "100"],
}


def speak(speaker: str, text: str) -> bytes:
    """16 kHz mono 16-bit samples of one utterance, without the silence around it."""
    spoken = subprocess.run(["espeak-ng", *VOICES[speaker], "--stdout", text], capture_output=True, check=True).stdout  # noqa: S603, S607
    # espeak-ng writes to a pipe, so the sizes in its header are made up: read the samples behind the header instead.
    with wave.open(io.BytesIO(spoken)) as header:
        rate = header.getframerate()
    samples = spoken[44 : len(spoken) - len(spoken) % 2]
    return trimmed(resampled(samples, rate))


def resampled(samples: bytes, rate: int) -> bytes:
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
    frame.sample_rate = rate
    frame.planes[0].update(samples)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    out = [*resampler.resample(frame), *resampler.resample(None)]
    return b"".join(bytes(part.planes[0])[: part.samples * 2] for part in out)


def trimmed(samples: bytes, threshold: int = 200) -> bytes:
    """Without leading and trailing silence, so that the offsets are those of the speech itself."""
    values = memoryview(samples).cast("h")
    loud = [index for index, value in enumerate(values) if abs(value) > threshold]
    return samples[loud[0] * 2 : (loud[-1] + 1) * 2]


def silence(ms: int) -> bytes:
    return bytes(RATE * ms // 1000 * 2)


def consultation() -> tuple[bytes, list[dict[str, Any]]]:
    samples, lines = silence(PAUSE_MS), []
    for speaker, text in script.DIALOGUE:
        start = len(samples) // 2
        samples += speak(speaker, text)
        end = len(samples) // 2
        samples += silence(PAUSE_MS)
        lines.append(
            {
                "text": text,
                "speaker": speaker,
                "start_offset_ms": start * 1000 // RATE,
                "end_offset_ms": end * 1000 // RATE,
            }
        )
    return samples, lines


def write_flac(samples: bytes, path: Path) -> None:
    with av.open(str(path), "w", format="flac", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono", options={"compression_level": "12"})
        stream.codec_context.format = "s16"
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
        frame.sample_rate = RATE
        frame.planes[0].update(samples)
        fifo = av.AudioFifo()
        fifo.write(frame)
        while piece := fifo.read(4096, partial=True):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def main() -> None:
    samples, lines = consultation()
    audio = FOLDER / "consultation.flac"
    write_flac(samples, audio)
    written = {
        "about": "Made by make.py from script.py; the words are invented and the voices are espeak-ng's.",
        "sha256": hashlib.sha256(audio.read_bytes()).hexdigest(),
        "duration_ms": len(samples) // 2 * 1000 // RATE,
        "language": script.LANGUAGE,
        "transcript": lines,
        "note": {
            "title": script.TITLE,
            "sections": [{"key": key, "title": title, "text": text} for key, title, text in script.SECTIONS],
        },
        "problems": [{"title": title, "text": text} for title, text in script.PROBLEMS],
    }
    (FOLDER / "consultation.json").write_text(
        json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    sys.stdout.write(f"{audio.name}: {audio.stat().st_size} bytes, {written['duration_ms']} ms\n")


if __name__ == "__main__":
    main()
