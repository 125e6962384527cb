"""For a stranger of another clinic, nothing is there."""

from __future__ import annotations

from uuid import uuid4

import pytest

from access.models import AccessEntry, Clinic
from ingest.models import AsyncRequest, Audio
from tests.factories import AsyncRequestFactory, NoteFactory, SubmissionFactory, TranscriptFactory
from tests.rest.api import Api, assert_problem

ROUTES = [
    ("GET", "sessions/{session}"),
    ("PATCH", "sessions/{session}"),
    ("GET", "sessions/{session}/audio"),
    ("PUT", "sessions/{session}/audio"),
    ("POST", "sessions/{session}/requests"),
    ("GET", "requests/{request}"),
    ("POST", "requests/{request}/retry"),
    ("POST", "requests/{request}/cancel"),
    ("GET", "transcripts/{transcript}"),
    ("GET", "notes/{note}"),
]
BODIES = {"PUT": b"RIFF", "PATCH": b'{"state": "closed"}', "POST": b'{"vendor": "nabla", "output_objects": ["note"]}'}


@pytest.fixture
def ids(clinic: Clinic) -> dict[str, str]:
    request = SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic, failed=True)).request
    note, transcript = NoteFactory(request=request), TranscriptFactory(request=request)
    rows = {"session": request.session, "request": request, "transcript": transcript, "note": note}
    return {name: str(row.pk) for name, row in rows.items()}


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_another_clinics_rows_are_not_found(stranger: Api, ids: dict[str, str], method: str, path: str) -> None:
    content_type = "audio/wav" if method == "PUT" else "application/json"
    response = stranger.send(method, path.format(**ids), BODIES.get(method), content_type=content_type)
    missing = stranger.send(method, path.format(**{name: uuid4() for name in ids}), content_type=content_type)
    one, other = assert_problem(response, 404), assert_problem(missing, 404)
    assert one | {"request_id": ""} == other | {"request_id": ""}
    assert AsyncRequest.objects.get().state == "failed"
    assert Audio.objects.count() == 1
    refused = list(AccessEntry.objects.exclude(action="granted"))  # their keys were
    assert [(row.action, row.reason, row.clinic.slug) for row in refused] == [("refused", "not_found", "hill")]


@pytest.mark.parametrize("path", ["sessions", "requests", "transcripts", "notes"])
def test_another_clinics_rows_are_not_listed(api: Api, stranger: Api, ids: dict[str, str], path: str) -> None:
    assert stranger.get(path).json()["results"] == []
    assert len(api.get(path).json()["results"]) == 1


def test_a_cursor_of_one_clinic_opens_nothing_in_another(api: Api, stranger: Api, clinic: Clinic) -> None:
    AsyncRequestFactory.create_batch(3, session__clinic=clinic)
    following = api.get("sessions?limit=1").json()["next"]
    assert_problem(stranger.get(following), 422, "cursor")


@pytest.mark.parametrize("name", ["x", "1", "None", "%00", "%FF", "..", "0" * 32])
@pytest.mark.parametrize("path", ["sessions/{}", "requests/{}", "requests/{}/retry", "transcripts/{}", "notes/{}"])
def test_what_is_no_id_is_not_found(api: Api, path: str, name: str) -> None:
    assert_problem(api.get(path.format(name)), 404)
