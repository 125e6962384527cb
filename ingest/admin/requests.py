"""What vendors were asked, how far it has come, and asking again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path

from access import desk, log
from access.models import AccessEntry
from ingest import asking
from ingest.admin import telling
from ingest.admin.filters import OfVendor, Overdue
from ingest.models import AsyncRequest, Session, Submission, Utterance
from vendors.base import NOTE, TRANSCRIPT

State = AsyncRequest.State
SHOWN_CALLBACKS = 50
#: htmx asks no more after this one.
LAST_NEWS = 286
WORDS = {TRANSCRIPT: "transcript"}


@admin.register(AsyncRequest)
class AsyncRequestAdmin(desk.ClinicModelAdmin):
    empty = "Nobody has asked a vendor yet. Programs ask over REST, once a session has its audio."
    list_display = (
        desk.reference,
        desk.mark,
        desk.vendor,
        "attempts",
        desk.moment("created_at", "created"),
        desk.moment("submitted_at", "submitted"),
        "reason",
    )
    list_filter = ("state", OfVendor, Overdue, desk.Since, desk.Between)
    list_select_related = ("clinic", "session")
    facts = (
        desk.vendor,
        "asked_for",
        "language",
        "template",
        "style",
        "submitted_elsewhere",
        "audio_sent",
        desk.moment("created_at", "created"),
        desk.moment("submitted_at", "submitted"),
        desk.moment("finished_at", "finished"),
    )
    actions = ("retry", "cancel")
    refusals = (asking.NotNow,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("submissions")

    @admin.display(description="attempts")
    def attempts(self, request: AsyncRequest) -> int:
        return request.current_submission.attempts

    @admin.display(description="reason")
    def reason(self, request: AsyncRequest) -> str:
        return telling.reason(request, request.current_submission)

    @admin.display(description="asked for")
    def asked_for(self, request: AsyncRequest) -> str:
        return ", ".join(WORDS.get(wanted, wanted) for wanted in request.output_objects)

    @admin.display(description="note template")
    def template(self, asked: AsyncRequest) -> str | None:
        return asked.note_template if NOTE in asked.output_objects else None

    @admin.display(description="section style")
    def style(self, asked: AsyncRequest) -> str | None:
        return asked.section_style if NOTE in asked.output_objects else None

    @admin.display(description="audio", empty_value="none")
    def audio_sent(self, asked: AsyncRequest) -> str | None:
        if asked.audio is None or asked.audio_ms is None:
            return None
        files = f"1 to {asked.audio.number}" if asked.all_audio else f"{asked.audio.number}"
        return f"{files} of the session, {desk.clock(asked.audio_ms)}"

    # --- Its page, which goes on by itself
    def get_urls(self) -> list[URLPattern]:
        live = self.admin_site.admin_view(self.live_view)
        return [path("<uuid:object_id>/live/", live, name="ingest_asyncrequest_live"), *super().get_urls()]

    def live_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The part of the page that changes, for the page itself to ask for: status 286 says that it was the last."""
        asked = self.get_object(request, str(object_id))
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request, asked):
            raise PermissionDenied
        news = self.show(request, asked, "live", self.page(request, asked))
        if asked.finished_at:
            news.status_code = LAST_NEWS
        return news

    def page(self, request: HttpRequest, asked: AsyncRequest) -> dict[str, Any]:
        if asked.session.kind == Session.Kind.DICTATION and "X-Poll" not in request.headers:
            log.record(request, AccessEntry.Action.READ, [asked], mode="dictation")
        return {
            "goes_on": asked.finished_at is None,
            "steps": telling.steps(asked),
            "story": telling.story(asked, asked.current_submission),
            "submissions": sorted(asked.submissions.all(), key=lambda submission: submission.number),
            "audio": asked.audio_in_order(),
            "dictated": dictated(asked),
            "callbacks": asked.callbacks.defer("body").order_by("-pk")[:SHOWN_CALLBACKS],
            **AsyncRequest.objects.filter(pk=asked.pk).values("transcript", "note").get(),
        }

    def buttons(self, asked: AsyncRequest) -> list[str]:
        can_retry = asked.state in (State.QUEUED, State.FAILED) or asked.is_overdue
        retry = ["retry"] if can_retry and not asked.submitted_elsewhere else []
        return retry if asked.state in (State.READY, State.CANCELLED) else [*retry, "cancel"]

    @admin.action(permissions=["manage"], description="Retry")
    def retry(self, request: HttpRequest, asked: QuerySet[AsyncRequest]) -> None:
        by = log.actor(request)
        self.each(request, asked, lambda row: asking.retry(row, by), "It is on its way to the vendor again.")

    @admin.action(permissions=["manage"], description="Cancel")
    def cancel(self, request: HttpRequest, asked: QuerySet[AsyncRequest]) -> None:
        self.each(request, asked, asking.cancel, "It is cancelled.")


def dictated(asked: AsyncRequest) -> list[Submission]:
    """The tries in which the vendor understood something, the latest first, while there is no transcript of it."""
    if asked.session.kind != Session.Kind.DICTATION or asked.state == State.READY:
        return []
    in_order = Prefetch("utterances", Utterance.objects.order_by("number"), to_attr="heard")
    tries = asked.submissions.order_by("-number").prefetch_related(in_order)
    return [one for one in tries if one.heard]
