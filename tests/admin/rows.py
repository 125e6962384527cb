"""One consultation with everything that can come of it, and where each of its rows is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from access.models import Clinic
from tests.factories import (
    AccessEntryFactory,
    AllowedApplicationFactory,
    ApiKeyFactory,
    AsyncRequestFactory,
    AudioFactory,
    CallbackFactory,
    DeliveryFactory,
    NoteFactory,
    RecordingFactory,
    ReplayFactory,
    SessionFactory,
    SubmissionFactory,
    TranscriptFactory,
)

FOR_MEMBERS = [
    "ingest_session",
    "ingest_asyncrequest",
    "ingest_callback",
    "ingest_replay",
    "ingest_vendoraccount",
    "notes_note",
    "notes_transcript",
    "recordings_recording",
    "access_accessentry",
]
FOR_MANAGERS = ["access_apikey", "access_allowedapplication", "access_membership", "feed_endpoint", "feed_delivery"]
FOR_OPERATORS = ["access_clinic", "access_user", "access_trustedissuer", "feed_event"]
PATIENT = "patient-4711"
SAID = "My left knee clicks when I climb stairs."
WRITTEN = "Clicking of the left knee on stairs."


@dataclass(frozen=True)
class Consultation:
    rows: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.rows[name]


def consultation(clinic: Clinic) -> Consultation:
    delivery = DeliveryFactory(endpoint__clinic=clinic)
    session = SessionFactory(clinic=clinic, encounter_ref="enc-77", patient_ref=PATIENT)
    audio = AudioFactory(session=session, duration_ms=65_000)
    request = AsyncRequestFactory(session=session, audio=audio, ready=True)
    submission = SubmissionFactory(request=request)
    replay = ReplayFactory(clinic=clinic, total=1)
    line = {"text": SAID, "speaker": "patient", "start_offset_ms": 61_500, "end_offset_ms": 64_000}
    transcript = TranscriptFactory(request=request, lines=[line])
    return Consultation(
        {
            "ingest_session": session,
            "ingest_asyncrequest": request,
            "ingest_callback": CallbackFactory(
                submission=submission, state="applied", body=SAID.encode(), replay=replay
            ),
            "ingest_replay": replay,
            "ingest_vendoraccount": request.account,
            "notes_note": NoteFactory(request=request, text=WRITTEN),
            "notes_transcript": transcript,
            "recordings_recording": RecordingFactory(session=session),
            "access_apikey": ApiKeyFactory(clinic=clinic),
            "access_allowedapplication": AllowedApplicationFactory(clinic=clinic),
            "access_accessentry": AccessEntryFactory(clinic=clinic),
            "feed_endpoint": delivery.endpoint,
            "feed_delivery": delivery,
        }
    )


def list_of(name: str) -> str:
    return reverse(f"admin:{name}_changelist")


def page_of(row: Any, page: str = "change") -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])
