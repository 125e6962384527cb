"""Consultations and their audio."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from access import desk
from ingest.models import Audio, Session
from ingest.sessions import close_session


@admin.register(Session)
class SessionAdmin(desk.ClinicModelAdmin):
    empty = "No session has been opened yet. Programs with an API key open them over REST."
    list_display = (desk.reference, desk.moment("created_at", "created"), "kind", "language", desk.mark, "audio_files")
    list_filter = ("state", "kind", desk.Since, desk.Between)
    facts = (
        "encounter_ref",
        "patient_ref",
        "clinician_ref",
        "kind",
        "language",
        "consent",
        desk.moment("started_at", "consultation began"),
        desk.moment("created_at", "created"),
        "correlation_id",
    )
    actions = ("close",)

    def get_queryset(self, request: HttpRequest) -> Any:
        audio = Audio.objects.filter(session=OuterRef("pk")).order_by().values("session")
        files = Coalesce(Subquery(audio.values(n=Count("pk"))), 0)
        return super().get_queryset(request).annotate(files=files)

    @admin.display(description="audio files")
    def audio_files(self, session: Any) -> int:
        return int(session.files)

    def page(self, request: HttpRequest, session: Session) -> dict[str, Any]:
        return {
            "audio": session.audio.select_related("waveform").order_by("number"),
            "requests": session.requests.order_by("-pk"),
            "recordings": session.recordings.order_by("-pk"),
            "notes": session.notes.defer("search").order_by("-pk"),
        }

    def buttons(self, session: Session) -> list[str]:
        return [] if session.state == Session.State.CLOSED else ["close"]

    @admin.action(permissions=["manage"], description="Close session")
    def close(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        self.each(request, sessions, close_session, "The session is closed: it takes no more audio.")
