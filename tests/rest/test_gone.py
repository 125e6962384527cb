"""What was removed is gone (410), what never was is not found (404), and a stranger cannot tell one from the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from access.models import Clinic
from tests.factories import AsyncRequestFactory, EventFactory, SessionFactory, VendorAccountFactory
from tests.rest.api import Api, assert_problem
from tests.rest.described import operations

ADDRESSES = [
    ("GET", "session", "sessions/{id}"),
    ("PATCH", "session", "sessions/{id}"),
    ("GET", "session", "sessions/{id}/audio"),
    ("PUT", "session", "sessions/{id}/audio"),
    ("POST", "session", "sessions/{id}/requests"),
    ("GET", "request", "requests/{id}"),
    ("POST", "request", "requests/{id}/retry"),
    ("POST", "request", "requests/{id}/cancel"),
    ("GET", "transcript", "transcripts/{id}"),
    ("GET", "note", "notes/{id}"),
    ("GET", "recording", "recordings/{id}"),
    ("POST", "recording", "recordings/{id}/link"),
    ("GET", "recording", "recordings/{id}/audio"),
    ("GET", "recording", "recordings/{id}/parts/1/audio"),
]


def removed(clinic: Clinic, kind: str) -> UUID:
    gone: UUID = EventFactory(clinic=clinic, kind=f"{kind}.deleted").object_id
    return gone


def ask(api: Api, method: str, address: str) -> Any:
    body: Any = b"RIFF" if method == "PUT" else {} if method != "GET" else None
    return api.send(method, address, body, content_type="audio/wav" if method == "PUT" else "application/json")


@pytest.mark.parametrize(("method", "kind", "address"), ADDRESSES)
def test_what_was_removed_is_gone(
    api: Api, stranger: Api, clinic: Clinic, method: str, kind: str, address: str
) -> None:
    gone = address.format(id=removed(clinic, kind))
    problem = assert_problem(ask(api, method, gone), 410)
    assert (problem["type"], problem["detail"]) == (
        "/problems/gone",
        "It was removed, and will not be again. Forget its id.",
    )
    assert_problem(ask(stranger, method, gone), 404)
    assert_problem(ask(api, method, address.format(id=uuid4())), 404)


def test_what_was_only_created_and_is_not_there_is_not_found(api: Api, clinic: Clinic) -> None:
    event = EventFactory(clinic=clinic, kind="session.created")
    assert_problem(api.get(f"sessions/{event.object_id}"), 404)


@pytest.mark.parametrize("path", ["requests", "transcripts", "notes", "recordings"])
def test_whoever_waits_for_something_of_a_removed_session_is_told(
    api: Api, stranger: Api, clinic: Clinic, path: str
) -> None:
    gone = removed(clinic, "session")
    assert_problem(api.get(f"{path}?session={gone}"), 410)
    assert stranger.get(f"{path}?session={gone}").json()["results"] == []
    assert api.get(f"{path}?session={SessionFactory(clinic=clinic).pk}").json()["results"] == []


@pytest.mark.parametrize("path", ["transcripts", "notes"])
def test_whoever_waits_for_what_came_of_a_removed_request_is_told(
    api: Api, stranger: Api, clinic: Clinic, path: str
) -> None:
    gone, there = removed(clinic, "request"), AsyncRequestFactory(session__clinic=clinic)
    assert_problem(api.get(f"{path}?request={gone}"), 410)
    assert_problem(api.get(f"{path}?session={there.session_id}&request={gone}"), 410)
    assert stranger.get(f"{path}?request={gone}").json()["results"] == []
    assert api.get(f"{path}?request={there.pk}").json()["results"] == []


def test_nothing_is_adopted_for_a_removed_session(api: Api, stranger: Api, clinic: Clinic) -> None:
    VendorAccountFactory(clinic=clinic, vendor="suki")
    body = {"session": str(removed(clinic, "session")), "vendor": "suki", "ambient_session_id": "x"}
    assert_problem(api.post("recordings", body), 410)
    assert_problem(stranger.post("recordings", body), 422, "session")


def test_whatever_may_be_gone_is_described_so() -> None:
    found = {name for name, operation in operations() if "410" in operation["responses"]}
    lists = {f"GET /api/v1/{path}" for path in ("requests", "transcripts", "notes", "recordings")}
    ones = {f"{method} /api/v1/{address.replace('/1/', '/{number}/')}" for method, _, address in ADDRESSES}
    assert found == {"POST /api/v1/recordings", *lists, *ones}


def test_what_is_there_costs_no_query_more(
    api: Api, clinic: Clinic, django_assert_num_queries: Callable[[int], Any]
) -> None:
    address = f"sessions/{SessionFactory(clinic=clinic).pk}"
    api.get(address)
    with django_assert_num_queries(2):
        assert api.get(address).status_code == 200
