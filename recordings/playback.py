"""What a page needs to play an audio. The browser only ever sees our own address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage
from django.urls import reverse
from uuid_utils.compat import uuid7

from recordings.models import Waveform

NO_AUDIO = "No audio was uploaded for this note."
GONE = "The recording is not in the storage any more: tell the operator."


@dataclass(frozen=True, slots=True)
class Player:
    """`source`: the address of the audio, for this one page, with Range; empty where nothing can be played.

    `duration_ms`: milliseconds. `peaks`: 600 of 0 to 100, None while there are none. `problem`: why nothing plays.
    """

    source: str = ""
    duration_ms: int = 0
    content_type: str = ""
    peaks: list[int] | None = None
    problem: str = ""


def player(audio: Any | None) -> Player:
    """The player of an `ingest.Audio`; each call is a listening of its own, should it be played."""
    if audio is None:
        return Player(problem=NO_AUDIO)
    waveform = Waveform.objects.filter(audio=audio.pk).only("peaks", "problem").first() or Waveform()
    if waveform.problem == Waveform.Problem.MISSING and not default_storage.exists(audio.storage_key):
        return Player(problem=GONE)
    source = reverse("admin:recordings_recording_listen", args=[uuid7(), audio.pk])
    return Player(source, audio.duration_ms, audio.content_type, waveform.peaks)
