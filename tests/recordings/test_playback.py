"""What a page is given to play a request's audio with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from access.models import Clinic
from recordings import waveforms
from recordings.playback import Player, player_of_request
from tests.admin.conftest import member
from tests.factories import AsyncRequestFactory, AudioFactory, SubmissionFactory
from tests.recordings.conftest import stored
from tests.recordings.test_waveforms import RATE, tone, wav_of

pytestmark = pytest.mark.django_db
PAGE = Template("{% load playback %}{% player_of original.request as player %}")


def player_of(request: Any) -> Any:
    context = Context({"request": RequestFactory().get("/"), "original": {"request": request}})
    PAGE.render(context)
    return context["player"]


def a_request(storage: Path, clinic: Clinic) -> Any:
    audio = stored(storage, clinic, wav_of(tone(1, 0.5)), duration_ms=1000, content_type="audio/wav")
    waveforms.want(audio)
    return AsyncRequestFactory(session=audio.session, audio=audio)


def test_what_it_plays_can_be_played(storage: Path, clinic: Clinic) -> None:
    player = player_of(a_request(storage, clinic))
    assert (player.duration_ms, player.content_type, player.peaks, player.problem) == (1000, "audio/wav", None, "")
    answer = member(clinic, "viewer").get(player.source)
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/wav")
    assert len(answer.getvalue()) == 44 + 2 * RATE


def test_each_page_is_a_listening_of_its_own(storage: Path, clinic: Clinic) -> None:
    request = a_request(storage, clinic)
    assert player_of(request).source != player_of(request).source


def test_the_waveform_comes_once_it_is_drawn(storage: Path, clinic: Clinic) -> None:
    request = a_request(storage, clinic)
    waveforms.draw_due()
    assert len(player_of(request).peaks) == 600


def test_of_a_request_that_was_sent_elsewhere_nothing_plays(clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, audio=None, submitted_elsewhere=True)
    assert player_of(request) == Player(problem="No audio was uploaded for this note.")


def test_a_break_is_told_beside_the_audio_that_it_lies_in(clinic: Clinic) -> None:
    facts = {"session__clinic": clinic, "session__kind": "dictation", "vendor": "suki", "ready": True}
    request = AsyncRequestFactory(**facts, audio__number=2, audio__duration_ms=40_000, all_audio=True)
    AudioFactory(session=request.session, number=1, duration_ms=40_000)
    SubmissionFactory(request=request, broke_at_ms=[0, 39_999, 40_000, 50_000, 90_000])
    breaks = [player_of_request(request, number).broke_at_ms for number in ("", "1", "2")]
    assert breaks == [(0, 39_999), (0, 39_999), (0, 10_000, 50_000)]


def test_bytes_that_are_gone_are_said_to_be_until_they_are_back(storage: Path, clinic: Clinic) -> None:
    request = a_request(storage, clinic)
    file = storage / request.audio.storage_key
    content = file.read_bytes()
    file.unlink()
    waveforms.draw_due()
    problem = "The recording is not in the storage any more: tell the operator."
    gone = Player(problem=problem, number=request.audio.number)
    assert player_of(request) == gone
    file.write_bytes(content)
    assert player_of(request).source
