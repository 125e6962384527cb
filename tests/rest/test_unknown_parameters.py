"""A parameter that an address does not know is refused: passed over, it would answer something else than was asked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from access.models import Clinic
from config import urls
from config.rest import OfClinic
from tests.rest.api import Api, a_key, assert_problem

AN_ID = UUID(int=7)
PATTERNS: list[Any] = urls.v1
ADDRESSES = [
    (pattern, method)
    for pattern in PATTERNS
    for method in ("get", "post", "put", "patch", "delete")
    if hasattr(pattern.callback.cls, method)
]
NAMES = {"pk": AN_ID, "delivery": AN_ID, "number": 1}


def address(pattern: Any) -> str:
    return reverse(pattern.name, kwargs={name: NAMES[name] for name in pattern.pattern.converters})


@pytest.mark.parametrize(("pattern", "method"), ADDRESSES, ids=lambda one: getattr(one, "name", one))
def test_every_address_names_those_that_it_knows(clinic: Clinic, pattern: Any, method: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {a_key(clinic)}"})
    view = pattern.callback.cls()
    assert isinstance(view, OfClinic)
    said = assert_problem(client.generic(method.upper(), f"{address(pattern)}?colour=red"), 422, "colour")["errors"]
    assert [error["code"] for error in said] == ["unknown"]
    assert all(name in said[0]["detail"] for name in view.known_parameters(method.upper()))


def test_the_lists_know_these(api: Api) -> None:
    known = {
        "sessions": "created_before, created_since, cursor, encounter_ref, kind, limit, state.",
        "requests": "cursor, limit, overdue, session, state, vendor.",
        "transcripts": "cursor, limit, request, session.",
        "notes": "cursor, include, limit, q, request, session, state, updated_before, updated_since.",
        "recordings": "cursor, limit, session, state, vendor.",
    }
    for path, names in known.items():
        detail = assert_problem(api.get(f"{path}?colour=red"), 422, "colour")["errors"][0]["detail"]
        assert detail == f"There is no such parameter. There are these here: {names}"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("format=json", "format"),
        ("_=1", "_"),
        ("order_by=id", "order_by"),
        ("State=open", "query"),
        ("state[]=open", "query"),
        ("page=2", "page"),
    ],
)
def test_habits_of_other_interfaces_are_refused_too(api: Api, query: str, field: str) -> None:
    assert_problem(api.get(f"sessions?{query}"), 422, field)


@pytest.mark.parametrize(
    "query", ["M%C3%BCller=1", "%00=1", "%ED%A0%80=1", "a%20patient=1", "x" * 41, "x" * 5000, "=1"]
)
def test_what_is_no_name_of_a_parameter_is_not_repeated(api: Api, query: str) -> None:
    assert_problem(api.get(f"sessions?{query}"), 422, "query")


@pytest.mark.parametrize(
    ("query", "field"),
    [("state=open&state=closed", "state"), ("limit=1&limit=1", "limit"), ("cursor=&cursor=", "cursor")],
)
def test_a_parameter_that_is_given_twice_is_refused(api: Api, query: str, field: str) -> None:
    assert assert_problem(api.get(f"sessions?{query}"), 422, field)["errors"][0]["code"] == "repeated"


def test_a_method_that_an_address_does_not_take_is_refused_first(api: Api) -> None:
    assert_problem(api.send("DELETE", "sessions?colour=red"), 405)


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "DELETE"])
def test_what_is_allowed_is_what_is_taken(api: Api, method: str) -> None:
    response = api.send(method, "sessions")
    assert_problem(response, 405)
    assert response["Allow"] == "GET, HEAD, POST"
