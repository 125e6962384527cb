"""Managers make webhooks, see how they stand and what was sent, and put right what was switched off."""

from __future__ import annotations

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from access.models import AccessEntry, Clinic
from config.ids import first_id
from feed.admin import endpoints as page
from feed.events import Kind
from feed.models import Delivery, Endpoint
from feed.webhooks import replays, signing
from tests.admin.conftest import signed_in
from tests.admin.rows import page_of
from tests.admin.test_actions import act, press, told
from tests.factories import DeliveryFactory, EndpointFactory, EventFactory, MembershipFactory
from tests.feed.test_sequencer import elsewhere, somebody_waits, wait_for

ADD, WEBHOOKS, DELIVERIES = "/admin/feed/endpoint/add/", "/admin/feed/endpoint/", "/admin/feed/delivery/"
URL = "http://127.0.0.1:9/events"
GOOD: dict[str, Any] = {"url": URL, "description": "EHR", "types": ["note.signed", "note.amended"]}
SECRET = re.compile(r'<textarea id="secret"[^>]*>(whsec_[A-Za-z0-9+/=]{40,})</textarea>')


@pytest.fixture(autouse=True)
def allowed(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = [ip_network("127.0.0.0/8")]


def text(desk: Client, address: str) -> str:
    response = desk.get(address)
    assert response.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode().partition("<main")[2])).split())


def shown_secret(response: Any) -> str:
    (found,) = SECRET.findall(response.content.decode())
    return str(found)


def secrets_of(endpoint: Endpoint) -> list[signing.Secret]:
    endpoint.refresh_from_db()
    return signing.read(bytes(endpoint.secrets))


def modes() -> list[tuple[str, str]]:
    entries = AccessEntry.objects.filter(object_type__in=["endpoint", "delivery"]).order_by("pk")
    return [(entry.action, entry.mode) for entry in entries]


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def happened(clinic: Clinic, at: datetime, position: int, kind: str = "note.signed") -> Any:
    pk = UUID(int=(int(at.timestamp() * 1000) << 80) + position)
    return EventFactory(pk=pk, clinic=clinic, created_at=at, kind=kind, position=position)


# --- Making and changing
def test_a_manager_makes_one_and_sees_its_secret_once(manager: Client, clinic: Clinic) -> None:
    assert ADD in manager.get(WEBHOOKS).content.decode()
    secret = shown_secret(manager.post(ADD, GOOD))
    made = Endpoint.objects.get()
    assert (made.clinic, made.url, made.types) == (clinic, URL, ["note.signed", "note.amended"])
    assert [one.key for one in secrets_of(made)] == [secret]
    for address in (page_of(made), WEBHOOKS, page_of(made, "edit"), page_of(made, "secret")):
        assert secret not in manager.get(address).content.decode()
    assert modes() == [("granted", "made")]


def test_it_may_be_told_of_everything_and_each_kind_is_explained(manager: Client, clinic: Clinic) -> None:
    offered = text(manager, ADD)
    for kind in Kind:
        assert (str(kind) in offered) is (kind != Kind.WEBHOOK_TEST)
    assert "note.signed A note was signed: its words will not change any more." in offered
    assert "`" not in offered
    manager.post(ADD, {"url": URL})
    assert Endpoint.objects.get().types == []
    assert "told of everything" in text(manager, page_of(Endpoint.objects.get())).lower()


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"url": ""}, "url", "This field is required."),
        ({"url": "ehr.example/events"}, "url", "Give a whole address, such as https://ehr.example/events."),
        ({"url": f"{URL}?key=tea"}, "url", "Leave out the ?"),
        ({"url": f"{URL}#x"}, "url", "Leave out the #"),
        ({"url": "http://10.1.2.3/events"}, "url", "have the operator name its network in OUTBOUND_ALLOW"),
        ({"url": "http://127.0.0.1/" + "x" * 500}, "url", "at most 500 characters"),
        ({"url": "http://127.0.0.1/\0"}, "url", "Null characters are not allowed."),
        ({"description": "x" * 201}, "description", "at most 200 characters"),
        ({"description": "a\nb"}, "description", "on one line"),
        ({"types": ["note.eaten"]}, "types", "note.eaten is not one of the available choices"),
        ({"types": ["webhook.test"]}, "types", "not one of the available choices"),
    ],
)
def test_what_cannot_be_is_said_where_it_was_typed(
    manager: Client, clinic: Clinic, values: dict[str, Any], field: str, said: str
) -> None:
    errors = manager.post(ADD, GOOD | values).context["form"].errors
    assert list(errors) == [field]
    assert said in str(errors[field])
    assert not Endpoint.objects.exists()


def test_a_clinic_has_twenty_at_most(manager: Client, clinic: Clinic) -> None:
    EndpointFactory.create_batch(20, clinic=clinic)
    assert "The clinic has 20 webhooks, and may have no more." in manager.post(ADD, GOOD).content.decode()


def test_what_is_changed_counts_and_what_is_not_is_left_alone(manager: Client, endpoint: Endpoint) -> None:
    """Its name leads nowhere at this moment: nobody who gives it another description is told so."""
    response = manager.post(page_of(endpoint, "edit"), GOOD | {"url": endpoint.url, "description": "Research"})
    assert response["Location"] == page_of(endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.description, endpoint.types) == ("Research", ["note.signed", "note.amended"])
    assert modes() == [("granted", "changed description types")]


def test_another_secret_goes_beside_the_old_one_for_a_while(manager: Client, endpoint: Endpoint) -> None:
    (old,) = secrets_of(endpoint)
    secret = shown_secret(manager.post(page_of(endpoint, "secret"), {"hours": "2"}))
    fresh, kept = secrets_of(endpoint)
    assert (fresh.key, fresh.until, kept.key) == (secret, None, old.key)
    assert kept.until
    assert timedelta(hours=1) < kept.until - timezone.now() < timedelta(hours=3)


@pytest.mark.parametrize("hours", ["", "-1", "2161", "x", "1e9"])
def test_an_overlap_that_cannot_be_is_said(manager: Client, endpoint: Endpoint, hours: str) -> None:
    assert manager.post(page_of(endpoint, "secret"), {"hours": hours}).context["form"].errors["hours"]
    assert len(secrets_of(endpoint)) == 1


def test_a_form_that_is_sent_twice_makes_one(manager: Client, clinic: Clinic) -> None:
    sent = GOOD | {"form_id": str(uuid4())}
    manager.post(ADD, sent)
    again = manager.post(ADD, sent, follow=True)
    made = Endpoint.objects.get()
    assert again.redirect_chain == [(page_of(made), 302)]
    assert told(again)[0].endswith("If you did not see the secret, make another: “New secret”.")


# --- How it stands
def test_one_that_works_says_so_in_a_word(manager: Client, clinic: Clinic, endpoint: Endpoint) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(time_zone="Asia/Tokyo")
    Endpoint.objects.update(last_delivered_at=datetime(2026, 3, 4, 20, 5, tzinfo=UTC))
    for address in (WEBHOOKS, page_of(endpoint)):
        shown = manager.get(address).content.decode()
        assert "5 Mar 2026, 05:05" in shown
        assert '<span class="lp-mark lp-on">on</span>' in shown
        assert "Next try" not in shown


OFF_AT = datetime(2026, 3, 4, 14, 5, tzinfo=UTC)
OFF = [
    ("gone", "on 4 Mar 2026, 14:05: it answered that it is gone for good (410)."),
    ("failing", "on 4 Mar 2026, 14:05: nothing could be delivered for days."),
    ("by_hand", "on 4 Mar 2026, 14:05: somebody switched it off."),
]


@pytest.mark.parametrize(("reason", "said"), OFF)
def test_one_that_is_off_says_since_when_and_why(manager: Client, clinic: Clinic, reason: str, said: str) -> None:
    row = EndpointFactory(clinic=clinic, state="off", off_reason=reason, off_at=OFF_AT)
    assert f"switched off {said}" in text(manager, WEBHOOKS)
    assert f"Switched off {said} Nothing is sent until it is switched on" in text(manager, page_of(row))
    assert page_of(row, "switch_on") in manager.get(page_of(row)).content.decode()
    assert 'value="test"' not in manager.get(page_of(row)).content.decode()


def test_one_that_fails_says_what_it_answered_and_when_it_is_tried(manager: Client, endpoint: Endpoint) -> None:
    rests = datetime(2030, 3, 4, 14, 5, tzinfo=UTC)
    Endpoint.objects.update(failing_since=OFF_AT, rests_until=rests)
    DeliveryFactory(endpoint=endpoint)
    DeliveryFactory(
        endpoint=endpoint, attempts=2, last_attempt_at=OFF_AT, last_status=500, next_attempt_at=rests + timedelta(1)
    )
    said = "Failing since 4 Mar 2026, 14:05. Last answer: it answered 500. Next try: 4 Mar 2030, 14:05."
    assert said in text(manager, page_of(endpoint))
    assert "failing since 4 Mar 2026, 14:05." in text(manager, WEBHOOKS)


def test_what_waits_is_counted_so_far(
    manager: Client, endpoint: Endpoint, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST", 2)
    for number in range(1, 5):
        DeliveryFactory(endpoint=endpoint)
        DeliveryFactory(endpoint=endpoint, state="delivered")
        words = str(number) if number < 3 else "more than 2"
        assert f"Waiting {words} " in text(manager, page_of(endpoint))


def test_its_newest_deliveries_stand_below_and_lead_to_all(manager: Client, endpoint: Endpoint) -> None:
    rows = [DeliveryFactory(endpoint=endpoint, event__kind="note.signed") for _ in range(11)]
    shown = manager.get(page_of(endpoint)).content.decode()
    assert [page_of(row) in shown for row in (rows[0], rows[1], rows[10])] == [False, True, True]
    assert f'href="{DELIVERIES}?webhook={endpoint.pk}"' in shown


# --- Buttons
def test_a_test_is_sent_from_the_page_and_from_the_list(manager: Client, clinic: Clinic, endpoint: Endpoint) -> None:
    assert press(manager, endpoint, "test") == ["A test is on its way: look here again in a few seconds."]
    act(manager, [endpoint], "test")
    sent = Delivery.objects.filter(endpoint=endpoint, kind="webhook.test", next_attempt_at__lte=timezone.now())
    assert sent.count() == 2
    assert modes() == [("changed", "tested")] * 2
    gone = EndpointFactory(clinic=clinic, gone=True)
    assert press(manager, gone, "test") == ["Not done: The webhook is switched off. Switch it on first."]


@pytest.mark.parametrize("action", ["switch_off", "remove"])
def test_what_ends_something_is_asked_first(manager: Client, endpoint: Endpoint, action: str) -> None:
    asked = manager.post(page_of(endpoint, "press"), {"action": action})
    assert asked.status_code == 200
    assert "EHR" in asked.content.decode()
    endpoint.refresh_from_db()
    assert endpoint.state == "on"


def test_switched_off_by_hand(manager: Client, endpoint: Endpoint) -> None:
    assert press(manager, endpoint, "switch_off") == ["It is switched off: nothing is sent to it."]
    assert (endpoint.state, endpoint.off_reason) == ("off", "by_hand")
    assert modes() == [("changed", "switched off")]


@pytest.mark.parametrize("again", [True, False])
def test_switched_on_it_goes_on_and_gets_what_it_missed(manager: Client, clinic: Clinic, again: bool) -> None:
    since = ago(days=6)
    row = EndpointFactory(clinic=clinic, gone=True, failing_since=since)
    missed = [happened(clinic, since + timedelta(hours=hours), hours) for hours in (1, 2)]
    assert "2 events" in text(manager, page_of(row, "switch_on"))
    response = manager.post(page_of(row, "switch_on"), {"again": "on"} if again else {})
    assert response["Location"] == page_of(row)
    row.refresh_from_db()
    assert (row.state, row.failing_since) == ("on", None)
    bounds = (row.replay_after, row.replay_until)
    assert list(replays.told(row, *bounds)) == missed if again else bounds == (None, None)
    assert modes() == [("changed", "switched on"), *([("changed", "replayed")] if again else [])]


def test_one_that_was_being_sent_earlier_events_gets_what_it_missed_too(manager: Client, clinic: Clinic) -> None:
    since = ago(days=6)
    facts = {"replay_after": first_id(ago(days=2)), "replay_until": first_id(ago(days=1))}
    row = EndpointFactory(clinic=clinic, gone=True, failing_since=since, **facts)
    assert manager.post(page_of(row, "switch_on"), {"again": "on"})["Location"] == page_of(row)
    row.refresh_from_db()
    assert (row.state, row.replay_after) == ("on", first_id(since, seconds=-600))
    assert row.replay_until > first_id(ago(seconds=1))


@pytest.mark.parametrize("state", ["on", "off"])
def test_what_is_sent_again_can_be_stopped(manager: Client, clinic: Clinic, state: str) -> None:
    off: dict[str, Any] = {} if state == "on" else {"state": "off", "off_reason": "gone", "off_at": OFF_AT}
    row = EndpointFactory(clinic=clinic, replay_after=first_id(OFF_AT), replay_until=first_id(ago()), **off)
    assert 'value="stop_replay"' in manager.get(page_of(row)).content.decode()
    assert press(manager, row, "stop_replay") == ["No more earlier events are sent."]
    assert (row.replay_after, row.replay_until) == (None, None)
    assert 'value="stop_replay"' not in manager.get(page_of(row)).content.decode()
    assert modes() == [("changed", "replay stopped")]


def test_one_that_is_on_already_is_not_sent_everything_again(manager: Client, endpoint: Endpoint) -> None:
    """Somebody else was quicker."""
    Endpoint.objects.update(failing_since=ago(days=1))
    assert manager.post(page_of(endpoint, "switch_on"), {"again": "on"})["Location"] == page_of(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.replay_until is None


def test_one_that_switched_itself_off_may_be_left_so(manager: Client, clinic: Clinic) -> None:
    """Nobody is reminded of it any more; since when it missed something stays known."""
    row = EndpointFactory(clinic=clinic, state="off", off_reason="gone", off_at=OFF_AT)
    assert page_of(row) in manager.get(f"{WEBHOOKS}?trouble=yes").content.decode()
    assert press(manager, row, "stay_off") == ["It stays off, and nobody is reminded of it."]
    assert (row.state, row.off_reason, row.off_at) == ("off", "by_hand", OFF_AT)
    assert page_of(row) not in manager.get(f"{WEBHOOKS}?trouble=yes").content.decode()
    assert 'value="stay_off"' not in manager.get(page_of(row)).content.decode()
    on = EndpointFactory(clinic=clinic)
    assert press(manager, on, "stay_off") == ["Not done: The webhook is on."]
    assert on.state == "on"


def test_removed_with_its_deliveries_on_its_page_and_in_the_list(manager: Client, clinic: Clinic) -> None:
    rows = [DeliveryFactory(endpoint__clinic=clinic).endpoint for _ in range(2)]
    response = manager.post(page_of(rows[0], "press"), {"action": "remove", "confirm": "yes"}, follow=True)
    assert response.redirect_chain == [(WEBHOOKS, 302)]
    assert told(response) == ["The webhook is removed."]
    manager.post(WEBHOOKS, {"action": "remove", "_selected_action": [rows[1].pk], "confirm": "yes"})
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_is_off_before_its_deliveries_are_removed(manager: Client, endpoint: Endpoint) -> None:
    """They may be millions: nobody waits for them in a transaction."""
    DeliveryFactory(endpoint=endpoint)
    with ThreadPoolExecutor(1) as pool, elsewhere(lambda: list(Delivery.objects.select_for_update())):
        pressed = pool.submit(removed_by, manager, endpoint)
        wait_for(somebody_waits)
        assert Endpoint.objects.get().state == "off"
    assert pressed.result() == 302
    assert not Endpoint.objects.exists()
    assert modes() == [("granted", "removed")]


def removed_by(desk: Client, row: Endpoint) -> int:
    try:
        return desk.post(page_of(row, "press"), {"action": "remove", "confirm": "yes"}).status_code
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_name_in_a_transaction(
    manager: Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, open_meanwhile = socket.getaddrinfo, []

    def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:
        if host != "here.example":
            return look_up(host, *args, **options)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
            open_meanwhile.append(cursor.fetchone()[0])
        connection.close()
        return look_up("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    here = {"url": "http://here.example:9/events"}
    for address in (ADD, page_of(endpoint, "edit")):
        assert manager.post(address, GOOD | here).status_code in (200, 302)
    assert open_meanwhile == [0, 0]
    assert set(Endpoint.objects.values_list("url", flat=True)) == set(here.values())


# --- From a time
def test_a_time_is_sent_again_once_it_is_said_how_much_that_is(manager: Client, clinic: Clinic) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(time_zone="Asia/Tokyo")
    row = EndpointFactory(clinic=clinic, types=["note.signed"])
    for hour in (0, 1, 2, 3):
        happened(clinic, datetime(2026, 3, 4, hour, 30, tzinfo=UTC), hour)
    happened(clinic, datetime(2026, 3, 4, 1, 30, tzinfo=UTC), 9, "note.created")
    given = {"since": "2026-03-04T10:00", "until": "2026-03-04T12:00"}
    asked = manager.post(page_of(row, "replay"), given)
    assert "2 events would be sent" in asked.content.decode()
    row.refresh_from_db()
    assert row.replay_until is None
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.content.decode()))
    assert manager.post(page_of(row, "replay"), form)["Location"] == page_of(row)
    row.refresh_from_db()
    times = [datetime(2026, 3, 4, hour, tzinfo=UTC) for hour in (1, 3)]
    assert [row.replay_after, row.replay_until] == [first_id(times[0], seconds=-600), first_id(times[1])]
    assert "Earlier events are being sent again." in text(manager, page_of(row))
    assert modes() == [("changed", "replayed")]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"since": ""}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"since": "9999-12-31T23:59"}, "since"),
        ({"since": "0001-01-01T00:00"}, "since"),
        ({"since": "2026-03-29T02:30"}, "since"),
        ({"since": "2026-03-04T10:00", "until": "2026-03-04T10:00"}, "until"),
    ],
)
def test_a_time_that_cannot_be_is_said(manager: Client, clinic: Clinic, given: dict[str, str], field: str) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(time_zone="Europe/Paris")
    row = EndpointFactory(clinic=clinic)
    for more in ({}, {"confirm": "yes"}):
        assert manager.post(page_of(row, "replay"), given | more).context["form"].errors[field]
    row.refresh_from_db()
    assert row.replay_until is None


def test_it_is_said_when_there_are_too_many_to_count(
    manager: Client, endpoint: Endpoint, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "MOST_LOOKED_AT", 2)
    assert "Nothing happened in this time" in asked_how_many(manager, endpoint)
    for position in (1, 2, 3):
        said = {1: "1 event would be sent", 2: "2 events would be sent", 3: "At least 2 events would be sent"}
        happened(clinic, ago(hours=1), position)
        assert said[position] in asked_how_many(manager, endpoint)


def test_a_rare_type_is_not_looked_for_in_a_year_of_events(
    manager: Client, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "MOST_LOOKED_AT", 2)
    row = EndpointFactory(clinic=clinic, types=["note.signed"])
    for position, kind in enumerate(["note.created", "note.created", "note.created", "note.signed"], 1):
        happened(clinic, ago(hours=1), position, kind)
    asked = asked_how_many(manager, row)
    assert "An unknown number of events would be sent" in asked
    assert "Send them" in asked
    Endpoint.objects.update(state="off", off_reason="gone", off_at=ago(hours=2))
    assert "(an unknown number of events)" in text(manager, page_of(row, "switch_on"))


LONG_AGO = "2020-01-01T00:00"


def asked_how_many(desk: Client, row: Endpoint) -> str:
    return text_of(desk.post(page_of(row, "replay"), {"since": LONG_AGO}))


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


# --- The front page
def in_trouble(desk: Client) -> str | None:
    found = re.findall(
        r"<strong>([^<]+)</strong> <span>webhooks in trouble</span>", desk.get("/admin/").content.decode()
    )
    return found[0] if found else None


def test_managers_are_told_of_those_in_trouble(
    manager: Client, viewer: Client, operator: Client, colleague_elsewhere: Client, clinic: Clinic, other_clinic: Clinic
) -> None:
    rows = [
        EndpointFactory(clinic=clinic, gone=True),
        EndpointFactory(clinic=clinic, failing_since=ago(hours=2)),
        EndpointFactory(clinic=clinic, failing_since=ago(minutes=20)),
        EndpointFactory(clinic=clinic, state="off", off_reason="by_hand", off_at=OFF_AT, failing_since=ago(days=2)),
        EndpointFactory(clinic=clinic),
    ]
    assert [in_trouble(desk) for desk in (manager, viewer, operator, colleague_elsewhere)] == ["2", None, "2", "0"]
    shown = manager.get(f"{WEBHOOKS}?trouble=yes").content.decode()
    assert [page_of(row) in shown for row in rows] == [True, True, False, False, False]
    person = MembershipFactory(clinic=other_clinic, role="manager").user
    MembershipFactory(clinic=clinic, role="viewer", user=person)
    assert in_trouble(signed_in(person)) == "0"
