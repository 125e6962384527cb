"""The OpenAPI description: complete, as it is served, and true of what the views do."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver, resolve

from config.advice import kinds
from config.urls import v1
from tests.rest.api import Api
from tests.rest.described import description, faults, looked_up, operations

JSON, YAML = "application/vnd.oai.openapi+json", "application/vnd.oai.openapi"
#: Names of operations are names of functions in clients: changing one breaks them.
OPERATIONS = """
sessions_list sessions_create sessions_retrieve sessions_partial_update sessions_audio_list sessions_audio_update
sessions_requests_create
requests_list requests_retrieve requests_retry_create requests_cancel_create
transcripts_list transcripts_retrieve
notes_list notes_retrieve
recordings_list recordings_create recordings_retrieve recordings_link_create recordings_audio_retrieve
recordings_parts_audio_retrieve
events_list
webhooks_list webhooks_create webhooks_retrieve webhooks_partial_update webhooks_destroy webhooks_standing_retrieve
webhooks_secret_create webhooks_test_create webhooks_replay_create webhooks_replay_destroy
webhooks_deliveries_list webhooks_deliveries_retrieve webhooks_deliveries_redeliver_create
"""
OF_NO_OPERATION = {"internal", "method-not-allowed"}


def test_it_is_valid_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())
    assert capsys.readouterr().err == ""


def test_it_is_served_as_json_and_as_yaml_and_only_when_it_is_new() -> None:
    as_json, as_yaml = (Client(headers={"Accept": accepted}).get("/api/schema") for accepted in (JSON, YAML))
    assert json.loads(as_json.content) == yaml.safe_load(as_yaml.content) == description()
    assert description()["openapi"].startswith("3.1")
    for response, accepted in ((as_json, JSON), (as_yaml, YAML)):
        assert response["Cache-Control"] == "public, no-cache"
        again = Client(headers={"Accept": accepted, "If-None-Match": response["ETag"]}).get("/api/schema")
        assert again.status_code == 304
    assert as_json["ETag"] != as_yaml["ETag"]


def test_every_route_is_described_in_a_sentence() -> None:
    assert len(description()["paths"]) == len(v1)
    for name, operation in operations():
        assert operation["description"].endswith("."), name
        assert operation["description"].startswith(operation["summary"]), name
        assert len(operation["summary"]) < 120, name


def test_names_of_operations_stay() -> None:
    assert sorted(operation["operationId"] for _, operation in operations()) == sorted(OPERATIONS.split())


def test_operations_are_grouped_in_the_order_of_their_use() -> None:
    tags = [tag["name"] for tag in description()["tags"]]
    used = [operation["tags"] for _, operation in operations()]
    assert [tag for tag in tags if [tag] in used] == tags
    assert [of for of, before in zip(used, [None, *used], strict=False) if of != before] == [[tag] for tag in tags]


def test_every_operation_needs_a_key_and_answers_in_problem_documents() -> None:
    for name, operation in operations():
        assert operation["security"] == [{"Bearer": []}], name
        for status, response in operation["responses"].items():
            is_problem = "application/problem+json" in looked_up(response).get("content", {})
            assert is_problem is (status >= "400" and status != "416"), f"{name} {status}"


def test_every_kind_of_problem_is_described_and_no_other() -> None:
    described = {
        kind.removeprefix("/problems/")
        for response in description()["components"]["responses"].values()
        for kind in response["content"]["application/problem+json"]["schema"]["properties"]["type"]["enum"]
    }
    assert described == kinds().keys() - OF_NO_OPERATION


def test_a_parameter_is_described_where_it_is_taken_and_nowhere_else() -> None:
    for name, operation in operations():
        method, _, path = name.partition(" ")
        view: Any = resolve(re.sub(r"{\w+}", SOME_ID, path).replace(f"parts/{SOME_ID}", "parts/1")).func
        view = view.view_class()
        described = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        assert described == set(view.known_parameters(method)), name


def test_every_parameter_is_described() -> None:
    for name, operation in operations():
        for parameter in operation.get("parameters", []):
            values = set(parameter["schema"].get("enum", ()))
            meanings = dict(re.findall(r"^\* `(.*)` - (.*)$", parameter["description"], re.MULTILINE))
            assert parameter["description"], f"{name} {parameter['name']}"
            assert meanings.keys() == values, f"{name} {parameter['name']}"


SOME_ID = "0198b0a4-3d52-7c1e-9b1f-5f2a6d0c4e11"


def test_headers_are_described_where_they_are_given() -> None:
    for name, operation in operations():
        for status, response in operation["responses"].items():
            headers = looked_up(response).get("headers", {}).keys()
            assert {"X-Request-ID", "RateLimit", "RateLimit-Policy"} <= headers, f"{name} {status}"
            assert ("Retry-After" in headers) >= (status in ("202", "429", "503")), f"{name} {status}"
            assert ("WWW-Authenticate" in headers) is (status in ("401", "403")), f"{name} {status}"


def test_what_values_mean_is_said_in_words() -> None:
    for name, schema in description()["components"]["schemas"].items():
        meanings = re.findall(r"^\* `(.*)` - (.*)$", schema.get("description", ""), re.MULTILINE)
        if "enum" in schema and name not in NAMES:
            assert {value for value, _ in meanings} >= set(schema["enum"]) - {""}, name
            assert all(meaning != value for value, meaning in meanings), name


#: Enumerations whose values are names, and one that is the empty string.
NAMES = {"Vendor", "RecordingVendor", "Blank"}


def test_how_to_ask_is_shown_for_each_operation() -> None:
    for name, operation in operations():
        (sample,) = operation["x-codeSamples"]
        method = name.partition(" ")[0]
        assert sample["source"].startswith('curl "$URL/' if method == "GET" else f'curl -X {method} "$URL/'), name
        assert "{" not in sample["source"].partition(" -d ")[0], name


def test_audio_is_described_as_bytes() -> None:
    in_bytes = {"schema": {"type": "string", "format": "binary"}}
    put = description()["paths"]["/api/v1/sessions/{id}/audio"]["put"]["requestBody"]
    assert (put["required"], put["content"]) == (True, {"application/octet-stream": in_bytes})
    get = description()["paths"]["/api/v1/recordings/{id}/audio"]["get"]["responses"]["206"]
    assert get["content"] == {"audio/wav": in_bytes, "application/octet-stream": in_bytes}


@pytest.mark.parametrize("which", ["audio", "parts/{number}/audio"])
def test_audio_is_described_with_its_preconditions(which: str) -> None:
    get = description()["paths"][f"/api/v1/recordings/{{id}}/{which}"]["get"]
    assert {"200", "206", "302", "304", "412", "416"} <= get["responses"].keys()
    taken = {each["name"] for each in get["parameters"] if each["in"] == "header"}
    assert taken == {"Range", "If-None-Match", "If-Match"}


@pytest.mark.django_db
def test_what_is_answered_is_what_is_described(api: Api) -> None:
    schemas = description()["components"]["schemas"]
    session = api.post("sessions", {"kind": "ambient", "language": "en-US", "consent": True}).json()
    assert faults(schemas["Session"], session) == []
    assert session.keys() == schemas["Session"]["properties"].keys()
    body = {"vendor": "nabla", "output_objects": ["note"], "submitted_elsewhere": True}
    request = api.post(f"sessions/{session['id']}/requests", body).json()
    assert faults(schemas["Request"], request) == []
    assert request.keys() == schemas["Request"]["properties"].keys()


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
