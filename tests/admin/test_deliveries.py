"""Staff see what was sent to webhooks, and have it sent again."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from access.models import Clinic
from feed.admin import telling
from feed.models import Endpoint
from tests.admin.rows import list_of, page_of
from tests.admin.test_actions import act, press
from tests.admin.test_webhooks import DELIVERIES, OFF_AT, modes, text
from tests.factories import DeliveryFactory


@pytest.fixture
def sent(endpoint: Endpoint) -> dict[str, Any]:
    tried = {"endpoint": endpoint, "attempts": 3, "last_attempt_at": OFF_AT}
    return {
        "pending": DeliveryFactory(**tried, last_status=503, last_error="refused"),
        "delivered": DeliveryFactory(**tried, state="delivered", last_status=200, delivered_at=OFF_AT),
        "failed": DeliveryFactory(**tried, state="failed", last_error="unreachable", event__kind="note.signed"),
    }


def listed(desk: Client, sent: dict[str, Any], query: str) -> list[str]:
    response = desk.get(DELIVERIES + query)
    assert response.status_code == 200
    shown = response.content.decode()
    return sorted(
        (name for name, row in sent.items() if page_of(row) in shown), key=lambda n: shown.index(page_of(sent[n]))
    )


def test_deliveries_are_listed_newest_first_and_narrowed(
    manager: Client, clinic: Clinic, endpoint: Endpoint, sent: dict[str, Any]
) -> None:
    other = DeliveryFactory(endpoint__clinic=clinic, endpoint__description="Research")
    foreign = DeliveryFactory()
    every = sent | {"other": other, "foreign": foreign}
    assert listed(manager, every, "") == ["other", "failed", "delivered", "pending"]
    assert listed(manager, every, f"?webhook={endpoint.pk}") == ["failed", "delivered", "pending"]
    assert listed(manager, every, f"?webhook={endpoint.pk}&state=pending") == ["pending"]
    assert listed(manager, every, "?state=pending") == ["other", "pending"]
    assert listed(manager, every, "?kind=note.signed") == ["failed"]
    assert listed(manager, every, "?kind=note.created&state=delivered") == ["delivered"]
    assert listed(manager, every, "?since=day&state=failed") == ["failed"]
    assert listed(manager, every, f"?webhook={foreign.endpoint_id}") == []
    shown = text(manager, DELIVERIES)
    assert "Research" in shown
    assert str(foreign.endpoint_id) not in manager.get(DELIVERIES).content.decode()
    assert manager.get(f"{DELIVERIES}?webhook=x").status_code == 400


def test_operators_narrow_the_deliveries_of_one_webhook(
    operator: Client, endpoint: Endpoint, sent: dict[str, Any]
) -> None:
    """Those of all clinics are too many to be looked through for their newest."""
    assert listed(operator, sent, f"?webhook={endpoint.pk}&state=pending") == ["pending"]
    assert listed(operator, sent, f"?webhook={endpoint.pk}&kind=note.created&state=delivered") == ["delivered"]
    assert "By state" in text(operator, f"{DELIVERIES}?webhook={endpoint.pk}")
    assert "By state" not in text(operator, DELIVERIES)
    assert listed(operator, sent, "?state=pending") == ["failed", "delivered", "pending"]


def test_both_conditions_are_asked_for_once(
    manager: Client, sent: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(30) as asked:
        assert listed(manager, sent, "?kind=note.created&state=delivered") == ["delivered"]
    assert {query["sql"].lower().count("unnest") for query in asked} == {0, 1}


def test_the_last_answer_is_told_in_words(manager: Client, sent: dict[str, Any]) -> None:
    shown = text(manager, DELIVERIES)
    for words in ("it answered 503", "it answered 200", "it could not be reached"):
        assert words in shown
    assert "it answered 503" in text(manager, page_of(sent["pending"]))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"last_status": 410, "last_error": "gone"}, "it answered 410: it is gone for good"),
        ({"last_status": 302, "last_error": "redirected"}, "give the address where it is now"),
        ({"last_status": 418, "last_error": "status"}, "it answered 418"),
        ({"last_error": "address_refused"}, "the operator can allow its network in OUTBOUND_ALLOW"),
        ({"last_error": "name_unresolved"}, "the name in its address could not be looked up"),
        ({"last_error": "tls_failed"}, "look at its certificate"),
        ({"last_error": "no_answer"}, "it did not answer in time"),
        ({"last_error": "interrupted"}, "send it again"),
        ({"last_error": "proxy_refused"}, "tell the operator"),
        ({"last_error": "of_a_later_day"}, "no answer came"),
        ({}, "no answer came"),
        ({"last_attempt_at": None}, "not sent yet"),
    ],
)
def test_whatever_came_of_a_try_has_its_words(endpoint: Endpoint, facts: dict[str, Any], said: str) -> None:
    assert said in telling.answer(DeliveryFactory(**{"endpoint": endpoint, "last_attempt_at": OFF_AT, **facts}))


def test_the_next_try_is_when_its_webhook_can_be_told(endpoint: Endpoint) -> None:
    row = DeliveryFactory(endpoint=endpoint, next_attempt_at=OFF_AT)
    assert telling.due(row) == "4 Mar 2026, 14:05"
    endpoint.rests_until = OFF_AT + timedelta(minutes=2)
    assert telling.due(row) == "4 Mar 2026, 14:07"
    endpoint.state = "off"
    assert telling.due(row) == "once the webhook is switched on"


def test_a_delivery_shows_what_is_sent_and_nothing_else(manager: Client, sent: dict[str, Any]) -> None:
    shown = text(manager, page_of(sent["failed"]))
    body = json.loads(re.findall(r"What is sent (\{.*\})", shown)[0])
    assert (body["id"], body["type"]) == (str(sent["failed"].event_id), "note.signed")
    assert "A note was signed: its words will not change any more." in shown


def test_send_again_on_the_page_and_for_many(manager: Client, sent: dict[str, Any]) -> None:
    assert press(manager, sent["failed"], "redeliver") == ["It is on its way again: look here in a few seconds."]
    assert act(manager, list(sent.values()), "redeliver") == [
        "It is on its way again: look here in a few seconds. (3 of them)"
    ]
    assert [(row.state, row.attempts) for row in sent.values()] == [("pending", 0)] * 3
    assert modes() == [("changed", "sent again")] * 4
    Endpoint.objects.update(state="off", off_reason="gone", off_at=OFF_AT)
    assert press(manager, sent["failed"], "redeliver") == ["Not done: The webhook is switched off. Switch it on first."]


def test_what_was_never_tried_offers_no_second_time(manager: Client, endpoint: Endpoint) -> None:
    assert 'value="redeliver"' not in manager.get(page_of(DeliveryFactory(endpoint=endpoint))).content.decode()


@pytest.mark.parametrize("name", ["feed_endpoint", "feed_delivery"])
def test_lists_and_pages_leave_the_secrets_where_they_are(
    manager: Client, sent: dict[str, Any], name: str, django_assert_num_queries: Any
) -> None:
    row = sent["failed"] if name == "feed_delivery" else sent["failed"].endpoint
    for address in (list_of(name), page_of(row)):
        with django_assert_num_queries(20, exact=False) as asked:
            manager.get(address)
        assert not [query["sql"] for query in asked if '"secrets"' in query["sql"]]
