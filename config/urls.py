"""Addresses. No slash at their ends."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from config import advice, docs, problems
from feed import api as feed
from feed.webhooks import api as webhooks
from ingest import api as ingest
from notes import api as notes
from recordings import api as recordings

handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.page_not_found
handler500 = problems.server_error

v1 = [
    path("sessions", ingest.SessionList.as_view(), name="sessions"),
    path("sessions/<uuid:pk>", ingest.SessionOne.as_view(), name="session"),
    path("sessions/<uuid:pk>/audio", ingest.SessionAudio.as_view(), name="session-audio"),
    path("sessions/<uuid:pk>/requests", ingest.SessionRequests.as_view(), name="session-requests"),
    path("requests", ingest.RequestList.as_view(), name="requests"),
    path("requests/<uuid:pk>", ingest.RequestOne.as_view(), name="request"),
    path("requests/<uuid:pk>/retry", ingest.RequestRetry.as_view(), name="request-retry"),
    path("requests/<uuid:pk>/cancel", ingest.RequestCancel.as_view(), name="request-cancel"),
    path("transcripts", notes.TranscriptList.as_view(), name="transcripts"),
    path("transcripts/<uuid:pk>", notes.TranscriptOne.as_view(), name="transcript"),
    path("notes", notes.NoteList.as_view(), name="notes"),
    path("notes/<uuid:pk>", notes.NoteOne.as_view(), name="note"),
    path("recordings", recordings.RecordingList.as_view(), name="recordings"),
    path("recordings/<uuid:pk>", recordings.RecordingOne.as_view(), name="recording"),
    path("recordings/<uuid:pk>/link", recordings.RecordingLink.as_view(), name="recording-link"),
    path("recordings/<uuid:pk>/audio", recordings.RecordingAudio.as_view(), name="recording-audio"),
    path("recordings/<uuid:pk>/parts/<int:number>/audio", recordings.RecordingPartAudio.as_view(), name="part-audio"),
    path("events", feed.EventList.as_view(), name="events"),
    path("webhooks", webhooks.WebhookList.as_view(), name="webhooks"),
    path("webhooks/<uuid:pk>", webhooks.WebhookOne.as_view(), name="webhook"),
    path("webhooks/<uuid:pk>/standing", webhooks.WebhookStanding.as_view(), name="webhook-standing"),
    path("webhooks/<uuid:pk>/secret", webhooks.WebhookSecret.as_view(), name="webhook-secret"),
    path("webhooks/<uuid:pk>/test", webhooks.WebhookTest.as_view(), name="webhook-test"),
    path("webhooks/<uuid:pk>/replay", webhooks.WebhookReplay.as_view(), name="webhook-replay"),
    path("webhooks/<uuid:pk>/deliveries", webhooks.DeliveryList.as_view(), name="webhook-deliveries"),
    path("webhooks/<uuid:pk>/deliveries/<uuid:delivery>", webhooks.DeliveryOne.as_view(), name="webhook-delivery"),
    path(
        "webhooks/<uuid:pk>/deliveries/<uuid:delivery>/redeliver",
        webhooks.DeliveryAgain.as_view(),
        name="webhook-redeliver",
    ),
]

urlpatterns = [
    path("api/v1/", include(v1)),
    path("api/schema", docs.Description.as_view(), name="schema"),
    path("recordings/<str:ticket>", recordings.LinkedPart.as_view(), name="recording-linked"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path(r"^api/", problems.no_such_address),
    path("problems", advice.ProblemList.as_view(), name="problems"),
    path("problems/<slug:name>", advice.ProblemOne.as_view(), name="problem"),
    path("admin/", admin.site.urls),
    *(path(shorter, RedirectView.as_view(pattern_name="admin:index")) for shorter in ("", "admin")),
]
