"""Every `type` of a problem is an address that says what it means and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from config import advice, urls
from config.problems import KINDS
from tests.rest.api import Api, assert_problem

assert urls.v1  # with it, whatever can refuse a request is loaded
KIND = re.compile(r'^ +kind = \("([^"]+)", "([^"]+)"\)', re.MULTILINE)
APPS = ("access", "config", "feed", "ingest", "notes", "recordings")


def named() -> Iterator[tuple[str, str]]:
    """Each `kind = (name, title)` of the code, read and not imported."""
    for app in APPS:
        for path in Path(settings.BASE_DIR, app).rglob("*.py"):
            yield from KIND.findall(path.read_text())


TYPES = sorted({*KINDS.values(), *named()})


def test_every_type_that_can_be_answered_is_known() -> None:
    assert {name for name, _ in TYPES} == set(advice.kinds()) == set(advice.ADVICE)


@pytest.mark.parametrize(("name", "title"), TYPES)
def test_a_type_can_be_looked_up_by_anybody(name: str, title: str) -> None:
    response = Client().get(f"/problems/{name}")
    shown = response.json()
    assert (response.status_code, shown["type"], shown["title"]) == (200, f"/problems/{name}", title)
    assert shown["advice"].endswith(".")
    assert response["Cache-Control"] == "public, max-age=3600"
    assert Client().get(f"/problems/{name}", headers={"If-None-Match": response["ETag"]}).status_code == 304


def test_they_are_listed() -> None:
    listed = Client().get("/problems").json()["results"]
    assert [one["type"].rpartition("/")[2] for one in listed] == sorted(name for name, _ in TYPES)
    assert all(Client().get(one["url"]).json() == one for one in listed)


@pytest.mark.parametrize("name", ["nothing", "conflict%00", "x" * 3000])
def test_another_is_not_found(db: None, name: str) -> None:
    assert Client().get(f"/problems/{name}").status_code == 404


def test_nothing_can_be_sent_there() -> None:
    response = Client().post("/problems/conflict")
    assert_problem(response, 405)
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("sessions", {"headers": {"Accept": "text/html"}}, 406),
        ("sessions", {"headers": {"Authorization": "x"}}, 401),
        ("sessions?colour=red", {}, 422),
        ("patients", {}, 404),
    ],
)
def test_a_problem_leads_to_its_type(api: Api, path: str, options: Any, status: int) -> None:
    problem = api.get(path, **options).json()
    shown = Client().get(problem["type"]).json()
    assert (shown["status"], shown["title"]) == (status, problem["title"])
