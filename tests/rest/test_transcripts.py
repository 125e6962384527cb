from __future__ import annotations

from access.models import Clinic
from tests.factories import TranscriptFactory
from tests.rest.api import Api


def test_a_transcript_is_shown_with_its_lines(api: Api, clinic: Clinic) -> None:
    row = TranscriptFactory(request__session__clinic=clinic)
    assert api.get(f"transcripts/{row.pk}").json() == {
        "id": str(row.pk),
        "session": str(row.session_id),
        "request": str(row.request_id),
        "language": "en-US",
        "items": [
            {"text": "What brings you in?", "speaker": "doctor", "start_offset_ms": 0, "end_offset_ms": 1800},
            {"text": "My knee hurts.", "speaker": "patient", "start_offset_ms": 2000, "end_offset_ms": None},
        ],
        "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
    }


def test_transcripts_are_listed_without_their_lines(api: Api, clinic: Clinic) -> None:
    first, second = (TranscriptFactory(request__session__clinic=clinic) for _ in range(2))
    TranscriptFactory()
    listed = api.get("transcripts").json()["results"]
    assert [row["id"] for row in listed] == [str(second.pk), str(first.pk)]
    assert "items" not in listed[0]
    of_first = api.get(f"transcripts?session={first.session_id}").json()["results"]
    assert [row["id"] for row in of_first] == [str(first.pk)]
