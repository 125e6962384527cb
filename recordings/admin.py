"""The original audio as vendors keep it."""

from __future__ import annotations

from django.contrib import admin

from access import desk
from recordings.models import Recording


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
    list_filter = ("state", desk.Since)
    list_select_related = ("clinic", "session")

    @admin.display(description="duration")
    def duration(self, recording: Recording) -> str:
        return desk.clock(recording.duration_ms)
