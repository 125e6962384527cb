"""Whatever the OpenAPI description describes is shown by an example that is as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.rest.described import JSON, description, faults, looked_up, operations


def bodies() -> Iterator[tuple[str, Any]]:
    """(where, the media type) of every body in JSON; bytes can have no example in it."""
    for name, operation in operations():
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} {media_type}", content
        for status, response in operation["responses"].items():
            for media_type, content in looked_up(response).get("content", {}).items():
                yield f"{name} {status} {media_type}", content


IN_JSON = [(where, content) for where, content in bodies() if where.endswith(JSON)]


def test_only_audio_is_not_in_json() -> None:
    others = {where for where, content in bodies() if content["schema"].get("format") == "binary"}
    assert others == {where for where, _ in bodies() if not where.endswith(JSON)}
    assert all("/audio" in where for where in others)


@pytest.mark.parametrize("where", dict(IN_JSON))
def test_the_example_of_a_body_is_as_its_schema_says(where: str) -> None:
    content = dict(IN_JSON)[where]
    assert faults(content["schema"], content["example"]) == []


def parameters() -> Iterator[tuple[str, Any]]:
    for name, operation in operations():
        for parameter in operation.get("parameters", []):
            yield f"{name} {parameter['in']} {parameter['name']}", parameter


@pytest.mark.parametrize("where", dict(parameters()))
def test_the_example_of_a_parameter_is_as_its_schema_says(where: str) -> None:
    parameter = dict(parameters())[where]
    assert faults(parameter["schema"], parameter["example"]) == []


@pytest.mark.parametrize("name", sorted(description()["components"]["headers"]))
def test_the_example_of_a_header_is_as_its_schema_says(name: str) -> None:
    header = description()["components"]["headers"][name]
    assert header["description"].endswith(".")
    assert faults(header["schema"], header["example"]) == []


@pytest.mark.parametrize("name", sorted(description()["components"]["schemas"]))
def test_what_is_shown_is_shown_whole(name: str) -> None:
    """An enum needs none; what is sent may leave out what need not be sent."""
    schema = description()["components"]["schemas"][name]
    if "properties" not in schema:
        assert schema["enum"]
        return
    example = schema["examples"][0]
    assert faults(schema, example) == []
    assert set(schema.get("required", ())) <= example.keys() <= schema["properties"].keys()


def test_what_is_posted_to_a_webhook_is_described_and_shown() -> None:
    posted = description()["webhooks"]["event"]["post"]
    content = posted["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Event"}
    assert faults(content["schema"], content["example"]) == []
    assert {"2XX", "410", "default"} == posted["responses"].keys()


def test_ids_that_are_examples_lead_to_each_other() -> None:
    schemas = description()["components"]["schemas"]
    note, request = schemas["Note"]["examples"][0], schemas["Request"]["examples"][0]
    assert request["note"] == note["id"]
    assert note["request"] == request["id"]
    assert note["session"] == schemas["Session"]["examples"][0]["id"]
