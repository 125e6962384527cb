"""Who was refused is in the access log: at once, once a minute for those alike, and with how often."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from access import refusals
from access.log import Actor
from access.models import AccessEntry, Clinic
from access.refusals import Ledger, Refusal
from tests.factories import MembershipFactory, NoteFactory
from tests.rest.api import Api, a_key

pytestmark = pytest.mark.django_db


def rows() -> list[AccessEntry]:
    return list(AccessEntry.objects.filter(action="refused").order_by("pk"))


def a_minute_later() -> None:
    refusals.flush(time.monotonic() + refusals.QUIET_SECONDS + 1)


def test_a_flood_is_one_row_and_its_number() -> None:
    for _ in range(50):
        Api("lp_made_up").get("notes")
    assert [row.times for row in rows()] == [1]
    a_minute_later()
    assert [row.times for row in rows()] == [1, 49]
    a_minute_later()
    assert len(rows()) == 2


def test_different_reasons_and_senders_are_rows_of_their_own(clinic: Clinic) -> None:
    Api("lp_made_up").get("notes")
    Api("lp_made_up").get("notes", REMOTE_ADDR="192.0.2.9")
    Api(a_key(clinic, "sessions:read")).get("notes")
    Api().get("notes")
    told = [(row.reason, row.actor_kind, row.address, row.clinic_id) for row in rows()]
    assert told == [
        ("not_a_key", "nobody", "127.0.0.1", None),
        ("not_a_key", "nobody", "192.0.2.9", None),
        ("scope_missing", "api_key", "127.0.0.1", clinic.pk),
        ("no_proof", "nobody", "127.0.0.1", None),
    ]


def test_the_place_and_the_object_are_named(clinic: Clinic, other_clinic: Clinic) -> None:
    note: Any = NoteFactory(request__session__clinic=other_clinic)
    Api.of(clinic).get(f"notes/{note.pk}")
    (row,) = rows()
    assert (row.reason, row.mode, row.object_ids, row.clinic) == ("not_found", "note", [str(note.pk)], clinic)


def test_a_persons_refusal_says_what_they_are_and_is_of_the_clinic_they_tried(
    clinic: Clinic, other_clinic: Clinic
) -> None:
    person = MembershipFactory(clinic=clinic, role="viewer").user
    MembershipFactory(clinic=other_clinic, role="manager", user=person)
    client = Client()
    client.force_login(person)
    note: Any = NoteFactory(request__session__clinic=clinic)
    client.post(f"/admin/notes/note/{note.pk}/change/")
    row = rows()[-1]
    assert (row.reason, row.role, row.clinic, row.actor_id) == ("not_allowed", "viewer", clinic, str(person.pk))


@pytest.mark.parametrize("typed", ["Ottoline Fennimore", "marmalade", "%00", "0" * 19, "../../x"])
def test_a_word_in_an_address_is_written_nowhere(clinic: Clinic, typed: str) -> None:
    client = Client()
    client.force_login(MembershipFactory(clinic=clinic, role="viewer").user)
    for page in ("notes/note", "access/apikey"):
        assert client.get(f"/admin/{page}/{typed}/change/").status_code in (302, 403, 404)
    assert [row.object_ids for row in rows() if row.object_ids] == []


def test_an_ipv6_senders_own_address_is_written_and_its_network_counted() -> None:
    for host in range(1, 5):
        Api("lp_made_up").get("notes", REMOTE_ADDR=f"2001:db8::{host}")
    a_minute_later()
    assert [(row.address, row.times) for row in rows()] == [("2001:db8::1", 1), ("2001:db8::1", 3)]


def test_too_many_unknown_senders_become_one() -> None:
    for host in range(refusals.MOST_UNKNOWN + 30):
        Api("lp_made_up").get("notes", REMOTE_ADDR=f"192.0.{host // 200}.{host % 200}")
    a_minute_later()
    assert [row.times for row in rows() if row.address is None] == [1, 29]
    assert len(rows()) == refusals.MOST_UNKNOWN + 2


def test_what_could_not_be_written_is_not_forgotten() -> None:
    ledger = Ledger()
    refusal = Refusal(Actor("nobody"), "not_a_key")
    taken = ledger.add(refusal, 0)
    ledger.put_back(taken)
    assert ledger.add(refusal, 1) == [(refusal, 2)]
    ledger.add(refusal, 2)
    gone = ledger.over(100)
    ledger.put_back(gone)
    assert ledger.over(200) == [(refusal, 1)]
