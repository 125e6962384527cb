"""Staff have callbacks processed again, one or thousands, and see what came of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from access.models import AccessEntry, Clinic
from config import leases
from ingest.admin import replays as page_of_replays
from ingest.models import Callback, Replay
from tests.admin.conftest import signed_in
from tests.admin.rows import list_of, page_of
from tests.factories import MembershipFactory, OrphanFactory, ReplayFactory, UserFactory

CALLBACKS, REPLAYS = list_of("ingest_callback"), list_of("ingest_replay")
SETTLED = "It has been applied already, or is being processed at this moment."


def resting(clinic: Clinic, number: int = 1, **fields: Any) -> list[Callback]:
    return Callback.objects.bulk_create(
        OrphanFactory.build_batch(number, clinic=clinic, **{"state": "failed"} | fields)
    )


def process_again(desk: Client, ticked: Callback, query: str = "", *, across: bool = False) -> list[str]:
    """Ticks one in the list, or asks for all of them; what the person is told, without the link."""
    answers = {"action": "process_again", "_selected_action": [ticked.pk], "select_across": "1" if across else "0"}
    response = desk.post(f"{CALLBACKS}{query}", answers, follow=True)
    assert response.status_code == 200
    return [re.sub(r"\s*<.*>", "", str(message)) for message in response.context["messages"]]


def waiting(clinic: Clinic) -> int:
    return Callback.objects.filter(clinic=clinic, state="stored").count()


def text_of(page: Any) -> str:
    assert page.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode().partition("<main")[2]).split())


# --- Asking for it
def test_all_pages_at_once_in_few_statements_and_without_bodies(manager: Client, clinic: Clinic) -> None:
    rows = resting(clinic, 3000)
    manager.get(CALLBACKS)
    with CaptureQueriesContext(connection) as queries:
        told = process_again(manager, rows[0], "?state__exact=failed", across=True)
    assert told == ["It is processed again; look in a few seconds. (3,000 of them)"]
    assert waiting(clinic) == 3000
    assert len(queries) < 80
    read = [re.sub('"body" IS (NOT )?NULL', "", query["sql"].partition(" FROM ")[0]) for query in queries]
    assert not [sql for sql in read if '"body"' in sql]


def test_the_filters_hold_for_all_pages_and_are_said(manager: Client, clinic: Clinic) -> None:
    (failed, *_) = resting(clinic, 3)
    resting(clinic, state="junk")
    resting(clinic, vendor="suki")
    told = process_again(manager, failed, "?state__exact=failed&vendor=nabla&since=week", across=True)
    assert told == ["It is processed again; look in a few seconds. (3 of them)"]
    assert waiting(clinic) == 3
    assert Replay.objects.get().chosen == "failed, nabla, the past week"


def test_only_those_ticked_without_asking_for_all(manager: Client, clinic: Clinic) -> None:
    first, _ = resting(clinic, 2)
    assert process_again(manager, first) == ["It is processed again; look in a few seconds."]
    assert waiting(clinic) == 1
    assert Replay.objects.get().chosen == "chosen by hand"


def test_the_list_offers_all_pages_where_there_are_more(manager: Client, viewer: Client, clinic: Clinic) -> None:
    resting(clinic, 50)
    offer = "Select all that the filters leave"
    assert offer not in manager.get(CALLBACKS).content.decode()
    resting(clinic)
    assert offer in manager.get(CALLBACKS).content.decode()
    assert offer not in viewer.get(CALLBACKS).content.decode()


def test_those_that_cannot_are_counted_by_what_keeps_them(
    manager: Client, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    (failed,) = resting(clinic)
    resting(clinic, 2, state="applied")
    emptied = resting(clinic, 2, state="junk")
    Callback.objects.filter(pk__in=[row.pk for row in emptied]).update(body=None)
    told = process_again(manager, failed, across=True)
    assert told[0] == "It is processed again; look in a few seconds."
    assert set(told[1:]) == {f"Not done for 2: {SETTLED}", "Not done for 2: Its body is no longer kept."}
    Callback.objects.filter(pk=failed.pk).update(state="applied", **leases.finished())
    Callback.objects.filter(body=None).delete()
    monkeypatch.setattr(page_of_replays, "MOST_REFUSED", 2)
    assert process_again(manager, failed, across=True) == [f"Not done for 2 or more: {SETTLED}"]


def test_the_record_says_who(manager: Client, clinic: Clinic) -> None:
    (row,) = resting(clinic)
    process_again(manager, row)
    entry = AccessEntry.objects.get(action="changed")
    assert (entry.object_type, entry.mode, entry.object_ids) == ("callback", "replayed", [str(row.pk)])
    assert (entry.clinic, entry.actor_kind, entry.role) == (clinic, "user", "manager")
    assert Replay.objects.get().asked_by == f"user:{entry.actor_id}"


def test_only_where_the_person_is_a_manager(clinic: Clinic, other_clinic: Clinic) -> None:
    person = MembershipFactory(clinic=clinic, role="manager").user
    MembershipFactory(clinic=other_clinic, role="reviewer", user=person)
    (mine,), _ = resting(clinic), resting(other_clinic, 2)
    assert process_again(signed_in(person), mine, across=True) == [
        "It is processed again; look in a few seconds.",
        "Not done for 2: Only a manager of its clinic may do this.",
    ]
    assert (waiting(clinic), waiting(other_clinic)) == (1, 0)


def test_those_who_only_read_ask_in_vain(viewer: Client, reviewer: Client, clinic: Clinic) -> None:
    (row,) = resting(clinic)
    for desk in (viewer, reviewer):
        process_again(desk, row, across=True)
        assert desk.post(page_of(row, "press"), {"action": "process_again"}).status_code == 403
    assert not Replay.objects.exists()


def test_a_stranger_reaches_nothing(colleague_elsewhere: Client, clinic: Clinic, other_clinic: Clinic) -> None:
    (row,), _ = resting(clinic), resting(other_clinic)
    process_again(colleague_elsewhere, row, across=True)
    assert (waiting(clinic), waiting(other_clinic)) == (0, 1)
    replay = ReplayFactory(clinic=clinic)
    assert colleague_elsewhere.get(page_of(replay)).status_code == 404
    assert colleague_elsewhere.post(page_of(row, "press"), {"action": "process_again"}).status_code == 404


def test_an_operator_has_one_replay_a_clinic(operator: Client, clinic: Clinic, other_clinic: Clinic) -> None:
    (row,), _ = resting(clinic), resting(other_clinic, 2)
    answers = {"action": "process_again", "_selected_action": [row.pk], "select_across": "1"}
    assert REPLAYS in operator.post(CALLBACKS, answers, follow=True).content.decode()
    assert dict(Replay.objects.values_list("clinic", "total")) == {clinic.pk: 1, other_clinic.pk: 2}


# --- Seeing it
def test_a_replay_says_how_far_it_is_and_what_came_of_it(viewer: Client, clinic: Clinic) -> None:
    maria = UserFactory(username="maria")
    replay = ReplayFactory(clinic=clinic, total=1304, chosen="nabla, failed", asked_by=f"user:{maria.pk}")
    resting(clinic, 2, replay=replay, state="stored")
    resting(clinic, 1, replay=replay, state="applied")
    (failed,) = resting(clinic, 1, replay=replay)
    (other,) = resting(clinic)
    listed = text_of(viewer.get(REPLAYS))
    assert "maria nabla, failed 1,302 of 1,304 processed" in listed
    page = viewer.get(page_of(replay))
    for words in ("1,302 of 1,304 processed", "stored, not yet processed 2", "could not be processed 1", "applied 1"):
        assert words in text_of(page)
    assert "1,300 of them were processed again since" in text_of(page)
    (address,) = re.findall(r'href="([^"]+state__exact=failed)"', page.content.decode())
    behind = viewer.get(address.replace("&amp;", "&")).content.decode()
    assert page_of(failed) in behind
    assert page_of(other) not in behind


@pytest.mark.parametrize("by", ["command:root", "command:", "user:999999"])
def test_whoever_has_no_name_here_is_said_by_kind(viewer: Client, clinic: Clinic, by: str) -> None:
    ReplayFactory(clinic=clinic, asked_by=by)
    kind, _, name = by.partition(":")
    words = {"command": "operator's command", "user": "person"}[kind]
    assert f"{words} {name}".strip().replace("'", "&#x27;") in viewer.get(REPLAYS).content.decode()


def test_the_message_and_the_callback_lead_to_the_replay(manager: Client, clinic: Clinic) -> None:
    (row,) = resting(clinic)
    told = manager.post(page_of(row, "press"), {"action": "process_again"}, follow=True).content.decode()
    replay = Replay.objects.get()
    assert told.count(f'href="{page_of(replay)}"') == 2
    assert "chosen by hand" in manager.get(page_of(row)).content.decode()


@pytest.mark.parametrize("replay", ["x", "0", "a'b"])
def test_a_replay_that_cannot_be_narrows_nothing(manager: Client, clinic: Clinic, replay: str) -> None:
    assert manager.get(f"{CALLBACKS}?replay={replay}").status_code == 400
