"""What pages are called and what they say: names instead of ids, words instead of codes, and never an empty list."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from access.models import AccessEntry, Clinic
from tests.admin.conftest import signed_in
from tests.admin.rows import FOR_MANAGERS, FOR_MEMBERS, FOR_OPERATORS, consultation, list_of, page_of
from tests.factories import AccessEntryFactory, ApiKeyFactory, EventFactory, MembershipFactory, UserFactory

IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}")
LOG = list_of("access_accessentry")
EMPTY = [*FOR_MEMBERS, *FOR_MANAGERS, "access_trustedissuer", "feed_event"]


def heading_of(page: str) -> str:
    return " ".join(re.sub(r"<span.*?</span>", "", re.findall(r"<h1>(.*?)</h1>", page, re.DOTALL)[0]).split())


def title_of(page: str) -> str:
    return " ".join(re.findall(r"<title>(.*?)</title>", page, re.DOTALL)[0].split())


def test_a_page_is_titled_by_its_heading(operator: Client, clinic: Clinic) -> None:
    rows = consultation(clinic).rows | {"access_membership": MembershipFactory(clinic=clinic)}
    rows |= {"feed_event": EventFactory(clinic=clinic), "access_user": UserFactory(), "access_clinic": clinic}
    rows["access_trustedissuer"] = rows["access_allowedapplication"].issuer
    for name, row in rows.items():
        page = operator.get(page_of(row)).content.decode()
        assert not IDENTIFIER.search(heading_of(page)), name
        if name != "notes_note":  # its heading is a patient's: no title and no history of a browser holds it
            assert title_of(page) == f"{heading_of(page)} | Listenpost"


@pytest.mark.parametrize("name", [*FOR_MANAGERS, *FOR_OPERATORS])
def test_lists_forms_and_refusals_are_titled_too(operator: Client, clinic: Clinic, name: str) -> None:
    for address in (list_of(name), f"{list_of(name)}add/", "/admin/no/such/", "/admin/password_change/"):
        page = operator.get(address).content.decode()
        assert title_of(page) == f"{heading_of(page)} | Listenpost"


def test_what_is_made_is_called_by_its_name(manager: Client, clinic: Clinic) -> None:
    key = ApiKeyFactory(clinic=clinic, name="EHR")
    page = manager.post(page_of(key, "rotate"), {"hours": "1"}).content.decode()
    assert heading_of(page) == f"The key in place of EHR ({key.prefix})"
    assert title_of(page) == f"{heading_of(page)} | Listenpost"
    assert "Add a person" in manager.get(list_of("access_membership")).content.decode()


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_list_says_so(operator: Client, name: str) -> None:
    AccessEntry.objects.all().delete()
    said = re.findall(r'<p class="paginator">(.*?)</p>', operator.get(list_of(name)).content.decode(), re.DOTALL)[0]
    assert " ".join(said.split()).endswith(".")
    assert "0 " not in said


def test_a_filter_that_nothing_matches_says_so(operator: Client) -> None:
    page = operator.get(f"{LOG}?action__exact=listened").content.decode()
    assert "Nothing matches these filters." in page


@pytest.mark.django_db
def test_who_is_in_no_clinic_is_told() -> None:
    desk = signed_in(UserFactory())
    for address in ("/admin/", LOG):
        assert "You are in no clinic now. Ask a manager or the operator." in desk.get(address).content.decode()


def test_who_has_signed_out_is_told(manager: Client) -> None:
    page = manager.post("/admin/logout/").content.decode()
    assert heading_of(page) == "You are signed out"
    assert "Sign in again" in page


def test_the_log_names_people_and_programs_and_says_why(manager: Client, clinic: Clinic) -> None:
    maria, key = UserFactory(username="maria"), ApiKeyFactory(clinic=clinic, name="EHR")
    for kind, row in (("user", maria), ("apikey", key)):
        AccessEntryFactory(clinic=clinic, action="granted", object_type=kind, object_ids=[str(row.pk)])
    note = AccessEntryFactory(clinic=clinic)
    AccessEntryFactory(clinic=clinic, action="refused", reason="sign_in_failed", object_type="", object_ids=[])
    listed = manager.get(LOG).content.decode()
    for words in ("person maria", "API key EHR", "was refused (wrong password or code)"):
        assert words in listed
    identifier = str(note.object_ids[0])
    assert identifier not in listed
    assert f"…{identifier[-8:]}" in listed
    assert identifier in manager.get(page_of(note)).content.decode()


def test_people_who_may_not_sign_in_are_marked(manager: Client, clinic: Clinic) -> None:
    MembershipFactory(clinic=clinic, user__is_active=False)
    assert "no: the operator has closed it" in manager.get(list_of("access_membership")).content.decode()


def test_a_key_says_what_state_it_is_in(manager: Client, clinic: Clinic) -> None:
    now, hour = timezone.now(), timedelta(hours=1)
    states = [
        ({}, "in use"),
        ({"retires_at": now + hour}, "rotated, goes on until "),
        ({"retires_at": now - hour}, "rotated, ended"),
        ({"expires_at": now - hour}, "expired"),
        ({"revoked_at": now}, "revoked"),
    ]
    for facts, state in states:
        page = manager.get(page_of(ApiKeyFactory(clinic=clinic, **facts))).content.decode()
        assert f"<dt>State</dt><dd>{state}" in page


def test_a_role_that_was_changed_is_said(manager: Client, clinic: Clinic) -> None:
    row = MembershipFactory(clinic=clinic)
    page = manager.post(page_of(row, "role"), {"role": "viewer"}, follow=True).content.decode()
    assert "The role is changed" in page


def test_a_vendors_address_is_text(manager: Client, clinic: Clinic) -> None:
    account = consultation(clinic)["ingest_vendoraccount"]
    page = manager.get(page_of(account)).content.decode()
    assert account.base_url in page
    assert f'href="{account.base_url}' not in page
