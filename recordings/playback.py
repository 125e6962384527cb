"""What a page needs to play an audio or a recording. The browser only ever sees our own address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage
from django.urls import reverse
from uuid_utils.compat import uuid7

from access import desk
from recordings.models import Recording, Waveform

NO_AUDIO = "No audio was uploaded for this note."
GONE = "The recording is not in the storage any more: tell the operator."
PENDING = "The vendor is still processing the recording. Come back in some minutes."
LOST = "The vendor has deleted the recording, and it was not copied before."


@dataclass(frozen=True, slots=True)
class Player:
    """`source`: the address of the audio, for this one page, with Range; empty where nothing can be played.

    `duration_ms`: milliseconds, 0 where it is not known yet. `peaks`: 600 of 0 to 100, None while there are none.
    `problem`: why nothing plays. `recording`: the page of the vendor's own recording, where there is one beside it.
    `warnings`: what should be better about the sound, in sentences.
    """

    source: str = ""
    duration_ms: int = 0
    content_type: str = ""
    peaks: list[int] | None = None
    problem: str = ""
    recording: str = ""
    warnings: tuple[str, ...] = ()


def player_of_request(request: Any) -> Player:
    """What an `ingest.AsyncRequest` was made of: the audio that was sent, or the recording that its vendor keeps."""
    recording = recording_of(request)
    if request.audio is None and recording:
        return player_of_recording(recording)
    beside = recording if recording and recording.state != Recording.State.LOST else None
    return player(request.audio, desk.address_of(beside) if beside else "")


def recording_of(request: Any) -> Recording | None:
    """The latest that the request's vendor keeps of its session."""
    kept = Recording.objects.filter(session=request.session_id, clinic=request.clinic_id, vendor=request.vendor)
    found: Recording | None = kept.order_by("-pk").first()
    return found


def player(audio: Any | None, recording: str = "") -> Player:
    """The player of an `ingest.Audio`; each call is a listening of its own, should it be played."""
    if audio is None:
        return Player(problem=NO_AUDIO)
    waveform = Waveform.objects.filter(audio=audio.pk).only("peaks", "quality", "problem").first() or Waveform()
    if waveform.problem == Waveform.Problem.MISSING and not default_storage.exists(audio.storage_key):
        return Player(problem=GONE, recording=recording)
    source = reverse("admin:recordings_recording_listen", args=[uuid7(), audio.pk])
    facts = (source, audio.duration_ms, audio.content_type, waveform.peaks)
    return Player(*facts, recording=recording, warnings=tuple(waveform.warnings))


def player_of_recording(recording: Recording) -> Player:
    """The same of a recording, here or at its vendor."""
    if recording.state == Recording.State.PENDING:
        return Player(problem=PENDING)
    if recording.state == Recording.State.LOST:
        return Player(problem=LOST)
    source = reverse("admin:recordings_recording_play", args=[uuid7(), recording.pk])
    return Player(source, recording.duration_ms or 0, "audio/wav")
