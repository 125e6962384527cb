"""How an audio sounds, judged in plain words for whoever records. It is never a reason not to send it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: A quiet room lies 5 to 15 dB above it, a microphone that is off far below.
SILENCE_DB = -60.0
#: Speech is nominal at -26 dBFS (ITU-T P.56); 14 dB below, the noise of a room is as loud as what is said.
QUIET_DB = -40.0
#: Of all samples. Good speech touches the ends of its scale in three of ten thousand; here every loud syllable is cut.
#: AAC rounds off nine tenths of what was clipped before it.
CLIPPED = 0.002
#: Of the time. Pauses take a third of a consultation, and more where a browser blanks them.
SILENT = 0.8
#: An examination passes in silence; a pause as long as this is a microphone that was muted.
SILENCE_MS = 5 * 60_000
#: Half of it is the highest pitch that is kept: below 16 kHz, s and f sound alike. Vendors ask for it.
RATE_HERTZ = 16_000


@dataclass(frozen=True, slots=True)
class Quality:
    """As the file has it: the first form of its sound, and what was measured on all of it.

    `level_db`: RMS of what is not silent, `peak_db`: the loudest moment, both in dBFS and None in utter silence, of all
    sides together. `clipped`: share of samples at the ends of the scale, on any side. `silent`: share of the time.
    """

    sample_rate_hertz: int
    channels: int
    duration_ms: int
    level_db: float | None
    peak_db: float | None
    clipped: float
    silent: float
    longest_silence_ms: int


def judged(quality: Quality) -> list[str]:
    """What should be better, in sentences; empty where it is fine."""
    return list(warnings(quality))


def warnings(quality: Quality) -> Iterator[str]:
    if quality.level_db is None:
        yield "Nothing but silence: check that the microphone is on."
    elif quality.level_db < QUIET_DB:
        yield "Very quiet: move the microphone nearer."
    if quality.clipped >= CLIPPED:
        yield f"Distorted: {percent(quality.clipped)} of it is clipped. Turn the recording level down."
    if quality.level_db is not None:
        yield from pauses(quality)
    if quality.sample_rate_hertz < RATE_HERTZ:
        yield f"Recorded at {quality.sample_rate_hertz / 1000:g} kHz: vendors understand 16 kHz better."


def pauses(quality: Quality) -> Iterator[str]:
    minutes = quality.longest_silence_ms // 60_000
    if quality.silent > SILENT:
        yield f"Mostly silence: {percent(quality.silent)} of the time."
    elif quality.longest_silence_ms >= SILENCE_MS:
        yield f"Nothing is heard for {minutes} minutes at a stretch: was the microphone muted?"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.1f} %"
