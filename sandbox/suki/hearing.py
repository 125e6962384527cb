"""What is said in the samples: the sample consultation, or a scripted one that belongs to these samples alone."""

import hashlib
from dataclasses import dataclass
from functools import cache

import av

from sandbox.consultation import Line, scripted
from sandbox.sample import AUDIO, sample
from sandbox.suki.spool import Spool

HOUR_MS = 3_600_000
LANGUAGE = "en"
SAMPLE_BYTES_A_MS = 32
PADDING = 3200  # A client may fill up the last frame of 100 ms.


@dataclass(frozen=True)
class Heard:
    """`sections` are (key, text), the keys those of the consultations."""

    lines: list[Line]
    sections: list[tuple[str, str]]


@cache
def sample_samples() -> bytes:
    """The sample as LINEAR16 of 16 kHz, which is what its FLAC holds."""
    with av.open(str(AUDIO)) as container:
        return b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in container.decode(audio=0))


def is_sample(spool: Spool) -> bool:
    wanted = sample_samples()
    if not len(wanted) <= spool.size < len(wanted) + PADDING:
        return False
    return b"".join(spool.read(0, len(wanted))) == wanted


def heard(spool: Spool) -> Heard:
    """What was said in all of it."""
    if is_sample(spool):
        return Heard(sample_lines(), [(one["key"], one["text"]) for one in sample()["note"]["sections"]])
    made = scripted(spool.sha256, spool.duration_ms, LANGUAGE)
    return Heard(made.lines, [(key, " ".join(sentences)) for key, sentences in made.sections.items()])


def sample_lines() -> list[Line]:
    return [
        Line(one["speaker"], one["text"], one["start_offset_ms"], one["end_offset_ms"])
        for one in sample()["transcript"]
    ]


class Speech:
    """The words of a dictation as they are spoken. How long it gets is not known: its first sounds choose the script.

    A final ends with a line, and wherever the speaker pauses; no word is in two of them.
    """

    def __init__(self, first: bytes, begun_ms: int) -> None:
        """From the first frame that is not silence, and where in the session that begins."""
        is_sample = sample_samples().startswith(first, begun_ms * SAMPLE_BYTES_A_MS)
        lines = sample_lines() if is_sample else scripted(hashlib.sha256(first).hexdigest(), HOUR_MS, LANGUAGE).lines
        self._words = timed_words(lines, 0 if is_sample else begun_ms)
        self._spoken = self._final = 0
        self.finals: list[str] = []

    def reach(self, moment_ms: int) -> list[str]:
        """Listens up to there; gives the finals of the lines that have ended by then."""
        made = []
        while self._spoken < len(self._words) and self._words[self._spoken][1] <= moment_ms:
            self._spoken += 1
            if self._words[self._spoken - 1][2]:
                made += self.pause()
        return made

    def partial(self) -> str:
        """What was said since the last final."""
        return " ".join(word for word, _, _ in self._words[self._final : self._spoken])

    def pause(self) -> list[str]:
        """What was said since the last final is final now, if anything was."""
        text = self.partial()
        self._final = self._spoken
        made = [text] if text else []
        self.finals += made
        return made


def timed_words(lines: list[Line], begun_ms: int) -> list[tuple[str, int, bool]]:
    """(word, when it has been said, whether a line ends with it); words share the time of a line by their length."""
    made = []
    for line in lines:
        words, said = line.text.split(), 0
        for number, word in enumerate(words, 1):
            said += len(word) + 1
            end_ms = begun_ms + line.start_ms + (line.end_ms - line.start_ms) * said // (len(line.text) + 1)
            made.append((word, end_ms, number == len(words)))
    return made
