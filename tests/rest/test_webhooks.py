"""Webhooks over REST: made, shown, changed, tried out, sent again, removed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from access.models import AccessEntry, Clinic
from feed.models import Delivery, Endpoint, Event
from feed.webhooks import endpoints
from tests.factories import DeliveryFactory, EndpointFactory, EventFactory
from tests.rest.api import V1, Api, assert_problem

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:9/hook"
SHAPE = {
    *("id", "url", "description", "types", "state", "off_reason", "off_at", "created_at", "updated_at"),
}


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = [ip_network("127.0.0.0/8")]


@pytest.fixture
def endpoint(clinic: Clinic) -> Endpoint:
    made: Endpoint = EndpointFactory(clinic=clinic, url=URL)
    return made


def modes(clinic: Clinic) -> list[tuple[str, str]]:
    entries = AccessEntry.objects.filter(clinic=clinic, object_type__in=("endpoint", "delivery")).order_by("id")
    return list(entries.values_list("action", "mode"))


def changed(api: Api, endpoint: Endpoint, body: Any, etag: str | None = None) -> Any:
    tag = etag or api.get(f"webhooks/{endpoint.pk}")["ETag"]
    return api.send("PATCH", f"webhooks/{endpoint.pk}", body, headers={"If-Match": tag})


# --- Made and shown
def test_it_is_made_and_its_secret_shown_once(clinic: Clinic, api: Api) -> None:
    asked = {"url": URL, "description": "EHR", "types": ["note.signed", "note.amended"]}
    response = api.post("webhooks", asked)
    assert response.status_code == 201
    made = response.json()
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert set(made) == SHAPE
    assert asked.items() <= made.items()
    assert (made["state"], made["off_reason"]) == ("on", "")
    assert response["Location"].endswith(f"{V1}/webhooks/{made['id']}")
    shown = api.get(response["Location"])
    assert shown.json() == made
    assert shown["ETag"] == response["ETag"]
    assert api.get("webhooks").json()["results"] == [made]
    assert modes(clinic) == [("granted", "made")]


def test_made_twice_under_one_key_it_is_one(clinic: Clinic, api: Api) -> None:
    first, second = (api.post("webhooks", {"url": URL}, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json() == second.json()
    assert Endpoint.objects.count() == 1


BAD_URLS = {
    "relative": ("/hook", "invalid"),
    "no scheme": ("ehr.example/hook", "invalid"),
    "ftp": ("ftp://ehr.example/hook", "invalid"),
    "javascript": ("javascript:alert(1)", "invalid"),
    "no host": ("https:///hook", "address_refused"),
    "user": ("https://me:pass@ehr.example/hook", "address_refused"),
    "fragment": ("https://ehr.example/hook#top", "fragment"),
    "query": ("https://ehr.example/hook?token=secret", "query"),
    "space": ("https://ehr.example/a hook", "address_refused"),
    "line": ("https://ehr.example/\r\nhook", "address_refused"),
    "brackets": ("https://[::1/hook", "invalid"),
    "letters": ("https://café.example/hook", "invalid"),
    "port": ("https://127.0.0.1:99999/hook", "address_refused"),
    "unknown name": ("https://nowhere.invalid/hook", "name_unresolved"),
    "private": ("https://10.0.0.1/hook", "address_refused"),
    "ourselves in IPv6": ("https://[::1]/hook", "address_refused"),
    "ourselves in disguise": ("https://[::ffff:10.0.0.1]/hook", "address_refused"),
    "metadata": ("http://169.254.169.254/latest", "address_refused"),
    "a number": ("https://2130706433/hook", "address_refused"),
    "plain http": ("http://8.8.8.8/hook", "address_refused"),
    "long": ("https://ehr.example/" + "x" * 500, "max_length"),
    "empty": ("", "blank"),
    "null": (None, "null"),
    "number": (17, "invalid"),
    "nul": ("https://ehr.example/\x00", "null_characters_not_allowed"),
}


@pytest.mark.parametrize(("url", "code"), BAD_URLS.values(), ids=list(BAD_URLS))
def test_an_address_that_cannot_be_taken(api: Api, endpoint: Endpoint, url: Any, code: str) -> None:
    for response in (api.post("webhooks", {"url": url}), changed(api, endpoint, {"url": url})):
        problem = assert_problem(response, 422, "url")
        assert [error["code"] for error in problem["errors"]] == [code]
        assert "secret" not in response.content.decode()
        assert "pass@" not in response.content.decode()
    assert Endpoint.objects.get().url == URL


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_by_name_or_address_is_refused_with_what_to_do(api: Api, settings: Any, host: str) -> None:
    settings.OUTBOUND_ALLOW = []
    problem = assert_problem(api.post("webhooks", {"url": f"https://{host}/hook"}), 422, "url")
    assert "OUTBOUND_ALLOW" in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    "types", ["note.signed", [1], ["note.unheard_of"], ["webhook.test"], None, ["note.signed"] * 99]
)
def test_types_that_cannot_be_taken(api: Api, types: Any) -> None:
    assert_problem(api.post("webhooks", {"url": URL, "types": types}), 422, *fields(types))


def fields(types: Any) -> set[str]:
    return {"types.0"} if isinstance(types, list) and len(types) == 1 else {"types"}


MISSPELT = [
    ("webhooks", {"url": URL, "type": ["note.signed"]}, "type"),
    ("webhooks/{}/secret", {"overlap": 1}, "overlap"),
    ("webhooks/{}/replay", {"since": "2026-01-01T00:00:00Z", "before": "2026-01-02T00:00:00Z"}, "before"),
]


@pytest.mark.parametrize(("path", "body", "name"), MISSPELT)
def test_a_misspelt_member_is_refused(api: Api, endpoint: Endpoint, path: str, body: Any, name: str) -> None:
    problem = assert_problem(api.post(path.format(endpoint.pk), body), 422, name)
    assert "There are: " in problem["errors"][0]["detail"]
    assert Endpoint.objects.get().updated_at == endpoint.updated_at


def test_a_clinic_has_so_many_and_no_more(clinic: Clinic, api: Api) -> None:
    for _ in range(endpoints.MOST):
        EndpointFactory(clinic=clinic)
    problem = assert_problem(api.post("webhooks", {"url": URL}), 409)
    assert "Remove one first" in problem["detail"]


# --- At once
def at_once(row: Any, ask: Callable[[], Any]) -> list[int]:
    """What two who ask at the same moment are answered: both wait for the row, and get it one after the other."""

    def asked() -> int:
        try:
            return int(ask().status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
            answers = [pool.submit(asked) for _ in range(2)]
            wait_until_both_wait()
        return sorted(answer.result() for answer in answers)


def wait_until_both_wait() -> None:
    ends = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < ends:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() == (2,):
                return
            time.sleep(0.02)
    raise AssertionError("they do not wait for each other")


@pytest.mark.django_db(transaction=True)
def test_of_two_made_at_once_where_one_is_left_one_is_made(clinic: Clinic, api: Api) -> None:
    EndpointFactory.create_batch(endpoints.MOST - 1, clinic=clinic)
    assert at_once(clinic, lambda: api.post("webhooks", {"url": URL})) == [201, 409]
    assert Endpoint.objects.filter(clinic=clinic).count() == endpoints.MOST


@pytest.mark.django_db(transaction=True)
def test_of_two_who_change_what_they_have_both_seen_one_does(api: Api, endpoint: Endpoint) -> None:
    place, numbers = f"webhooks/{endpoint.pk}", iter("12")
    seen = {"If-Match": api.get(place)["ETag"]}

    def change() -> Any:
        return api.send("PATCH", place, {"description": next(numbers)}, headers=seen)

    assert at_once(endpoint, change) == [200, 412]
    assert list(AccessEntry.objects.filter(object_type="endpoint").values_list("mode", flat=True)) == [
        "changed description"
    ]


# --- Changed
def test_it_is_changed_and_switched_off_and_on(clinic: Clinic, api: Api, endpoint: Endpoint) -> None:
    response = changed(api, endpoint, {"description": "The new one", "types": [], "state": "off"})
    assert response.status_code == 200, response.content
    shown = response.json()
    assert (shown["description"], shown["state"], shown["off_reason"]) == ("The new one", "off", "by_hand")
    assert response["ETag"] == api.get(f"webhooks/{endpoint.pk}")["ETag"]
    shown = changed(api, endpoint, {"state": "on"}).json()
    assert (shown["state"], shown["off_reason"], shown["off_at"]) == ("on", "", None)
    assert modes(clinic) == [
        ("granted", "changed description"),
        ("changed", "switched off"),
        ("changed", "switched on"),
    ]


def test_a_change_needs_to_know_what_it_changes(api: Api, endpoint: Endpoint) -> None:
    for method in ("PATCH", "DELETE"):
        assert_problem(api.send(method, f"webhooks/{endpoint.pk}", {"state": "off"}), 428)
        stale = {"If-Match": '"0123"'}
        assert_problem(api.send(method, f"webhooks/{endpoint.pk}", {"state": "off"}, headers=stale), 412)
    assert Endpoint.objects.get().state == "on"


def deliveries_go_on(endpoint: Endpoint) -> None:
    DeliveryFactory(endpoint=endpoint)
    facts = {"failures": 3, "failing_since": timezone.now(), "rests_until": timezone.now()}
    Endpoint.objects.update(last_delivered_at=timezone.now(), replay_after=uuid4(), replay_until=uuid4(), **facts)


def test_it_is_as_somebody_has_it_while_deliveries_go_on(api: Api, endpoint: Endpoint) -> None:
    place = f"webhooks/{endpoint.pk}"
    seen = {"If-None-Match": api.get(place)["ETag"]}
    deliveries_go_on(endpoint)
    assert api.get(place, headers=seen).status_code == 304
    assert changed(api, endpoint, {"description": "x"}).status_code == 200
    assert api.get(place, headers=seen).status_code == 200


def test_it_is_new_to_everybody_when_it_was_switched_off(api: Api, endpoint: Endpoint) -> None:
    place = f"webhooks/{endpoint.pk}"
    seen = {"If-None-Match": api.get(place)["ETag"]}
    endpoints.disable(endpoint, Endpoint.Off.GONE)
    again = api.get(place, headers=seen)
    assert (again.status_code, again.json()["off_reason"]) == (200, "gone")


def test_a_busy_webhook_can_be_changed_and_removed(api: Api, endpoint: Endpoint) -> None:
    place, other = f"webhooks/{endpoint.pk}", {"description": "x"}
    etag = api.get(place)["ETag"]
    deliveries_go_on(endpoint)
    response = changed(api, endpoint, other, etag)
    assert response.status_code == 200
    for method in ("PATCH", "DELETE"):
        assert_problem(api.send(method, place, other, headers={"If-Match": etag}), 412)
    deliveries_go_on(endpoint)
    assert api.send("DELETE", place, headers={"If-Match": response["ETag"]}).status_code == 204


@pytest.mark.parametrize("name", ["id", "secret", "off_reason", "nonsense"])
def test_what_cannot_be_changed_is_refused(api: Api, endpoint: Endpoint, name: str) -> None:
    assert_problem(changed(api, endpoint, {name: "x"}), 422, name)


def test_it_is_removed_with_its_deliveries(clinic: Clinic, api: Api, endpoint: Endpoint) -> None:
    DeliveryFactory(endpoint=endpoint)
    response = api.send("DELETE", f"webhooks/{endpoint.pk}", headers={"If-Match": "*"})
    assert (response.status_code, response.content) == (204, b"")
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()
    for place in ("", "/standing", "/deliveries"):
        assert_problem(api.get(f"webhooks/{endpoint.pk}{place}"), 404)
    assert modes(clinic) == [("granted", "removed")]


# --- How it is doing
def test_its_standing_moves_with_its_deliveries(api: Api, endpoint: Endpoint) -> None:
    place = f"webhooks/{endpoint.pk}/standing"
    before = api.get(place)
    assert before.json() == {
        **{"webhook": str(endpoint.pk), "pending": 0, "failing_since": None, "last_delivered_at": None},
        **{"replaying": False, "replayed_to": None},
    }
    DeliveryFactory(endpoint=endpoint)
    DeliveryFactory(endpoint=endpoint, state="delivered")
    DeliveryFactory(endpoint__clinic=endpoint.clinic)
    Endpoint.objects.update(last_delivered_at="2026-03-02T10:15:41.310000Z")
    after = api.get(place, headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert (after.json()["pending"], after.json()["last_delivered_at"]) == (1, "2026-03-02T10:15:41.310000Z")


def test_its_standing_is_read_and_nothing_else(clinic: Clinic, api: Api, endpoint: Endpoint) -> None:
    place = f"webhooks/{endpoint.pk}/standing"
    for method in ("POST", "PATCH", "DELETE"):
        assert_problem(api.send(method, place, {}), 405)
    assert_problem(Api.of(clinic, "webhooks:write").get(place), 403)
    assert Api.of(clinic, "events:read").get(place).status_code == 200


# --- The secret
def test_a_new_secret(clinic: Clinic, api: Api, endpoint: Endpoint) -> None:
    given = api.post(f"webhooks/{endpoint.pk}/secret", {"overlap_hours": 1})
    assert given.status_code == 200
    assert set(given.json()) == {"secret"}
    assert api.post(f"webhooks/{endpoint.pk}/secret").status_code == 200
    assert modes(clinic) == [("granted", "secret replaced")] * 2


@pytest.mark.parametrize("hours", [-1, 2161, "a", 1.5, True, None, 10**30])
def test_hours_that_cannot_be_taken(api: Api, endpoint: Endpoint, hours: Any) -> None:
    assert_problem(api.post(f"webhooks/{endpoint.pk}/secret", {"overlap_hours": hours}), 422, "overlap_hours")


# --- Sent
def test_a_test_is_for_this_one_alone(clinic: Clinic, api: Api, endpoint: Endpoint) -> None:
    EndpointFactory(clinic=clinic)
    response = api.post(f"webhooks/{endpoint.pk}/test")
    assert response.status_code == 202
    made = response.json()
    assert (made["type"], made["state"], made["webhook"]) == ("webhook.test", "pending", str(endpoint.pk))
    assert response["Location"].endswith(f"webhooks/{endpoint.pk}/deliveries/{made['id']}")
    assert api.get(response["Location"]).json() == made
    assert Delivery.objects.count() == 1


def test_deliveries_are_listed_newest_first_and_narrowed(api: Api, endpoint: Endpoint) -> None:
    DeliveryFactory(endpoint__clinic=endpoint.clinic)
    old = DeliveryFactory(endpoint=endpoint, state="failed", last_error="status", last_status=500)
    new = DeliveryFactory(endpoint=endpoint, event__kind="note.signed")

    def ids(query: str = "") -> list[str]:
        return [row["id"] for row in api.get(f"webhooks/{endpoint.pk}/deliveries{query}").json()["results"]]

    assert ids() == [str(new.pk), str(old.pk)]
    assert ids("?state=failed") == [str(old.pk)]
    assert ids("?type=note.signed") == [str(new.pk)]
    assert ids("?type=note.signed&state=failed") == []
    first = api.get(f"webhooks/{endpoint.pk}/deliveries?limit=1").json()
    assert [row["id"] for row in api.get(first["next"]).json()["results"]] == [str(old.pk)]
    assert_problem(api.get(f"webhooks/{endpoint.pk}/deliveries?state=lost"), 422, "state")
    assert_problem(api.get(f"webhooks/{endpoint.pk}/deliveries?since=1"), 422, "since")


def test_one_is_sent_again(clinic: Clinic, api: Api, endpoint: Endpoint) -> None:
    row = DeliveryFactory(endpoint=endpoint, state="failed", attempts=10, last_error="status", last_status=500)
    response = api.post(f"webhooks/{endpoint.pk}/deliveries/{row.pk}/redeliver")
    assert response.status_code == 202
    shown = response.json()
    assert (shown["state"], shown["attempts"], shown["event"]) == ("pending", 0, str(row.event_id))
    assert response["Location"].endswith(f"webhooks/{endpoint.pk}/deliveries/{row.pk}")
    assert modes(clinic) == [("changed", "sent again")]


def test_a_replay_says_how_far_it_is(clinic: Clinic, api: Api, endpoint: Endpoint) -> None:
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    response = api.post(f"webhooks/{endpoint.pk}/replay", {"since": since})
    assert response.status_code == 202
    assert response["Location"].endswith(f"webhooks/{endpoint.pk}/standing")
    assert response["Retry-After"]
    standing = response.json()
    assert (standing["webhook"], standing["replaying"]) == (str(endpoint.pk), True)
    assert standing["replayed_to"] is not None
    again = api.get(response["Location"])
    assert (again.json(), again["ETag"]) == (standing, response["ETag"])
    assert api.post(f"webhooks/{endpoint.pk}/replay", {"since": since}).status_code == 202
    assert modes(clinic) == [("changed", "replayed")] * 2


def test_a_replay_is_stopped(clinic: Clinic, api: Api, stranger: Api, endpoint: Endpoint) -> None:
    place = f"webhooks/{endpoint.pk}/replay"
    api.post(place, {"since": "2026-01-02T00:00:00Z"})
    assert_problem(stranger.send("DELETE", place), 404)
    assert_problem(Api.of(clinic, "events:read").send("DELETE", place), 403)
    assert api.get(f"webhooks/{endpoint.pk}/standing").json()["replaying"]
    for _ in range(2):
        response = api.send("DELETE", place)
        assert (response.status_code, response.content) == (204, b"")
    assert not api.get(f"webhooks/{endpoint.pk}/standing").json()["replaying"]
    assert modes(clinic) == [("changed", "replayed"), ("changed", "replay stopped")]


BAD_TIMES = [
    ({}, "since"),
    ({"since": "yesterday"}, "since"),
    ({"since": 0}, "since"),
    ({"since": "2026-01-02T00:00:00"}, "since"),
    ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
    ({"since": "2999-01-01T00:00:00Z"}, "since"),
]


@pytest.mark.parametrize(("body", "field"), BAD_TIMES)
def test_times_that_cannot_be_taken(api: Api, endpoint: Endpoint, body: Any, field: str) -> None:
    assert_problem(api.post(f"webhooks/{endpoint.pk}/replay", body), 422, field)


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"])
def test_a_replay_may_begin_before_there_was_anything(api: Api, endpoint: Endpoint, since: str) -> None:
    response = api.post(f"webhooks/{endpoint.pk}/replay", {"since": since, "until": "9999-12-31T23:59:59Z"})
    assert response.status_code == 202, response.content


def test_nothing_is_sent_by_one_that_is_off(api: Api, clinic: Clinic) -> None:
    endpoint = EndpointFactory(clinic=clinic, gone=True)
    row = DeliveryFactory(endpoint=endpoint, state="failed")
    asks = [
        api.post(f"webhooks/{endpoint.pk}/test"),
        api.post(f"webhooks/{endpoint.pk}/replay", {"since": "2026-01-02T00:00:00Z"}),
        api.post(f"webhooks/{endpoint.pk}/deliveries/{row.pk}/redeliver"),
    ]
    for response in asks:
        assert "Switch it on first" in assert_problem(response, 409)["detail"]


# --- Whose
def test_a_stranger_finds_nothing(stranger: Api, endpoint: Endpoint) -> None:
    row = DeliveryFactory(endpoint=endpoint)
    place, match = f"webhooks/{endpoint.pk}", {"If-Match": "*"}
    asks = [
        stranger.get(place),
        stranger.send("PATCH", place, {"state": "off"}, headers=match),
        stranger.send("DELETE", place, headers=match),
        stranger.get(f"{place}/standing"),
        stranger.post(f"{place}/secret"),
        stranger.post(f"{place}/test"),
        stranger.post(f"{place}/replay", {"since": "2026-01-02T00:00:00Z"}),
        stranger.get(f"{place}/deliveries"),
        stranger.get(f"{place}/deliveries/{row.pk}"),
        stranger.post(f"{place}/deliveries/{row.pk}/redeliver"),
    ]
    for response in asks:
        assert_problem(response, 404)
    assert stranger.get("webhooks").json()["results"] == []
    endpoint.refresh_from_db()
    assert endpoint.state == "on"


def test_a_delivery_is_found_at_its_own_webhook_alone(api: Api, endpoint: Endpoint) -> None:
    elsewhere = DeliveryFactory(endpoint__clinic=endpoint.clinic)
    assert_problem(api.get(f"webhooks/{endpoint.pk}/deliveries/{elsewhere.pk}"), 404)
    assert_problem(api.get(f"webhooks/{uuid4()}/deliveries/{elsewhere.pk}"), 404)


# --- What it costs
def test_lists_cost_the_same_however_long(
    api: Api, endpoint: Endpoint, django_assert_num_queries: Any, clinic: Clinic
) -> None:
    for _ in range(3):
        DeliveryFactory(endpoint=endpoint)
        EndpointFactory(clinic=clinic)
    api.get("webhooks")  # notes when the key was used
    for path in ("webhooks", f"webhooks/{endpoint.pk}"):
        with django_assert_num_queries(2):  # the key, the webhooks
            api.get(path)
    with django_assert_num_queries(3):  # the key, the webhook, how many wait
        api.get(f"webhooks/{endpoint.pk}/standing")
    with django_assert_num_queries(3):  # the key, the webhook, the deliveries
        api.get(f"webhooks/{endpoint.pk}/deliveries")


def test_waiting_deliveries_are_counted_to_a_thousand(api: Api, endpoint: Endpoint) -> None:
    events = [EventFactory.build(clinic=endpoint.clinic) for _ in range(1001)]
    Event.objects.bulk_create(events)
    facts = {"endpoint": endpoint, "clinic": endpoint.clinic, "kind": "note.created", "next_attempt_at": timezone.now()}
    Delivery.objects.bulk_create([Delivery(event=event, **facts) for event in events])
    assert api.get(f"webhooks/{endpoint.pk}/standing").json()["pending"] == 1000
