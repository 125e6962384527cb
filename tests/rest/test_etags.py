"""What somebody has already is not sent again: ETag and If-None-Match on everything that is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from access.models import AccessEntry, Clinic
from notes.models import Note
from tests.factories import DeliveryFactory, NoteFactory, RecordingFactory, SubmissionFactory, TranscriptFactory
from tests.rest.api import Api, assert_problem

ONES = [
    "sessions/{session}",
    "requests/{request}",
    "transcripts/{transcript}",
    "notes/{note}",
    "recordings/{recording}",
    "webhooks/{webhook}",
    "webhooks/{webhook}/standing",
    "webhooks/{webhook}/deliveries/{delivery}",
]
LISTS = ["sessions", "sessions/{session}/audio", "requests", "transcripts", "notes", "recordings", "events", "webhooks"]
PATHS = [*ONES, *LISTS, "notes?include=sections,transcript", "notes/{note}?include=transcript"]
STRONG = r'"[0-9a-f]{32}"'
OTHER = '"0123456789abcdef0123456789abcdef"'


@pytest.fixture
def ids(clinic: Clinic) -> dict[str, str]:
    request = SubmissionFactory(request__session__clinic=clinic, request__ready=True).request
    delivery = DeliveryFactory(endpoint__clinic=clinic)
    rows = {
        "session": request.session,
        "request": request,
        "note": NoteFactory(request=request),
        "transcript": TranscriptFactory(request=request),
        "recording": RecordingFactory(session=request.session),
        "webhook": delivery.endpoint,
        "delivery": delivery,
    }
    return {name: str(row.pk) for name, row in rows.items()}


@pytest.mark.parametrize("path", PATHS)
def test_whoever_has_it_is_told_so_without_a_body(api: Api, ids: dict[str, str], path: str) -> None:
    first = api.get(path.format(**ids))
    assert first.status_code == 200
    again = api.get(path.format(**ids), headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "Cache-Control", "RateLimit-Policy"):
        assert again[name] == first[name]
    assert again["RateLimit"]
    assert again["X-Request-ID"] != first["X-Request-ID"]
    assert not again.has_header("Content-Type")


@pytest.mark.parametrize("path", PATHS)
def test_a_head_says_the_same_as_a_get(api: Api, ids: dict[str, str], path: str) -> None:
    got, asked = api.get(path.format(**ids)), api.send("HEAD", path.format(**ids))
    assert (asked.status_code, asked.content, asked["ETag"]) == (200, b"", got["ETag"])
    assert api.send("HEAD", path.format(**ids), headers={"If-None-Match": got["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        (OTHER + ", {etag}", 304),
        (OTHER + ',W/"x" , W/{etag}', 304),
        ("*", 304),
        (" * ", 304),
        (OTHER, 200),
        ("W/" + OTHER, 200),
        ("", 200),
        ("{bare}", 200),
        ('"', 200),
        ("w/{etag}x", 200),
        ('"{bare}', 200),
        ("%00", 200),
        ('"x",' * 2000, 200),
    ],
)
def test_if_none_match_is_compared_weakly(api: Api, ids: dict[str, str], given: str, status: int) -> None:
    path = f"sessions/{ids['session']}"
    etag = api.get(path)["ETag"]
    header = given.replace("{etag}", etag).replace("{bare}", etag.strip('"'))
    assert api.get(path, headers={"If-None-Match": header}).status_code == status


def test_the_tag_changes_with_what_is_shown(api: Api, ids: dict[str, str]) -> None:
    path = f"notes/{ids['note']}"
    before = api.get(path)["ETag"]
    assert api.get(path)["ETag"] == before
    assert api.get(f"{path}?include=transcript")["ETag"] != before
    Note.objects.update(title="Knee, left")
    changed = api.get(path, headers={"If-None-Match": before})
    assert (changed.status_code, changed["ETag"] != before) == (200, True)


def test_a_read_may_ask_for_what_it_takes_it_to_be(api: Api, ids: dict[str, str]) -> None:
    path = f"sessions/{ids['session']}"
    etag = api.get(path)["ETag"]
    assert api.get(path, headers={"If-Match": etag}).status_code == 200
    assert_problem(api.get(path, headers={"If-Match": OTHER}), 412)


def test_an_object_has_one_representation(api: Api, ids: dict[str, str]) -> None:
    path = f"sessions/{ids['session']}"
    indented = api.get(path, headers={"Accept": "application/json; indent=4"})
    assert (indented.content, indented["ETag"]) == (api.get(path).content, api.get(path)["ETag"])


def test_a_refusal_has_no_tag(api: Api, stranger: Api, ids: dict[str, str]) -> None:
    path = f"sessions/{ids['session']}"
    refused = stranger.get(path, headers={"If-None-Match": api.get(path)["ETag"]})
    assert_problem(refused, 404)
    assert not refused.has_header("ETag")
    assert_problem(Api().get(path, headers={"If-None-Match": "*"}), 401)


def test_who_asks_whether_their_copy_is_good_is_in_the_log(api: Api, ids: dict[str, str]) -> None:
    path = f"notes/{ids['note']}"
    etag = api.get(path)["ETag"]
    assert api.get(path, headers={"If-None-Match": etag}).status_code == 304
    assert AccessEntry.objects.filter(action="read", object_ids=[ids["note"]]).count() == 2


@pytest.mark.parametrize(("path", "queries"), [("sessions/{session}", 2), ("requests/{request}", 3), ("notes", 2)])
def test_a_tag_costs_no_query(
    api: Api, ids: dict[str, str], path: str, queries: int, django_assert_num_queries: Callable[[int], Any]
) -> None:
    etag = api.get(path.format(**ids))["ETag"]
    with django_assert_num_queries(queries):
        assert api.get(path.format(**ids)).status_code == 200
    with django_assert_num_queries(queries):
        assert api.get(path.format(**ids), headers={"If-None-Match": etag}).status_code == 304


def test_the_description_has_one_too(api: Api) -> None:
    etag = api.get("/api/schema")["ETag"]
    assert api.get("/api/schema", headers={"If-None-Match": etag}).status_code == 304
