from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from access import keys, log, programs
from access.models import AccessEntry, ApiKey, Clinic
from access.programs import Refused
from tests.rest.api import Api, a_key

HOUR = timedelta(hours=1)
Settings = Any


def refusal(token: str) -> str:
    with pytest.raises(Refused) as caught:
        programs.identify(token)
    return caught.value.code


def test_a_token_finds_its_key_and_clinic(clinic: Clinic) -> None:
    key, token = keys.create(clinic, name="EHR", scopes=["notes:read"], by=log.command())
    assert re.fullmatch(r"lp_[0-9a-f]{12}_[A-Za-z0-9_-]{60}", token)
    found = programs.identify(token)
    assert found == key
    assert found.clinic == clinic


def test_the_secret_is_kept_as_its_digest_alone(clinic: Clinic) -> None:
    token = a_key(clinic)
    row = ApiKey.objects.get()
    assert bytes(row.digest) == hashlib.sha256(token.split("_", 2)[2].encode()).digest()
    assert token not in str(vars(row))


def test_keys_that_have_ended_say_so(clinic: Clinic) -> None:
    now = timezone.now()
    assert refusal(a_key(clinic, expires_at=now)) == "expired"
    lasting = a_key(clinic, expires_at=now + HOUR)
    assert programs.identify(lasting)
    ApiKey.objects.update(revoked_at=now)
    assert refusal(lasting) == "revoked"


@pytest.mark.parametrize(
    "made_up",
    [
        "",
        "lp_",
        f"lp_{'0' * 12}_{'A' * 60}",
        f"lp_{'0' * 12}_AQ{'A' * 58}",
        f"lp_{'0' * 12}_{'_' * 60}",
        f"lp_{'0' * 12}_{'A' * 43}",
    ],
)
@pytest.mark.django_db
def test_a_made_up_key_costs_no_query(django_assert_num_queries: DjangoAssertNumQueries, made_up: str) -> None:
    with django_assert_num_queries(0):
        assert refusal(made_up) == "not_a_key"


def test_a_key_altered_anywhere_costs_no_query(
    clinic: Clinic, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = a_key(clinic)
    with django_assert_num_queries(0):
        for place in range(3, len(token)):
            other = "A" if token[place] != "A" else "B"
            if token[place] != "_":
                assert refusal(token[:place] + other + token[place + 1 :]) == "not_a_key"


def test_keys_outlive_the_rotation_of_what_signs_them(clinic: Clinic, settings: Settings) -> None:
    old = a_key(clinic)
    held: Mapping[int, str] = settings.TICKET_KEYS
    settings.TICKET_KEYS = {**held, 9: "n" * 32}
    assert programs.identify(old)
    assert programs.identify(a_key(clinic))
    settings.TICKET_KEYS = {9: "n" * 32}
    assert refusal(old) == "not_a_key"


def test_a_rotated_key_and_its_successor_both_work_for_a_while(clinic: Clinic) -> None:
    old, token = keys.create(clinic, name="EHR", scopes=["notes:read"], by=log.command())
    fresh, successor = keys.rotate(old, by=log.command(), overlap=HOUR)
    assert (fresh.name, fresh.scopes, fresh.clinic, fresh.expires_at) == ("EHR", ["notes:read"], clinic, None)
    assert Api(token).get("notes").status_code == Api(successor).get("notes").status_code == 200
    old.refresh_from_db()
    assert old.ends_at is not None
    assert abs(old.ends_at - timezone.now() - HOUR) < timedelta(minutes=1)


def test_rotation_never_lengthens_a_life(clinic: Clinic) -> None:
    ends = timezone.now() + HOUR
    key, _ = keys.create(clinic, name="EHR", scopes=["notes:read"], by=log.command(), expires_at=ends)
    fresh, _ = keys.rotate(key, by=log.command(), overlap=10 * HOUR)
    key.refresh_from_db()
    assert key.ends_at == ends
    assert fresh.expires_at is not None
    assert abs(fresh.expires_at - ends) < timedelta(minutes=1)


def test_a_key_rotated_twice_has_successors_that_last_as_long_as_it_did(clinic: Clinic) -> None:
    key, _ = keys.create(clinic, name="EHR", scopes=["notes:read"], by=log.command())
    ApiKey.objects.update(created_at=timezone.now() - 24 * HOUR)
    keys.rotate(key, by=log.command(), overlap=24 * HOUR)
    again, _ = keys.rotate(key, by=log.command(), overlap=HOUR)
    assert again.expires_at is None


def test_a_key_ends_with_its_overlap(clinic: Clinic) -> None:
    key, token = keys.create(clinic, name="EHR", scopes=["notes:read"], by=log.command())
    keys.rotate(key, by=log.command(), overlap=timedelta(0))
    assert refusal(token) == "expired"
    with pytest.raises(keys.NotLive):
        keys.rotate(key, by=log.command(), overlap=HOUR)


def test_a_key_that_has_ended_cannot_be_rotated(clinic: Clinic) -> None:
    key, _ = keys.create(clinic, name="EHR", scopes=["notes:read"], by=log.command())
    programs.revoke(key, by=log.command())
    with pytest.raises(keys.NotLive):
        keys.rotate(key, by=log.command(), overlap=HOUR)
    assert ApiKey.objects.count() == 1


def test_each_change_of_a_key_is_in_the_access_log(clinic: Clinic) -> None:
    key, _ = keys.create(clinic, name="EHR", scopes=["notes:read"], by=log.command())
    fresh, _ = keys.rotate(key, by=log.command(), overlap=HOUR)
    programs.revoke(key, by=log.command())
    programs.revoke(key, by=log.command())
    said = AccessEntry.objects.order_by("pk").values_list("action", "mode", "object_ids", "actor_kind")
    assert list(said) == [
        ("granted", "created", [str(key.pk)], "command"),
        ("granted", "created", [str(fresh.pk)], "command"),
        ("granted", "rotated", [str(key.pk)], "command"),
        ("granted", "revoked", [str(key.pk)], "command"),
    ]
