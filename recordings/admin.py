"""The original audio as vendors keep it and as it is copied, and the addresses at which the desk plays audio."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.urls import URLPattern, path

from access import desk
from config import files
from recordings import links, playback, playing, services, telling
from recordings import listening as listenings
from recordings.models import Recording
from recordings.whole import Apart
from vendors.base import VendorError

log = logging.getLogger(__name__)


desk.register_count(
    desk.Count(
        7,
        "recordings about to expire",
        lambda _: Recording.objects.expiring(),
        "admin:recordings_recording_changelist",
        "expiring=yes",
    )
)


desk.register_count(
    desk.Count(
        8,
        "recordings lost in the last week",
        lambda _: Recording.objects.lost_lately(),
        "admin:recordings_recording_changelist",
        "lost=yes",
    )
)


class Expiring(desk.Asked):
    """What the vendors delete soon, and of which there is no copy."""

    title = "the vendor's copy"
    parameter_name = "expiring"
    on = "expires within a day"

    def narrowed(self, rows: Any) -> Any:
        return rows.expiring()


class Lost(desk.Asked):
    """What was gone before it was copied, lately."""

    title = "lost"
    parameter_name = "lost"
    on = "in the last week"

    def narrowed(self, rows: Any) -> Any:
        return rows.lost_lately()


class CannotPlay(Exception):
    """`status`: what the player is answered."""

    def __init__(self, status: int) -> None:
        self.status = status


@admin.register(Recording)
class RecordingAdmin(desk.ClinicModelAdmin):
    empty = "No recording is known yet. They are the vendors' copies of the audio."
    list_display = (
        desk.reference,
        desk.mark,
        desk.vendor,
        "part_count",
        "duration",
        "megabytes",
        desk.moment("available_until", "at the vendor until"),
        desk.moment("archived_at", "copied"),
        "reason",
    )
    list_filter = ("state", Expiring, Lost, desk.Since, desk.Between)
    list_select_related = ("clinic", "session")
    facts = (
        desk.vendor,
        desk.moment("created_at", "known since"),
        desk.moment("available_until", "at the vendor until"),
        desk.moment("archived_at", "copied"),
        desk.moment("lost_at", "lost"),
        "duration",
        "megabytes",
        "attempts",
        "sha256",
    )
    actions = ("archive_now",)
    refusals = (services.NotNow,)

    @admin.display(description="duration")
    def duration(self, recording: Recording) -> str:
        return desk.clock(recording.duration_ms)

    @admin.display(description="size")
    def megabytes(self, recording: Recording) -> str:
        return "" if recording.size is None else f"{recording.size / 1e6:.1f} MB"

    @admin.display(description="reason")
    def reason(self, recording: Recording) -> str:
        return telling.why(recording) if recording.error_code and not recording.is_ours else ""

    # --- Its page
    def page(self, request: HttpRequest, recording: Recording) -> dict[str, Any]:
        return {
            "story": telling.story(recording),
            "player": playback.player_of_recording(recording, request.GET.get("part", "")),
            "parts": recording.told_parts(),
        }

    def buttons(self, recording: Recording) -> list[str]:
        may_help = recording.state in Recording.UNCOPIED or services.is_given_up(recording)
        return ["archive_now"] if may_help else []

    def offered(self, request: HttpRequest, row: Recording) -> list[tuple[str, str]]:
        """What was tried before is tried again."""
        again = {"archive_now": "Try again"} if row.error_code else {}
        return [(name, again.get(name, words)) for name, words in super().offered(request, row)]

    @admin.action(permissions=["manage"], description="Archive now")
    def archive_now(self, request: HttpRequest, recordings: QuerySet[Recording]) -> None:
        self.each(request, recordings, services.archive_now, "It is copied within seconds, if the vendor has it.")

    # --- Playing
    def get_urls(self) -> list[URLPattern]:
        listen, play = self.admin_site.admin_view(self.listen_view), self.admin_site.admin_view(self.play_view)
        return [
            path("listen/<uuid:listening>/<uuid:audio_id>/", listen, name="recordings_recording_listen"),
            path("play/<uuid:listening>/<uuid:object_id>/", play, name="recordings_recording_play"),
            *super().get_urls(),
        ]

    def listen_view(self, request: HttpRequest, listening: UUID, audio_id: UUID) -> HttpResponseBase:
        """An uploaded audio, whole or by Range. `listening`: an id that is new with each page that plays it."""
        audio = self.get_audio(request, audio_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        try:
            answer = files.respond(request, audio.storage_key, audio.content_type, audio.size, audio.sha256)
            self.note(request, listening, audio, answer)
        except files.Missing:
            log.error("audio %s is not in the storage", audio.pk)
            raise Http404 from None
        return answer

    def play_view(self, request: HttpRequest, listening: UUID, object_id: UUID) -> HttpResponseBase:
        """The same of a recording, or of one of its parts (`?part=2`), from our copy or from the vendor's."""
        recording = self.get_object(request, str(object_id))
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        try:
            with cannot_play(recording):
                answer = playing.respond(request, recording, part_of(request))
        except CannotPlay as error:
            return HttpResponse(status=error.status)
        self.note(request, listening, recording, answer)
        return answer

    def note(self, request: HttpRequest, listening: UUID, heard: Any, answer: HttpResponseBase) -> None:
        if request.method != "GET" or answer.status_code in listenings.UNHEARD:
            return
        try:
            listenings.begin(request, listening, heard)
        except listenings.NotTheirs:
            raise Http404 from None

    def get_audio(self, request: HttpRequest, audio_id: UUID) -> Any:
        """Raises Http404 for what is not there or not theirs."""
        rows = apps.get_model("ingest.Audio")._default_manager.filter(pk=audio_id)
        audio = self.of_their_clinics(request, rows).first()
        if audio is None:
            raise Http404
        request.asked_clinic = audio.clinic_id  # type: ignore[attr-defined]  # for access.refusals
        return audio


def part_of(request: HttpRequest) -> int | None:
    """The number in the address, None where there is none. Raises Http404."""
    asked = request.GET.get("part")
    if asked and not re.fullmatch("[0-9]{1,10}", asked):
        raise Http404
    return int(asked) if asked else None


@contextmanager
def cannot_play(recording: Recording) -> Iterator[None]:
    try:
        yield
    except playing.NoSuchPart:
        raise CannotPlay(404) from None
    except files.Missing:
        log.error("recording %s is not in the storage", recording.pk)
        raise CannotPlay(404) from None
    except Apart:
        raise CannotPlay(409) from None
    except VendorError as error:
        log.info("recording %s cannot be played: %s", recording.pk, error.code)
        raise CannotPlay(410 if error.code == links.GONE else 503) from None
