from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver

from config.urls import v1
from tests.rest.api import Api


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    response = Client(headers={"Accept": "application/vnd.oai.openapi+json"}).get("/api/schema")
    assert response.status_code == 200
    document: dict[str, Any] = json.loads(response.content)
    return document


def operations(schema: dict[str, Any]) -> list[Any]:
    return [operation for methods in schema["paths"].values() for operation in methods.values()]


def test_the_description_is_valid_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())
    assert capsys.readouterr().err == ""


def test_every_route_is_described_in_a_sentence(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    assert len(schema["paths"]) == len(v1)
    assert all(operation["description"].endswith(".") for operation in operations(schema))


def test_every_operation_needs_a_key_and_answers_in_problem_documents(schema: dict[str, Any]) -> None:
    for operation in operations(schema):
        assert operation["security"] == [{"Bearer": []}]
        for status in ("401", "403"):
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


def test_audio_is_described_as_bytes(schema: dict[str, Any]) -> None:
    put = schema["paths"]["/api/v1/sessions/{id}/audio"]["put"]
    assert put["requestBody"]["content"] == {"audio/*": {"schema": {"type": "string", "format": "binary"}}}
    assert {"200", "201", "404", "409", "413", "415", "422"} <= put["responses"].keys()


def test_what_is_answered_is_what_is_described(schema: dict[str, Any], api: Api) -> None:
    session = api.post("sessions", {"kind": "ambient", "language": "en-US", "consent": True}).json()
    assert session.keys() == schema["components"]["schemas"]["SessionShown"]["properties"].keys()
    body = {"vendor": "nabla", "output_objects": ["note"], "submitted_elsewhere": True}
    request = api.post(f"sessions/{session['id']}/requests", body).json()
    assert request.keys() == schema["components"]["schemas"]["RequestShown"]["properties"].keys()


def test_the_docs_page_takes_nothing_from_elsewhere() -> None:
    page = Client().get("/api/docs")
    assert page.status_code == 200
    text = page.content.decode() + Client().get("/api/docs?script").content.decode()
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in text
    assert "/api/schema" in text
    assert "://" not in text.replace("http://www.w3.org", "")


def test_every_route_has_a_name() -> None:
    names = {pattern.name for pattern in v1}
    assert None not in names
    assert names <= set(get_resolver().reverse_dict)
