"""Who asks too much is told to wait, and for how long. Nobody else notices, and nobody at all while Redis is down."""

from __future__ import annotations

import random
import re
import socket
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from limits import parse
from pytest_django import DjangoAssertNumQueries

from access import keys, log
from access.limits import AGAIN
from access.models import ApiKey, Clinic
from tests.rest.api import Api, a_key, assert_problem

Settings = Any


def an_address() -> str:
    """Nobody's yet: Redis remembers those of earlier runs."""
    return f"2001:db8:{random.getrandbits(16):x}:{random.getrandbits(16):x}::1"


@pytest.fixture
def address() -> str:
    return an_address()


@pytest.fixture
def broken_redis(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def standing(response: Any) -> tuple[str, int, int]:
    """Name, what is left, seconds."""
    found = re.fullmatch(r'"([a-z-]+)";r=(\d+);t=(\d+)', response["RateLimit"])
    assert found
    return found[1], int(found[2]), int(found[3])


def assert_waits(response: Any, policy: str) -> None:
    problem = assert_problem(response, 429)
    assert problem["type"] == "/problems/too-many-requests"
    name, left, seconds = standing(response)
    assert (name, left) == (policy, 0)
    assert 1 <= int(response["Retry-After"]) == seconds <= 86_400
    assert f"{seconds} second" in problem["detail"]


def test_each_answer_says_what_is_left(api: Api, settings: Settings) -> None:
    settings.RATE_PER_KEY = parse("30000/day")
    answers = [api.get("notes"), api.get("nothing"), api.get("notes", headers={"Accept": "text/html"})]
    answers += [api.post("sessions", {}), api.send("DELETE", "notes")]
    assert [answer.status_code for answer in answers] == [200, 404, 406, 422, 405]
    # What never got as far as a program is counted by its address alone.
    by_key = [answer for answer in answers if answer.status_code in (200, 422, 405)]
    assert [standing(answer)[:2] for answer in by_key] == [("key", 29_999 - turn) for turn in range(3)]
    assert {answer["RateLimit-Policy"] for answer in by_key} == {'"key";q=30000;w=86400'}
    assert {standing(answer)[0] for answer in answers if answer not in by_key} == {"address"}


def test_a_program_over_its_limit_waits_and_others_go_on(api: Api, clinic: Clinic, settings: Settings) -> None:
    settings.RATE_PER_KEY = parse("2/day")
    assert [api.get("notes").status_code for _ in range(2)] == [200, 200]
    assert_waits(api.get("notes"), "key")
    assert_waits(api.post("sessions", {}), "key")
    assert Api.of(clinic).get("notes").status_code == 200


def test_a_program_without_the_scope_is_counted_too(clinic: Clinic, settings: Settings) -> None:
    settings.RATE_PER_KEY = parse("1/day")
    reader = Api.of(clinic, "notes:read")
    assert standing(reader.get("sessions"))[:2] == ("key", 0)
    assert_waits(reader.get("sessions"), "key")


def test_a_program_is_counted_wherever_it_calls_from(api: Api, settings: Settings) -> None:
    settings.RATE_PER_KEY = parse("1/day")
    assert api.get("notes", REMOTE_ADDR="192.0.2.1").status_code == 200
    assert_waits(api.get("notes", REMOTE_ADDR="192.0.2.2"), "key")


def test_an_address_over_its_limit_is_asked_for_nothing(
    api: Api, address: str, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.RATE_PER_ADDRESS = parse("2/day")
    answers = [Api().get("notes", REMOTE_ADDR=address), api.get("/api/schema", REMOTE_ADDR=address)]
    assert [standing(answer)[:2] for answer in answers] == [("address", 1), ("address", 0)]
    with django_assert_num_queries(0):
        neighbour = address.replace("::1", "::2")
        assert_waits(api.get("notes", REMOTE_ADDR=neighbour), "address")
    assert api.get("notes", REMOTE_ADDR=an_address()).status_code == 200


def test_pages_are_not_the_interfaces(address: str, settings: Settings, db: None) -> None:
    settings.RATE_PER_ADDRESS = parse("1/day")
    pages = [Client().get("/admin/login/", REMOTE_ADDR=address) for _ in range(3)]
    assert [page.status_code for page in pages] == [200] * 3
    assert not any(page.has_header("RateLimit") for page in pages)


def test_the_tightest_limit_is_told(api: Api, address: str, settings: Settings) -> None:
    settings.RATE_PER_ADDRESS, settings.RATE_PER_KEY = parse("5/day"), parse("9/hour")
    assert standing(api.get("notes", REMOTE_ADDR=address))[:2] == ("address", 4)
    settings.RATE_PER_KEY = parse("3/hour")
    response = api.get("notes", REMOTE_ADDR=address)
    assert standing(response)[:2] == ("key", 2)
    assert response["RateLimit-Policy"] == '"key";q=3;w=3600'


def test_who_keeps_coming_with_a_wrong_proof_waits(clinic: Clinic, address: str, settings: Settings) -> None:
    settings.RATE_REFUSED = parse("3/day")
    old = a_key(clinic)
    ApiKey.objects.update(revoked_at=timezone.now())
    wrong = [Api(old), Api("lp_made_up"), Api("not.a.token")]
    assert [one.get("notes", REMOTE_ADDR=address).status_code for one in wrong] == [401] * 3
    for one in wrong:
        assert_waits(one.get("notes", REMOTE_ADDR=address), "refused")


def test_others_behind_the_same_address_go_on(clinic: Clinic, address: str, settings: Settings) -> None:
    settings.RATE_REFUSED = parse("1/day")
    key, token = keys.create(clinic, name="old", scopes=["notes:read"], by=log.command())
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    assert [Api(token).get("notes", REMOTE_ADDR=address).status_code for _ in range(3)] == [401, 429, 429]
    assert Api.of(clinic).get("notes", REMOTE_ADDR=address).status_code == 200


def test_who_sends_no_proof_is_told_that_one_is_needed(db: None, address: str, settings: Settings) -> None:
    settings.RATE_REFUSED = parse("1/day")
    assert [Api().get("notes", REMOTE_ADDR=address).status_code for _ in range(3)] == [401] * 3


def sign_in(address: str, **options: Any) -> Any:
    form = {"username": "nobody", "password": "wrong"}
    return Client(**options).post("/admin/login/", form, REMOTE_ADDR=address)


def test_signing_in_is_limited_in_words(db: None, address: str, settings: Settings) -> None:
    settings.RATE_SIGN_IN = parse("2/day")
    assert [sign_in(address).status_code for _ in range(2)] == [200, 200]
    page = sign_in(address)
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (429, "text/html")
    assert int(page["Retry-After"]) >= 1
    text = page.content.decode()
    assert f"Wait {page['Retry-After']} second" in text
    assert not re.search(r"<style|style=|<script(?![^>]* src=)|\son\w+=", text)
    assert Client().get("/admin/login/", REMOTE_ADDR=address).status_code == 200
    assert sign_in(an_address()).status_code == 200


def test_signing_in_beyond_the_limit_asks_the_database_nothing(
    db: None, address: str, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.RATE_SIGN_IN = parse("1/day")
    sign_in(address)
    with django_assert_num_queries(0):
        assert sign_in(address, enforce_csrf_checks=True).status_code == 429


def test_limits_can_be_switched_off(api: Api, settings: Settings) -> None:
    settings.RATE_PER_KEY = settings.RATE_PER_ADDRESS = None
    response = api.get("notes")
    assert response.status_code == 200
    assert not response.has_header("RateLimit")
    assert not response.has_header("RateLimit-Policy")


@pytest.mark.usefixtures("broken_redis")
def test_without_redis_everybody_goes_on(api: Api, settings: Settings, address: str) -> None:
    settings.RATE_PER_KEY = settings.RATE_PER_ADDRESS = settings.RATE_SIGN_IN = settings.RATE_REFUSED = parse("1/day")
    answers = [api.get("notes") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert not any(answer.has_header("RateLimit") for answer in answers)
    assert [Api("lp_x").get("notes").status_code for _ in range(3)] == [401] * 3
    assert [sign_in(address).status_code for _ in range(3)] == [200] * 3


def test_a_caller_without_an_address_is_not_limited_by_it(api: Api, settings: Settings) -> None:
    settings.RATE_PER_ADDRESS = parse("1/day")
    assert [api.get("notes", REMOTE_ADDR="").status_code for _ in range(2)] == [200] * 2


def test_limits_are_described(db: None) -> None:
    schema = Client(headers={"Accept": "application/vnd.oai.openapi+json"}).get("/api/schema").json()
    limited = {
        operation["responses"]["429"]["$ref"] for each in schema["paths"].values() for operation in each.values()
    }
    assert len(limited) == 1
    headers = schema["components"]["responses"][limited.pop().rpartition("/")[2]]["headers"]
    assert headers.keys() >= {"Retry-After", "RateLimit", "RateLimit-Policy"}


def test_what_is_looked_at_once_more_while_it_waits_is_counted_once(api: Api, settings: Settings) -> None:
    settings.RATE_PER_KEY = parse("30000/day")
    looks = [api.get("events", **scope) for scope in ({}, {"asgi.scope": {AGAIN: True}}, {})]
    assert [standing(look)[1] for look in looks] == [29_999, 29_999, 29_998]
