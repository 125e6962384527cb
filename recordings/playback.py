"""What a page needs to play an audio or a recording. The browser only ever sees our own address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.files.storage import default_storage
from django.urls import reverse
from uuid_utils.compat import uuid7

from access import desk
from recordings import whole
from recordings.models import Recording, Waveform
from vendors import VENDORS

NO_AUDIO = "No audio was uploaded for this note."
GONE = "The recording is not in the storage any more: tell the operator."
APART = "Its parts are of different kinds, and cannot be played as one: listen to them on the recording's own page."
LOST = "The vendor has deleted the recording, and it was not copied before."
LOST_IN_PART = "Only some of its parts were copied before: listen to them on the recording's own page."


@dataclass(frozen=True, slots=True)
class Player:
    """`source`: the address of the audio, for this one page, with Range; empty where nothing can be played.

    `duration_ms`: milliseconds, 0 where it is not known yet. `peaks`: 600 of 0 to 100, None while there are none.
    `problem`: why nothing plays. `recording`: the page of the vendor's own recording, where there is one beside it.
    `warnings`: what should be better about the sound, in sentences. `together`: numbers of the session's audio that
    were sent with this one, `number`, each played by itself; empty where there is one alone. The same of a recording
    whose parts cannot be one, or are not all here. `broke_at_ms`: where the connection was lost while this was sent.
    """

    source: str = ""
    duration_ms: int = 0
    content_type: str = ""
    peaks: list[int] | None = None
    problem: str = ""
    recording: str = ""
    warnings: tuple[str, ...] = ()
    broke_at_ms: tuple[int, ...] = ()
    number: int = 0
    together: tuple[int, ...] = ()


def player_of_request(request: Any, number: str = "") -> Player:
    """What an `ingest.AsyncRequest` was made of: the audio that was sent, or the recording that its vendor keeps.

    `number`: of the session's audio, where several were sent; the first by default.
    """
    recording, audios = recording_of(request), request.audio_in_order()
    if not audios and recording:
        found = player_of_recording(recording)
        problem = LOST_IN_PART if recording.is_lost else APART
        return Player(problem=problem, recording=desk.address_of(recording)) if found.together else found
    beside = recording if recording and not (recording.is_lost and not recording.copied_parts()) else None
    audio = next((each for each in audios if str(each.number) == number), audios[0] if audios else None)
    found = player(audio, desk.address_of(beside) if beside else "")
    is_streamed = request.vendor in VENDORS and VENDORS[request.vendor].takes_audio == "stream"
    return replace(
        found,
        number=audio.number if audio else 0,
        together=tuple(each.number for each in audios) if len(audios) > 1 else (),
        broke_at_ms=within(request.broke_at_ms, audios, audio) if is_streamed and audio else (),
    )


def within(places: Sequence[int], audios: Sequence[Any], audio: Any) -> tuple[int, ...]:
    """Those of these places in all of the audio, one after the other, that lie in this one, from its beginning on."""
    starts = sum(each.duration_ms for each in audios[: list(audios).index(audio)])
    ends = starts + audio.duration_ms if audio != audios[-1] else float("inf")
    return tuple(place - starts for place in places if starts <= place < ends)


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


def player_of_recording(recording: Recording, number: str = "") -> Player:
    """The same of a recording, here or at its vendor, who may have none yet; of its part `number`, or the first, where
    its parts cannot be one, or are not all here."""
    parts = list(recording.copied_parts()) if recording.is_lost else whole.apart(recording)
    if recording.is_lost and not parts:
        return Player(problem=LOST)
    source = reverse("admin:recordings_recording_play", args=[uuid7(), recording.pk])
    if parts:
        part = next((each for each in parts if str(each.number) == number), parts[0])
        facts = (f"{source}?part={part.number}", part.duration_ms or 0, "audio/wav")
        return Player(*facts, number=part.number, together=tuple(each.number for each in parts))
    return Player(source, recording.duration_ms or 0, "audio/wav")
