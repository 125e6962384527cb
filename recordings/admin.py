"""The original audio as vendors keep it, and the address at which the desk plays what was uploaded."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.urls import URLPattern, path

from access import desk
from config import files
from recordings import listening as listenings
from recordings.models import Recording

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


class Expiring(desk.Asked):
    """What the vendors delete soon, and of which there is no copy."""

    title = "the vendor's copy"
    parameter_name = "expiring"
    on = "expires within a day"

    def narrowed(self, rows: Any) -> Any:
        return rows.expiring()


@admin.register(Recording)
class RecordingAdmin(desk.ClinicModelAdmin):
    empty = "No recording is known yet. They are the vendors' copies of the audio."
    list_display = (
        desk.reference,
        desk.mark,
        "vendor",
        "duration",
        desk.moment("available_until", "at the vendor until"),
        desk.moment("archived_at", "copied"),
    )
    list_filter = ("state", Expiring, desk.Since)
    list_select_related = ("clinic", "session")

    @admin.display(description="duration")
    def duration(self, recording: Recording) -> str:
        return desk.clock(recording.duration_ms)

    # --- Playing
    def get_urls(self) -> list[URLPattern]:
        listen = self.admin_site.admin_view(self.listen_view)
        name = "recordings_recording_listen"
        return [path("listen/<uuid:listening>/<uuid:audio_id>/", listen, name=name), *super().get_urls()]

    def listen_view(self, request: HttpRequest, listening: UUID, audio_id: UUID) -> HttpResponseBase:
        """An uploaded audio, whole or by Range. `listening`: an id that is new with each page that plays it."""
        audio = self.get_audio(request, audio_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        try:
            answer = files.respond(request, audio.storage_key, audio.content_type, audio.size, audio.sha256)
            if request.method == "GET" and answer.status_code != 416:
                listenings.begin(request, listening, audio)
        except files.Missing:
            log.error("audio %s is not in the storage", audio.pk)
            raise Http404 from None
        except listenings.NotTheirs:
            raise Http404 from None
        return answer

    def get_audio(self, request: HttpRequest, audio_id: UUID) -> Any:
        """Raises Http404 for what is not there or not theirs."""
        rows = apps.get_model("ingest.Audio")._default_manager.filter(pk=audio_id)
        audio = self.of_their_clinics(request, rows).first()
        if audio is None:
            raise Http404
        request.asked_clinic = audio.clinic_id  # type: ignore[attr-defined]  # for access.refusals
        return audio
