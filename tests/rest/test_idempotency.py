"""`Idempotency-Key` on POST: asked again under the same key, nothing is done again and the first answer is given."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access import idempotency
from access.models import AccessEntry, Clinic, KeptAnswer
from config.urls import v1
from feed.models import Event
from ingest.models import AsyncRequest, Session
from tests.factories import AudioFactory, SessionFactory, VendorAccountFactory
from tests.locks import waiting
from tests.rest.api import Api, assert_problem

SESSION = {"kind": "ambient", "language": "en-US", "consent": True, "patient_ref": "patient-4711"}
NOTE = {"vendor": "nabla", "output_objects": ["note"]}


def post(api: Api, path: str, body: Any = None, key: str = "one") -> Any:
    return api.post(path, body, headers={"Idempotency-Key": key})


@pytest.fixture
def session(clinic: Clinic) -> Session:
    VendorAccountFactory(clinic=clinic)
    return cast("Session", AudioFactory(session=SessionFactory(clinic=clinic), number=1).session)


# --- The same again
def test_the_same_again_gets_the_first_answer(api: Api) -> None:
    first, again = post(api, "sessions", SESSION), post(api, "sessions", SESSION)
    assert Session.objects.count() == Event.objects.count() == 1
    assert (again.status_code, again.content) == (201, first.content)
    assert (again["Location"], again["Content-Type"]) == (first["Location"], first["Content-Type"])
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first


def test_it_is_the_first_answer_also_when_things_have_moved_on(api: Api, session: Session) -> None:
    first = post(api, f"sessions/{session.pk}/requests", NOTE)
    AsyncRequest.objects.update(state="failed", finished_at=timezone.now())
    again = post(api, f"sessions/{session.pk}/requests", NOTE)
    assert (again.status_code, again.json()) == (202, first.json())
    assert api.get(again["Location"]).json()["state"] == "failed"


def test_the_order_of_members_and_white_space_do_not_matter(api: Api) -> None:
    post(api, "sessions", SESSION)
    turned = json.dumps(dict(reversed(SESSION.items())), indent=4).encode()
    assert post(api, "sessions", turned)["Idempotency-Replayed"]


def test_without_a_key_each_is_done(api: Api) -> None:
    assert [api.post("sessions", SESSION).status_code for _ in range(2)] == [201, 201]
    assert Session.objects.count() == 2
    assert not KeptAnswer.objects.exists()


def test_another_key_is_another_request(api: Api) -> None:
    post(api, "sessions", SESSION, "one")
    post(api, "sessions", SESSION, "two")
    assert Session.objects.count() == 2


# --- Something else
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sessions", SESSION | {"language": "fr-FR"}),
        ("sessions", SESSION | {"more": 1}),
        ("recordings", SESSION),
    ],
)
def test_something_else_under_the_same_key_is_refused(api: Api, path: str, body: Any) -> None:
    post(api, "sessions", SESSION)
    document = assert_problem(post(api, path, body), 422)
    assert document["type"] == "/problems/idempotency-key-reused"
    assert Session.objects.count() == 1


def test_a_key_is_the_programs_own(api: Api, stranger: Api, clinic: Clinic) -> None:
    """Neither another clinic's nor another program of the same clinic."""
    for other in (api, stranger, Api.of(clinic)):
        assert "Idempotency-Replayed" not in post(other, "sessions", SESSION)
    assert Session.objects.count() == 3


def test_a_key_opens_nothing_to_whom_it_is_not_allowed(api: Api, clinic: Clinic) -> None:
    post(api, "sessions", SESSION)
    assert_problem(post(Api(), "sessions", SESSION), 401)
    assert_problem(post(Api.of(clinic, "notes:read"), "sessions", SESSION), 403)


@pytest.mark.django_db(transaction=True)
def test_who_looked_before_the_first_was_done_and_comes_after_it_does_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is free by then, and the look saw no answer."""
    between = f"(SELECT pg_advisory_xact_lock_shared({GATE}))"  # after the look's snapshot, before the key's lock
    answers: list[Any] = []

    def ask() -> None:
        answers.append(post(api, "sessions", SESSION))
        connection.close()

    second = threading.Thread(target=ask)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as gate:
        gate.execute(f"SELECT pg_advisory_xact_lock({GATE})")
        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "LOOK", idempotency.LOOK.replace("(SELECT)", between))
            second.start()
            waiting(1)
        first = post(api, "sessions", SESSION)
    second.join(30)
    assert first.status_code == 201
    assert assert_problem(answers[0], 409)["type"] == "/problems/idempotency-key-in-use"
    assert Session.objects.count() == Event.objects.count() == 1
    assert post(api, "sessions", SESSION).content == first.content


GATE = 4711


# --- What was refused
def test_what_was_refused_may_be_tried_again(api: Api, session: Session) -> None:
    Session.objects.update(consent=False)
    for _ in range(2):
        assert_problem(post(api, f"sessions/{session.pk}/requests", NOTE), 422, "consent")
    assert not KeptAnswer.objects.exists()
    Session.objects.update(consent=True)
    answer = post(api, f"sessions/{session.pk}/requests", NOTE)
    assert (answer.status_code, "Idempotency-Replayed" in answer) == (202, False)


def test_what_was_refused_may_be_corrected(api: Api) -> None:
    assert_problem(post(api, "sessions", {}), 422, "kind", "language", "consent")
    assert post(api, "sessions", SESSION).status_code == 201


# --- Keys
@pytest.mark.parametrize("key", ["a", "~" * 255, str(uuid4()), "a=b;c", "!#$%&'()*+-./:;<>?@[]^_`{|}\\"])
def test_a_key_may_stand_in_quotes_or_not(api: Api, key: str) -> None:
    quoted = json.dumps(key)
    assert post(api, "sessions", SESSION, key).status_code == 201
    assert post(api, "sessions", SESSION, quoted)["Idempotency-Replayed"]
    assert Session.objects.count() == 1


@pytest.mark.parametrize("key", ['"a,b"', r'"a\"b\\"', '","'])
def test_in_quotes_there_may_be_commas_and_quotation_marks(api: Api, key: str) -> None:
    assert post(api, "sessions", SESSION, key).status_code == 201


@pytest.mark.parametrize(
    "key",
    [
        *("", '""', " ", '" "', "a b", "a\tb", "a\0b", "a\x7fb", "clé", "ключ", "\x80"),
        *("a" * 256, f'"{"a" * 256}"', "a" * 10_240),
        *("one,two", "one, one", '"one","two"', '"one', 'one"', '"on"e"', r'"a\b"', '"one";x=1'),
    ],
)
def test_what_is_no_key_is_refused(api: Api, key: str) -> None:
    answer = api.post("sessions", SESSION, HTTP_IDEMPOTENCY_KEY=key)
    assert_problem(answer, 422, "Idempotency-Key")
    assert not Session.objects.exists()


def test_bodies_that_cannot_be_read_are_refused_as_ever(api: Api) -> None:
    for depth in (400, 900, 990, 2000):
        body = b'{"kind": "ambient", "language": "en-US", "consent": true, "x": ' + b"[" * depth + b"]" * depth + b"}"
        assert post(api, "sessions", body, str(depth)).status_code in (400, 422)
    assert_problem(post(api, "sessions", b"{"), 400)


def test_a_get_takes_no_notice_of_it(api: Api) -> None:
    assert api.get("sessions", headers={"Idempotency-Key": ""}).status_code == 200


# --- What is kept
def test_what_is_kept_cannot_be_read(api: Api) -> None:
    post(api, "sessions", SESSION, "visit-of-patient-4711")
    kept = KeptAnswer.objects.get()
    for column in (kept.key, kept.asked, kept.answer):
        assert b"4711" not in bytes(column)


def test_it_is_kept_for_a_day_and_then_the_key_is_new(api: Api, settings: Any) -> None:
    post(api, "sessions", SESSION)
    (ends,) = KeptAnswer.objects.values_list("expires_at", flat=True)
    assert timedelta(hours=23) < ends - timezone.now() <= timedelta(hours=settings.IDEMPOTENCY_HOURS)
    KeptAnswer.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    second = post(api, "sessions", SESSION | {"language": "fr-FR"})
    assert (second.status_code, "Idempotency-Replayed" in second) == (201, False)
    assert post(api, "sessions", SESSION | {"language": "fr-FR"})["Idempotency-Replayed"]
    assert KeptAnswer.objects.count() == 1


def test_what_has_ended_is_cleared_in_batches(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "CLEARED_AT_ONCE", 2)
    for number in range(6):
        post(api, "sessions", SESSION, str(number))
    ended = KeptAnswer.objects.order_by("pk").values("pk")[:5]
    KeptAnswer.objects.filter(pk__in=[row["pk"] for row in ended]).update(
        expires_at=timezone.now() - timedelta(hours=1)
    )
    idempotency.clear()
    assert KeptAnswer.objects.count() == 1
    assert post(api, "sessions", SESSION, "5")["Idempotency-Replayed"]


def test_an_answer_that_no_key_opens_any_more_does_not_do_it_again(api: Api, settings: Any) -> None:
    post(api, "sessions", SESSION)
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    assert "cannot be read any more" in assert_problem(post(api, "sessions", SESSION), 409)["detail"]
    assert Session.objects.count() == 1


# --- Beside it
def test_a_replay_is_not_in_the_access_log_a_second_time(api: Api) -> None:
    for _ in range(3):
        post(api, "sessions", SESSION)
    assert AccessEntry.objects.filter(mode="opened").count() == 1


def test_a_key_costs_two_queries_and_a_replay_one(api: Api) -> None:
    """Beside savepoints, which are the handler's transaction within ours."""
    api.post("sessions", SESSION)  # which notes that the key is in use
    plain = asked(lambda: api.post("sessions", SESSION))
    keyed, replay = (asked(lambda: post(api, "sessions", SESSION)) for _ in range(2))
    assert len(keyed) == len(plain) + 2
    assert len(replay) == len(asked(lambda: api.get("sessions"), 200))


def asked(send: Callable[[], Any], status: int = 201) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert send().status_code == status
    return [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]


# --- Every address
ROUTES: list[Any] = list(v1)
POSTS = sorted(str(route.pattern) for route in ROUTES if hasattr(route.callback.view_class, "post"))


@pytest.mark.parametrize("route", POSTS)
def test_every_post_takes_a_key(api: Api, route: str) -> None:
    """A key that is none is refused, whatever else is sent: so it is read, and after the program was let in."""
    path = re.sub(r"<uuid:\w+>", str(uuid4()), route)
    assert_problem(api.post(path, {}, headers={"Idempotency-Key": "a,b"}), 422, "Idempotency-Key")
    assert_problem(Api().post(path, {}, headers={"Idempotency-Key": "a,b"}), 401)
