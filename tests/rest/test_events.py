"""The change feed over REST: pages, cursors, types, and what cannot be asked of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from access.models import Clinic
from feed import events, reading, sequencer
from feed.events import Happening, Kind
from feed.models import Event, Feed
from feed.serializers import EventPage
from tests.factories import EventFactory
from tests.rest.api import Api, assert_problem

pytestmark = pytest.mark.django_db
NEXT = "Take a cursor from next as it is."


def happen(clinic: Clinic, *kinds: str, **data: Any) -> list[str]:
    """Records and numbers events of these kinds; gives their ids in the feed's order."""
    about = {"session": str(uuid4())} | data
    events.record_all(Happening(kind, clinic.pk, uuid4(), about) for kind in kinds)
    return [str(one.event_id) for one in sequencer.number(clinic.pk)]


def ids(page: Any) -> list[str]:
    return [event["id"] for event in page["results"]]


def cursor_of(page: Any) -> str:
    (cursor,) = parse_qs(urlsplit(page["next"]).query)["after"]
    return cursor


def followed(api: Api, url: str) -> list[str]:
    """All there is, page by page."""
    found: list[str] = []
    while True:
        page = api.get(url).json()
        found += ids(page)
        if not page["has_more"]:
            return found
        url = page["next"]


def test_a_feed_in_which_nothing_happened_yet_can_be_followed(api: Api, clinic: Clinic) -> None:
    page = api.get("events").json()
    assert (page["results"], page["previous"], page["has_more"]) == ([], None, False)
    made = happen(clinic, "note.created")
    assert ids(api.get(page["next"]).json()) == made


def test_an_event_is_told_in_ids_and_states_alone(api: Api, clinic: Clinic) -> None:
    about = {"session": str(uuid4()), "request": str(uuid4()), "version": 2}
    (event_id,) = happen(clinic, "note.updated", **about)
    event = Event.objects.get(pk=event_id)
    (told,) = api.get("events").json()["results"]
    url = f"{settings.PUBLIC_URL}/api/v1/notes/{event.object_id}"
    assert told == {
        "id": event_id,
        "type": "note.updated",
        "timestamp": event.created_at.isoformat().replace("+00:00", "Z"),
        "data": {"object": "note", "id": str(event.object_id), "url": url, **about},
    }


@pytest.mark.parametrize("kind", [kind for kind in Kind.values if not kind.startswith("webhook.")])
def test_whatever_is_told_of_has_an_address_until_it_is_removed(api: Api, clinic: Clinic, kind: str) -> None:
    happen(clinic, kind)
    (told,) = api.get("events").json()["results"]
    if kind.endswith(".deleted"):
        assert told["data"]["url"] is None
    else:
        assert resolve(urlsplit(told["data"]["url"]).path).kwargs["pk"]


def test_what_is_shown_is_what_the_api_describes(api: Api, clinic: Clinic) -> None:
    happen(clinic, *Kind.values)
    page = api.get("events").json()
    assert EventPage(page).data == page


def test_pages_are_oldest_first_and_lead_through_all_of_it_once(api: Api, clinic: Clinic) -> None:
    made = happen(clinic, *["note.created"] * 7)
    assert followed(api, "events?limit=3") == made
    assert followed(api, "events?limit=7") == made
    assert followed(api, "events") == made


def test_the_end_is_where_a_reader_goes_on(api: Api, clinic: Clinic) -> None:
    happen(clinic, "note.created")
    page = api.get("events").json()
    assert not page["has_more"]
    again = api.get(page["next"]).json()
    assert (again["results"], again["next"]) == ([], page["next"])
    later = happen(clinic, "note.signed", "note.amended")
    assert ids(api.get(page["next"]).json()) == later


def test_events_without_a_position_are_not_told(api: Api, clinic: Clinic) -> None:
    EventFactory(clinic=clinic)
    assert api.get("events").json()["results"] == []
    sequencer.number(clinic.pk)
    assert len(api.get("events").json()["results"]) == 1


def test_clinics_have_feeds_of_their_own(api: Api, stranger: Api, clinic: Clinic, other_clinic: Clinic) -> None:
    ours, theirs = happen(clinic, "note.created"), happen(other_clinic, "note.created", "note.signed")
    assert followed(api, "events") == ours
    assert followed(stranger, "events") == theirs


def test_a_cursor_is_good_for_years(clinic: Clinic) -> None:
    clinic_id = UUID(int=7)
    assert reading.write_cursor(clinic_id, 260) == A_CURSOR
    assert reading.read_cursor(clinic_id, A_CURSOR) == 260


A_CURSOR = "AAAAAAAAAQQxPrm3cn1Y"


def test_what_is_numbered_while_a_page_is_read_is_on_the_next_one(clinic: Clinic) -> None:
    """The clinic's feed has gone on between any two of its statements."""
    happen(clinic, "note.created")
    is_reading = True

    def gone_on(execute: Any, *asked: Any) -> Any:
        nonlocal is_reading
        found = execute(*asked)
        if is_reading:
            is_reading = False
            happen(clinic, "note.signed")
            is_reading = True
        return found

    with connection.execute_wrapper(gone_on):
        first = reading.page(clinic.pk, 0, 100)
    second = reading.page(clinic.pk, first.reached, 100)
    assert Event.objects.count() == len(first.results) + len(second.results) == 3


# --- Types
def test_only_some_types(api: Api, clinic: Clinic) -> None:
    made = happen(clinic, "note.created", "note.signed", "request.ready", "note.created")
    assert followed(api, "events?type=note.created") == [made[0], made[3]]
    assert followed(api, "events?type=note.signed,request.ready") == made[1:3]
    assert followed(api, "events?type=note.created&limit=1") == [made[0], made[3]]
    assert followed(api, "events?type=note.rejected") == []


def test_rare_types_are_looked_for_a_stretch_at_a_time(
    api: Api, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = happen(clinic, "note.signed", *["note.created"] * 9, "note.signed")
    monkeypatch.setattr(reading, "MOST_LOOKED_AT", 4)
    first = api.get("events?type=note.signed").json()
    assert (ids(first), first["has_more"]) == (made[:1], True)
    second = api.get(first["next"]).json()
    assert (ids(second), second["has_more"]) == ([], True)
    third = api.get(second["next"]).json()
    assert (ids(third), third["has_more"]) == (made[-1:], False)


@pytest.mark.parametrize("given", ["", "note", "note.created,", "NOTE.CREATED", "note.created note.signed", "%00", "é"])
def test_types_that_do_not_exist_are_refused_with_those_that_do(api: Api, given: str) -> None:
    problem = assert_problem(api.get(f"events?type={given}"), 422, "type")
    assert all(kind in problem["errors"][0]["detail"] for kind in Kind.values)


# --- Bad input
NO_WAITS = [
    "",
    "-1",
    "31",
    "1000000000",
    "1e9",
    "NaN",
    "inf",
    "1.5",
    "0x1",
    "+1",
    " 1",
    "1 ",
    "\u0663",
    "%00",
    "x" * 5000,
]


@pytest.mark.parametrize("wait", NO_WAITS)
def test_a_wait_that_is_no_short_time_is_refused(api: Api, wait: str) -> None:
    problem = assert_problem(api.get("events", query_params={"wait": wait}), 422, "wait")
    assert problem["errors"][0]["detail"] == "Give a whole number from 0 to 30."


@pytest.mark.parametrize("limit", ["", "0", "-1", "1001", "1.5", "NaN", "\u0663", "1" * 5000])
def test_a_limit_that_is_no_small_number_is_refused(api: Api, limit: str) -> None:
    assert_problem(api.get("events", query_params={"limit": limit}), 422, "limit")


def forged(cursor: str) -> list[str]:
    """Whatever a hand or a broken program makes of a cursor."""
    flipped = [f"{cursor[:at]}{'B' if cursor[at] == 'A' else 'A'}{cursor[at + 1 :]}" for at in range(len(cursor))]
    cut = [cursor[:at] for at in range(len(cursor))]
    return [*flipped, *cut, cursor + "A", cursor + "=", f" {cursor}", cursor.lower(), cursor * 50, "0", "-1", "\0", "é"]


def test_a_forged_cursor_is_refused_with_what_to_do(api: Api, clinic: Clinic) -> None:
    happen(clinic, *["note.created"] * 3)
    cursor = cursor_of(api.get("events?limit=2").json())
    for text in forged(cursor):
        problem = assert_problem(api.get("events", query_params={"after": text}), 422, "after")
        assert problem["errors"][0]["detail"] == NEXT


def test_a_cursor_of_another_clinic_is_refused(api: Api, stranger: Api, clinic: Clinic, other_clinic: Clinic) -> None:
    happen(clinic, "note.created")
    happen(other_clinic, "note.created")
    cursor = cursor_of(api.get("events").json())
    assert_problem(stranger.get(f"events?after={cursor}"), 422, "after")


def test_a_cursor_of_another_list_is_refused(api: Api, clinic: Clinic) -> None:
    for _ in range(2):
        api.post("sessions", {"kind": "ambient", "language": "en-US", "consent": True})
    (other,) = parse_qs(urlsplit(api.get("sessions?limit=1").json()["next"]).query)["cursor"]
    assert_problem(api.get(f"events?after={other}"), 422, "after")
    sequencer.sequence()
    ours = cursor_of(api.get("events").json())
    assert_problem(api.get(f"sessions?cursor={ours}"), 422, "cursor")


@pytest.mark.parametrize("position", [2, 10**6, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_cursor_past_the_end_is_refused_with_what_to_do(api: Api, clinic: Clinic, position: int) -> None:
    happen(clinic, "note.created")
    cursor = reading.write_cursor(clinic.pk, position)
    problem = assert_problem(api.get(f"events?after={cursor}"), 422, "after")
    assert problem["errors"][0]["code"] == "beyond_end"
    assert "without after" in problem["errors"][0]["detail"]


def test_parameters_that_do_not_exist_are_refused(api: Api) -> None:
    assert_problem(api.get("events?cursor=x"), 422, "cursor")


def test_without_its_scope_nothing_is_told(clinic: Clinic) -> None:
    assert_problem(Api.of(clinic, "notes:read", "sessions:write", "webhooks:write").get("events"), 403)


# --- What it costs
@pytest.mark.parametrize("limit", [1, 10, 1000])
def test_a_page_takes_as_many_statements_however_long(
    api: Api, clinic: Clinic, django_assert_num_queries: Any, limit: int
) -> None:
    happen(clinic, *["note.created", "note.signed"] * 20)
    api.get("events")  # notes when the key was last used
    with django_assert_num_queries(3):  # the key, the feed's end, the events
        api.get(f"events?limit={limit}&type=note.signed")


def test_asking_again_at_the_end_takes_no_look_at_the_events(
    api: Api, clinic: Clinic, django_assert_num_queries: Any
) -> None:
    happen(clinic, "note.created")
    following = api.get("events").json()["next"]
    with django_assert_num_queries(2):
        api.get(following)


@pytest.mark.parametrize("kinds", [(), ("note.rejected", "note.signed")])
def test_a_page_far_down_a_long_feed_is_found_by_its_index(clinic: Clinic, kinds: tuple[str, ...]) -> None:
    facts = {"clinic": clinic, "kind": "note.created"}
    Event.objects.bulk_create(Event(object_id=uuid4(), position=at, **facts) for at in range(1, 20_001))
    Feed.objects.create(clinic=clinic, position=20_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE feed_event")
    with CaptureQueriesContext(connection) as asked:
        reading.page(clinic.pk, 15_000, 100, kinds)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked[-1]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "event_feed" in plan
    assert "Seq Scan" not in plan
