"""The tables of docs/api.md name just what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from access.models import Scope
from config import advice
from config.urls import v1
from feed.events import Kind
from ingest.models import AsyncRequest

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
#: Of events and of what else is no filter.
OWN = {"cursor", "limit"}


def table(header: str) -> dict[str, str]:
    """The second column by the words in code in the first."""
    (rows,) = re.findall(rf"^\| {re.escape(header)} .*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    cells = ([cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.splitlines())
    return {name: second.strip(" |") for first, second, *_ in cells for name in re.findall(r"`([^`]+)`", first)}


def test_scopes() -> None:
    assert set(table("scope")) == set(Scope.values)


def test_problems_and_their_statuses() -> None:
    shown = {name.removeprefix("/problems/"): int(status) for name, status in table("`type`").items()}
    assert shown == {name: status for name, (status, _) in advice.kinds().items()}


def test_events_and_what_they_tell() -> None:
    assert table("type") == {kind.value: str(kind.label) for kind in Kind}


def test_states_of_a_request() -> None:
    assert set(table("`state`")) == set(AsyncRequest.State.values)


def lists() -> dict[str, Any]:
    """The views that list, by their addresses."""
    views = {str(route.pattern): getattr(route.callback, "view_class", None) for route in v1}
    named = {re.sub(r"<\w+:\w+>", "{id}", address): view for address, view in views.items()}
    return {address: view for address, view in named.items() if f"| `{address}` |" in PAGE or hasattr(view, "list")}


@pytest.mark.parametrize("address", sorted(lists()))
def test_filters(address: str) -> None:
    view = lists()[address]
    filters = set(getattr(getattr(view, "filterset_class", None), "base_filters", {}))
    declared = set(getattr(view, "parameters", {}).get("GET", ())) - OWN
    assert set(re.findall(r"`(\w+)`", table("list")[address])) == filters | declared
