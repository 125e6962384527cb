"""The whole way: audio in over REST, out to the vendor, its callback back, the note over REST."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from ingest.models import Callback
from notes.models import Note, NoteVersion, Transcript
from tests.flows.clinic import SAMPLE, Clinic, Sandbox, eventually, wav


def test_a_recording_becomes_a_note(clinic: Clinic) -> None:
    session = clinic.session()
    audio = clinic.upload(session, SAMPLE.read_bytes(), "audio/flac")
    assert audio["content_type"] == "audio/flac"
    assert audio["number"] == 1
    request = clinic.ready(clinic.ask(session, audio=audio["id"], client_request_id="visit-17"))
    expected = json.loads(SAMPLE.with_suffix(".json").read_text())
    note = clinic.call("GET", f"notes/{request['note']}")
    assert note["title"] == expected["note"]["title"]
    assert [section["key"] for section in note["sections"]] == [s["key"] for s in expected["note"]["sections"]]
    assert note["state"] == "needs_review"
    assert note["version"] == 1
    transcript = clinic.call("GET", f"transcripts/{request['transcript']}")
    assert transcript["items"] == expected["transcript"]
    assert request["client_request_id"] == "visit-17"
    assert request["request_id"]
    assert request["failure"] is None


@pytest.mark.parametrize("suffix", ["webm", "m4a", "aac", "mp3", "ogg", "wav", "flac"])
def test_the_vendor_may_fetch_every_format_as_audio(clinic: Clinic, sandbox: Sandbox, suffix: str) -> None:
    from tests.ingest.sounds import encoded

    request = clinic.ready(clinic.consult(encoded(suffix, seconds=6)))
    download = eventually(lambda: sandbox.seen(request["client_request_id"]))["download"]
    assert download["status"] == 200
    assert download["content_type"].startswith("audio/")


def test_what_was_not_asked_for_is_not_needed(clinic: Clinic) -> None:
    only_transcript = clinic.ready(clinic.consult(output_objects=["transcript_item"]))
    assert only_transcript["note"] is None
    only_note = clinic.ready(clinic.consult(output_objects=["note"]))
    assert only_note["transcript"] is None


def test_the_fields_reach_the_vendor_as_they_were_given(clinic: Clinic, sandbox: Sandbox) -> None:
    fields: dict[str, Any] = {
        "language": "fr-FR",
        "note_template": "SOAP",
        "section_style": "bullet_points",
        "split_by_sentence": True,
        "output_objects": ["note"],
    }
    request = clinic.ready(clinic.consult(**fields))
    seen = sandbox.seen(request["client_request_id"])
    assert seen
    assert {name: seen["body"][name] for name in fields} == fields


def test_a_wish_the_vendor_cannot_grant_is_refused_before_anything_is_sent(clinic: Clinic) -> None:
    session = clinic.session()
    clinic.upload(session, wav())
    body = {"vendor": "nabla", "output_objects": ["note"]}
    for wish in ({"language": "es-ES"}, {"language": "fr-FR", "note_template": "SOAP_WCC"}):
        problem = clinic.call("POST", f"sessions/{session}/requests", 422, json=body | wish)
        assert problem["errors"]
    assert clinic.call("GET", "requests")["results"] == []


def test_forty_identical_callbacks_at_once_make_one_note(clinic: Clinic, sandbox: Sandbox, rows: None) -> None:
    sandbox.fault("callback_many", count=40, times=1)
    request = clinic.ready(clinic.consult())
    seen = eventually(lambda: len(sent(sandbox, request)) == 40 and sent(sandbox, request))
    assert {callback["status"] for callback in seen} == {200}
    assert Callback.objects.filter(request=request["id"]).count() == 1
    assert Note.objects.filter(request=request["id"]).count() == 1
    assert NoteVersion.objects.filter(note__request=request["id"]).count() == 1
    assert Transcript.objects.filter(request=request["id"]).count() == 1


def sent(sandbox: Sandbox, request: dict[str, Any]) -> list[dict[str, int]]:
    seen = sandbox.seen(request["client_request_id"])
    return [c for c in seen["callbacks"] if c.get("status")] if seen else []


def test_another_requests_body_on_a_ticket_takes_nobodys_place(clinic: Clinic, sandbox: Sandbox, rows: None) -> None:
    """B's body comes to A's address before B's own callback: B still gets its note, and A its own."""
    sandbox.fault("callback_late", delay=3, times=2)
    a, b = clinic.consult(), clinic.consult()
    for request in (a, b):
        clinic.until(request, "waiting")
    a, b = clinic.request(a), clinic.request(b)
    ticket_of_a = sandbox.seen(a["client_request_id"])["body"]["callback_url"]  # type: ignore[index]
    forged = {"client_request_id": b["client_request_id"], "transcript": [{"text": "Forged.", "speaker": "doctor"}]}
    assert requests.post(ticket_of_a, json=forged, timeout=10).json() == {"status": "stored"}
    a, b = clinic.ready(a), clinic.ready(b)
    assert Callback.objects.filter(request=a["id"], state="mismatch").count() == 1
    assert "Forged." not in json.dumps(clinic.call("GET", f"transcripts/{b['transcript']}"))
    assert a["note"] != b["note"]


def test_an_upload_is_known_again_and_others_are_numbered(clinic: Clinic) -> None:
    session, first, second = clinic.session(), wav(), wav()
    one = clinic.upload(session, first)
    assert clinic.upload(session, first, expect=200) == one
    assert clinic.upload(session, second)["number"] == 2


def test_two_clinics_may_use_the_same_client_request_id(new_clinic: Callable[[], Clinic]) -> None:
    here, there = new_clinic(), new_clinic()
    # The sandbox is one vendor for both, so only one of them sends; the other waits for somebody else's result.
    here.ready(here.consult(client_request_id=f"same-{here.slug}"))
    again = there.ask(there.session(), client_request_id=f"same-{here.slug}", submitted_elsewhere=True)
    assert again["state"] == "waiting"
    body = {"vendor": "nabla", "output_objects": ["note"], "client_request_id": f"same-{here.slug}"}
    here.call("POST", f"sessions/{here.session()}/requests", 409, json=body | {"submitted_elsewhere": True})
