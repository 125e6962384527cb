"""What comes back for an audio file, in the form that was ordered."""

import json
from typing import Any

import pytest

from sandbox.sample import sample

from .conftest import Clinic, Vendor, wav


def keys(body: dict[str, Any]) -> list[str]:
    return [section["key"] for section in body["note"]["sections"]]


def test_the_sample_gives_its_own_transcript_and_note(vendor: Vendor, clinic: Clinic) -> None:
    body = vendor.result(client_request_id="visit-1")
    assert body["transcript"] == sample()["transcript"]
    assert body["note"] == sample()["note"]
    assert body["client_request_id"] == "visit-1"
    entry = vendor.settled("visit-1")
    assert entry["state"] == "delivered"
    assert body["request_id"] == entry["request_id"]
    assert entry["download"]["sha256"] == sample()["sha256"]
    assert entry["callbacks"][0]["status"] == 200
    assert entry["callbacks"][0]["answer"] == '{"status": "stored"}'


def test_gives_only_what_was_asked_for(vendor: Vendor, clinic: Clinic) -> None:
    vendor.submit(output_objects=["note"], client_request_id="note")
    vendor.submit(output_objects=["transcript_item"], client_request_id=...)
    bodies = [set(json.loads(body)) for body in clinic.callbacks(2)]
    assert {"request_id", "client_request_id", "note"} in bodies
    assert {"request_id", "transcript"} in bodies


def test_sentences_share_the_time_of_their_utterance(vendor: Vendor) -> None:
    items = vendor.result(split_by_sentence=True)["transcript"]
    assert len(items) > len(sample()["transcript"])
    assert items[:2] == [
        {
            "text": "Good morning.",
            "speaker": "doctor",
            "start_offset_ms": sample()["transcript"][0]["start_offset_ms"],
            "end_offset_ms": items[1]["start_offset_ms"],
        },
        {
            "text": "What brings you in today?",
            "speaker": "doctor",
            "start_offset_ms": items[0]["end_offset_ms"],
            "end_offset_ms": sample()["transcript"][0]["end_offset_ms"],
        },
    ]


def test_bullet_points_and_paragraphs(vendor: Vendor, clinic: Clinic) -> None:
    vendor.submit(section_style="bullet_points", client_request_id="bullets")
    vendor.submit(section_style="paragraphs", client_request_id="paragraphs")
    notes = {body["client_request_id"]: body["note"] for body in map(json.loads, clinic.callbacks(2))}
    bullets = [line for section in notes["bullets"]["sections"] for line in section["text"].splitlines()]
    assert all(line.startswith("- ") for line in bullets)
    assert not any("- " in section["text"] or "\n" in section["text"] for section in notes["paragraphs"]["sections"])


def test_the_history_is_divided_by_problem(vendor: Vendor) -> None:
    note = vendor.result(split_by_problem=True)["note"]
    history = next(one["text"] for one in note["sections"] if one["key"] == "HISTORY_OF_PRESENT_ILLNESS")
    assert history.startswith("Headache:\n")
    assert "\n\nHypertension:\nLisinopril" in history


@pytest.mark.parametrize(
    ("template", "expected", "never"),
    [
        ("SOAP", {"SOAP_SUBJECTIVE", "SOAP_OBJECTIVE", "SOAP_ASSESSMENT", "SOAP_PLAN"}, "PLAN"),
        ("GENERAL_MEDICINE_AP_MERGED", {"CHIEF_COMPLAINT", "ASSESSMENT_AND_PLAN"}, "ASSESSMENT"),
        ("CARDIOLOGY", {"CHIEF_COMPLAINT", "CARDIOVASCULAR_RISKS"}, "MENTAL_HEALTH_EXAM"),
        ("PSYCHIATRY", {"CHIEF_COMPLAINT", "MENTAL_HEALTH_EXAM"}, "CARDIOVASCULAR_RISKS"),
        ("PSYCHOLOGY", {"PSYCHOLOGY_HISTORY_OF_COMPLAINT", "MENTAL_HEALTH_HISTORY"}, "VITALS"),
        ("DIET", {"DIET_HABITS", "DIET_OBJECTIVES", "DIET_CHIEF_COMPLAINT"}, "PLAN"),
        ("SOAP_EMERGENCY", {"SOAP_PLAN"}, "PLAN"),
    ],
)
def test_the_template_decides_the_sections(vendor: Vendor, template: str, expected: set[str], never: str) -> None:
    body = vendor.result(note_template=template, file_url=vendor.clinic.serve(wav(240)))
    assert expected <= set(keys(body))
    assert never not in keys(body)
    assert all(section["text"] and section["title"] for section in body["note"]["sections"])


@pytest.mark.parametrize("seconds", [3, 11.5, 95])
def test_other_audio_gets_a_consultation_as_long_as_itself(vendor: Vendor, seconds: float) -> None:
    items = vendor.result(file_url=vendor.clinic.serve(wav(seconds)))["transcript"]
    assert items[0]["start_offset_ms"] == 0
    assert items[-1]["end_offset_ms"] == seconds * 1000
    assert {item["speaker"] for item in items} == {"doctor", "patient"}
    offsets = [offset for item in items for offset in (item["start_offset_ms"], item["end_offset_ms"])]
    assert offsets == sorted(offsets)


def test_the_same_audio_says_the_same_and_other_audio_something_else(vendor: Vendor, clinic: Clinic) -> None:
    for client_request_id, seed in (("first", 1), ("again", 1), ("other", 2)):
        vendor.submit(client_request_id=client_request_id, file_url=clinic.serve(wav(60, seed)))
    bodies = {body["client_request_id"]: body for body in map(json.loads, clinic.callbacks(3))}
    assert bodies["first"]["transcript"] == bodies["again"]["transcript"]
    assert bodies["first"]["note"] == bodies["again"]["note"]
    assert bodies["first"]["transcript"] != bodies["other"]["transcript"]


def test_french_is_french(vendor: Vendor) -> None:
    body = vendor.result(language="fr-FR")
    assert body["note"]["sections"][0]["title"] == "Motif de consultation"
    assert body["transcript"][-1]["end_offset_ms"] == sample()["duration_ms"]


def test_spanish_has_a_transcript_alone(vendor: Vendor) -> None:
    body = vendor.result(language="es-MX", output_objects=["transcript_item"])
    assert "note" not in body
    assert body["transcript"]


@pytest.mark.parametrize(
    ("outputs", "code"), [(["note"], 422), (["transcript_item", "note"], 422), (["transcript_item"], 83005)]
)
def test_too_short_audio_fails(vendor: Vendor, outputs: list[str], code: int) -> None:
    body = vendor.result(output_objects=outputs, file_url=vendor.clinic.serve(wav(2.5)))
    assert set(body) == {"request_id", "client_request_id", "error_code", "error_message"}
    assert body["error_code"] == code
    assert "too short" in body["error_message"]


@pytest.mark.parametrize(
    ("audio", "content_type", "status"),
    [
        (wav(10), "text/html", 200),
        (wav(10), "audio/wav", 404),
        (wav(10), "audio/wav", 302),
        (b"not audio at all" * 100, "audio/wav", 200),
        (b"", "audio/wav", 200),
        (wav(3602), "audio/wav", 200),
    ],
    ids=["other type", "missing", "nowhere", "junk", "empty", "over an hour"],
)
def test_unusable_audio_fails(vendor: Vendor, audio: bytes, content_type: str, status: int) -> None:
    body = vendor.result(file_url=vendor.clinic.serve(audio, content_type, status), client_request_id="bad")
    assert body["error_code"] == 422
    assert "transcript" not in body
    assert "note" not in body
    assert vendor.settled("bad")["download"]["status"] == status


def test_an_audio_server_that_is_not_there_fails(vendor: Vendor) -> None:
    assert vendor.result(file_url="http://127.0.0.1:9/a.wav")["error_code"] == 422


def test_audio_that_comes_in_parts_is_put_together(vendor: Vendor) -> None:
    vendor.clinic.part_size = 300_000
    body = vendor.result(client_request_id="parts")
    assert body["transcript"] == sample()["transcript"]
    assert vendor.settled("parts")["download"]["status"] == 206


def test_an_answer_that_is_no_success_is_written_down_and_not_repeated(vendor: Vendor) -> None:
    vendor.clinic.answer_status = 503
    vendor.submit(client_request_id="busy")
    entry = vendor.settled("busy")
    assert entry["state"] == "undelivered"
    assert [one["status"] for one in entry["callbacks"]] == [503]
