"""The endpoint refuses what the contract does not allow, and says why."""

import uuid
from typing import Any

import pytest

from .conftest import Vendor


def test_takes_an_order_and_echoes_its_id(vendor: Vendor) -> None:
    answer = vendor.submit(client_request_id="visit-7")
    assert answer.status_code == 200
    assert answer.json()["client_request_id"] == "visit-7"
    assert uuid.UUID(answer.json()["request_id"])


def test_names_no_client_request_id_when_none_was_given(vendor: Vendor) -> None:
    answer = vendor.submit(client_request_id=...).json()
    assert set(answer) == {"request_id"}


def test_request_ids_come_in_both_cases(vendor: Vendor) -> None:
    ids = [vendor.submit().json()["request_id"] for _ in range(2)]
    assert any(one != one.lower() for one in ids)
    assert any(one == one.lower() for one in ids)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer another"}, 401),
        ({"Authorization": None}, 401),
        ({"X-Nabla-Api-Version": None}, 404),
        ({"X-Nabla-Api-Version": "2024-10-01"}, 404),
        ({"Content-Type": "text/plain"}, 400),
        ({"Content-Type": None}, 400),
    ],
)
def test_refuses_wrong_headers(vendor: Vendor, headers: dict[str, str | None], status: int) -> None:
    answer = vendor.send(vendor.order(), headers=headers)
    assert answer.status_code == status
    assert set(answer.json()) == {"message", "code", "name", "trace_id"}
    assert isinstance(answer.json()["code"], int)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"output_objects": ...}, 400),
        ({"output_objects": []}, 400),
        ({"output_objects": "note"}, 400),
        ({"output_objects": ["note", "summary"]}, 400),
        ({"output_objects": [["note"]]}, 400),
        ({"language": ...}, 400),
        ({"language": "de-DE"}, 400),
        ({"language": None}, 400),
        ({"split_by_sentence": "true"}, 400),
        ({"split_by_sentence": 1}, 400),
        ({"split_by_problem": 0}, 400),
        ({"section_style": "prose"}, 83014),
        ({"note_template": "GENERAL"}, 83014),
        ({"language": "es-ES"}, 83014),
        ({"language": "es-MX", "output_objects": ["note"]}, 83014),
        ({"language": "fr-FR", "note_template": "SOAP_WCC"}, 83014),
        ({"language": "fr", "note_template": "GENERAL_MEDICINE_AP_MERGED"}, 83014),
        ({"file_url": ...}, 400),
        ({"file_url": "ftp://clinic/a.wav"}, 400),
        ({"file_url": "/a.wav"}, 400),
        ({"file_url": "http://[::1/a.wav"}, 400),
        ({"callback_url": ...}, 400),
        ({"callback_url": "clinic.example/callback"}, 400),
        ({"client_request_id": "x" * 129}, 400),
        ({"client_request_id": 7}, 400),
        ({"clientRequestId": "x"}, 400),
    ],
)
def test_refuses_a_wrong_field(vendor: Vendor, changes: dict[str, Any], code: int) -> None:
    answer = vendor.submit(**changes)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert set(answer.json()) == {"message", "code", "name", "trace_id"}
    assert vendor.control("GET", "nabla/requests").json()[0]["state"] == "refused"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000])
def test_refuses_a_body_that_is_no_json_object(vendor: Vendor, body: bytes) -> None:
    assert vendor.send(body).status_code == 400


def test_refuses_a_body_over_the_limit(vendor: Vendor) -> None:
    assert vendor.send(vendor.order(file_url="http://clinic/" + "x" * 1024 * 1024)).status_code == 413


@pytest.mark.parametrize("language", ["en-US", "en-GB", "en", "fr-FR", "fr"])
def test_takes_every_language_that_has_notes(vendor: Vendor, language: str) -> None:
    assert vendor.submit(language=language, client_request_id="x" * 128).status_code == 200


def test_takes_spanish_without_a_note(vendor: Vendor) -> None:
    assert vendor.submit(language="es-ES", output_objects=["transcript_item"]).status_code == 200


def test_refuses_an_id_the_second_time_only_if_the_first_was_taken(vendor: Vendor) -> None:
    order = vendor.order()
    assert vendor.send(order | {"language": "xx"}).status_code == 400
    assert vendor.send(order).status_code == 200
    assert vendor.send(order).status_code == 409
    assert vendor.entry(order["client_request_id"])["status"] == 200


def test_has_no_other_endpoint(vendor: Vendor) -> None:
    assert vendor.control("GET", "../nabla/v1/copilot-api/server/listen_async").status_code == 405
    assert vendor.control("POST", "../nabla/v1/copilot-api/server/other").status_code == 404
    assert vendor.control("POST", "../other/v1").status_code == 404
