from __future__ import annotations

from datetime import datetime
from uuid import UUID

from access.models import Clinic
from ingest.models import Session
from tests.factories import SessionFactory
from tests.rest.api import Api

SESSION = {"kind": "ambient", "language": "en-US", "consent": True}


def test_a_session_is_opened_and_shown(api: Api, clinic: Clinic) -> None:
    given = SESSION | {
        "encounter_ref": "visit 7",
        "patient_ref": " P-1 ",
        "clinician_ref": "Dr Grün",
        "started_at": "2026-03-01T10:30:00+01:00",
    }
    response = api.post("sessions", given)
    assert response.status_code == 201
    shown = response.json()
    assert shown | given | {"started_at": "2026-03-01T09:30:00Z"} == shown
    assert shown["state"] == "open"
    assert UUID(shown["correlation_id"])
    assert datetime.fromisoformat(shown["created_at"]).utcoffset() is not None
    assert shown["created_at"].endswith("Z")
    session = Session.objects.get()
    assert str(session.pk) == shown["id"]
    assert session.clinic == clinic
    assert response["Location"] == f"http://testserver/api/v1/sessions/{session.pk}"
    assert api.get(response["Location"]).json() == shown


def test_what_is_optional_may_be_left_out(api: Api) -> None:
    shown = api.post("sessions", SESSION).json()
    assert (shown["encounter_ref"], shown["patient_ref"], shown["clinician_ref"]) == ("", "", "")
    assert shown["started_at"] is None


def test_a_session_without_consent_may_be_opened(api: Api) -> None:
    assert api.post("sessions", SESSION | {"consent": False}).json()["consent"] is False


def test_sessions_are_listed_newest_first_and_by_state(api: Api, clinic: Clinic) -> None:
    first, second = SessionFactory(clinic=clinic), SessionFactory(clinic=clinic, state="closed")
    SessionFactory()
    assert [row["id"] for row in api.get("sessions").json()["results"]] == [str(second.pk), str(first.pk)]
    assert [row["id"] for row in api.get("sessions?state=open").json()["results"]] == [str(first.pk)]
