"""Several parts as one recording: one header, and the sound of each part behind it, in their order.

Where a single part says the truth of itself, the whole is that file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from recordings import wav
from recordings.models import Recording, RecordingPart

#: (part, from which of its bytes, up to which)
Span = tuple[RecordingPart, int, int]


class Apart(Exception):
    """The parts are of different forms: one header cannot stand for all."""


@dataclass(frozen=True, slots=True)
class Whole:
    """`head` and the `spans` after it. `etag` is strong: the same for a copy of ours as for the vendor's."""

    head: bytes
    spans: tuple[Span, ...]
    etag: str

    @classmethod
    def of(cls, parts: Sequence[RecordingPart]) -> Self:
        """Of parts that are known (`is_known`), at least one. Raises Apart."""
        if len(parts) == 1 and parts[0].header_holds:
            return cls.of_part(parts[0])
        if not can_be_one(parts):
            raise Apart
        spans = [(part, part.pcm_start or 0, (part.pcm_start or 0) + (part.pcm_size or 0)) for part in parts]
        head = wav.header(bytes(parts[0].form or b""), sum(stop - start for _, start, stop in spans))
        return cls(head, tuple(spans), _etag("whole", parts))

    @classmethod
    def of_part(cls, part: RecordingPart) -> Self:
        """A part as it is."""
        return cls(b"", ((part, 0, part.size or 0),), _etag("part", [part]))

    @property
    def size(self) -> int:
        return len(self.head) + sum(stop - start for _, start, stop in self.spans)

    def cut(self, start: int, stop: int) -> Iterator[bytes | Span]:
        """What the bytes from `start` up to `stop` are made of: a piece of the header, and of each part they touch."""
        if start < len(self.head):
            yield self.head[start:stop]
        place = len(self.head)
        for part, first, last in self.spans:
            begin, end = max(start - place, 0), min(stop - place, last - first)
            if begin < end:
                yield part, first + begin, first + end
            place += last - first


def apart(recording: Recording) -> list[RecordingPart]:
    """Its parts, where one header cannot stand for all of those that were looked at; none where it can."""
    if recording.part_count < 2:
        return []
    parts = list(recording.copied_parts() if recording.is_ours else recording.told_parts())
    return [] if can_be_one([part for part in parts if part.is_known]) else parts


def can_be_one(parts: Iterable[RecordingPart]) -> bool:
    """Whether all are WAV files of one form."""
    forms = {bytes(part.form or b"") for part in parts}
    return len(forms) < 2 and b"" not in forms


def note(part: RecordingPart, size: int, sound: wav.Sound, **facts: Any) -> None:
    """Writes what a look at the part has shown, and `facts` besides."""
    facts |= {"size": size, "form": sound.form, "pcm_start": sound.start, "pcm_size": sound.size}
    facts |= {"header_holds": sound.header_holds, "duration_ms": sound.duration_ms}
    RecordingPart.objects.filter(pk=part.pk).update(**facts)
    for name, value in facts.items():
        setattr(part, name, value)


def _etag(kind: str, parts: Sequence[RecordingPart]) -> str:
    told = [[str(part.recording_id), part.vendor_ref, part.size, part.pcm_start, part.pcm_size] for part in parts]
    return hashlib.sha256(repr([kind, told]).encode()).hexdigest()
