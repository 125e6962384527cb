"""Links under an `Idempotency-Key`: the same ones for as long as they open anything, and no transaction meanwhile."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from access.models import AccessEntry, Clinic, KeptAnswer
from recordings.models import Recording
from tests.factories import SessionFactory, VendorAccountFactory
from tests.recordings.store import Keeper, pending
from tests.rest.api import Api, assert_problem

KEY = {"Idempotency-Key": "one"}


def link(api: Api, recording: Recording, query: str = "") -> Any:
    return api.post(f"recordings/{recording.pk}/link{query}", headers=KEY)


@pytest.mark.django_db
def test_the_same_links_are_given_until_they_end_and_then_others(
    api: Api, recording: Recording, keeper: Keeper
) -> None:
    first, again = link(api, recording), link(api, recording)
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert len(keeper.asked) == AccessEntry.objects.filter(action="linked").count() == 1
    ends = first.json()["recordings"][0]["expires_at"]
    assert KeptAnswer.objects.get().expires_at == datetime.fromtimestamp(ends, timezone.get_default_timezone())
    KeptAnswer.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    assert link(api, recording).json() != first.json()
    assert len(keeper.asked) == AccessEntry.objects.filter(action="linked").count() == 2


@pytest.mark.django_db
def test_links_for_saving_are_something_else_than_links_for_playing(api: Api, recording: Recording) -> None:
    assert link(api, recording).status_code == 200
    document = assert_problem(link(api, recording, "?download=true"), 422)
    assert document["type"] == "/problems/idempotency-key-reused"


@pytest.mark.django_db
def test_links_that_could_not_be_had_may_be_asked_for_again(api: Api, recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [pending()]
    assert_problem(link(api, recording), 404)
    assert link(api, recording).status_code == 200


@pytest.mark.django_db
def test_a_recording_is_adopted_under_a_key(api: Api, clinic: Clinic, keeper: Keeper) -> None:
    session = SessionFactory(clinic=clinic)
    VendorAccountFactory(clinic=clinic, vendor="suki")
    body = {"session": str(session.pk), "vendor": "suki", "ambient_session_id": "made-elsewhere"}
    first, again = (api.post("recordings", body, headers=KEY) for _ in range(2))
    assert (again.status_code, again.content, again["Location"]) == (202, first.content, first["Location"])
    assert AccessEntry.objects.filter(mode="adopted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_while_the_vendor_is_asked_the_key_is_in_use_and_no_transaction_is_open(
    api: Api, recording: Recording, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, may_go_on, inside = threading.Event(), threading.Event(), []
    give = keeper.give

    def slowly(*given: Any) -> Any:
        inside.append(connection.in_atomic_block)
        asked.set()
        assert may_go_on.wait(30)
        return give(*given)

    monkeypatch.setattr(keeper, "give", slowly)
    answers: list[Any] = []

    def ask() -> None:
        answers.append(link(api, recording))
        connection.close()

    other = threading.Thread(target=ask)
    other.start()
    assert asked.wait(30)
    document = assert_problem(refused := link(api, recording), 409)
    assert (document["type"], refused["Retry-After"]) == ("/problems/idempotency-key-in-use", "1")
    may_go_on.set()
    other.join(30)
    assert inside == [False]
    assert link(api, recording).content == answers[0].content
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)
