from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from access.models import Clinic, Membership
from tests.admin.conftest import signed_in
from tests.admin.rows import (
    FOR_MANAGERS,
    FOR_MEMBERS,
    FOR_OPERATORS,
    PATIENT,
    SAID,
    WRITTEN,
    Consultation,
    consultation,
    list_of,
    page_of,
)
from tests.factories import EventFactory, MembershipFactory, UserFactory

ALL = [*FOR_MEMBERS, *FOR_MANAGERS, *FOR_OPERATORS]


@pytest.fixture
def rows(clinic: Clinic) -> Consultation:
    return consultation(clinic)


@pytest.mark.parametrize("name", ALL)
def test_an_operator_opens_every_list(operator: Client, rows: Consultation, name: str) -> None:
    EventFactory()
    assert operator.get(list_of(name)).status_code == 200


@pytest.mark.parametrize("name", ALL)
def test_nobody_signed_in_is_asked_to_sign_in(client: Client, rows: Consultation, name: str) -> None:
    response = client.get(list_of(name))
    assert (response.status_code, response["Location"]) == (302, f"/admin/login/?next={list_of(name)}")


@pytest.mark.parametrize("name", FOR_MEMBERS)
def test_a_viewer_opens_the_list_and_the_page(viewer: Client, rows: Consultation, name: str) -> None:
    page = page_of(rows[name])
    assert page in viewer.get(list_of(name)).content.decode()
    assert viewer.get(page).status_code == 200


@pytest.mark.parametrize("name", FOR_MEMBERS)
def test_an_operator_opens_the_page(operator: Client, rows: Consultation, name: str) -> None:
    assert operator.get(page_of(rows[name])).status_code == 200


@pytest.mark.parametrize("name", [*FOR_MANAGERS, *FOR_OPERATORS])
def test_a_reviewer_does_not_open_what_managers_and_operators_see(reviewer: Client, name: str) -> None:
    assert reviewer.get(list_of(name)).status_code == 403


@pytest.mark.parametrize("name", FOR_MANAGERS)
def test_a_manager_opens_keys_log_and_members(manager: Client, rows: Consultation, name: str) -> None:
    assert manager.get(list_of(name)).status_code == 200
    row = rows.rows.get(name) or Membership.objects.get()
    assert manager.get(page_of(row)).status_code == 200


@pytest.mark.parametrize("name", FOR_OPERATORS)
def test_a_manager_does_not_open_what_operators_see(manager: Client, name: str) -> None:
    assert manager.get(list_of(name)).status_code == 403


@pytest.mark.parametrize("name", [*FOR_MEMBERS, "access_apikey"])
def test_a_stranger_sees_an_empty_list_and_404(colleague_elsewhere: Client, rows: Consultation, name: str) -> None:
    shown = colleague_elsewhere.get(list_of(name))
    assert shown.status_code == 200
    assert str(rows[name].pk) not in shown.content.decode()
    for page in ("change", "delete", "press"):
        assert colleague_elsewhere.get(page_of(rows[name], page)).status_code == 404
    assert colleague_elsewhere.post(page_of(rows[name], "press"), {"action": "retry"}).status_code == 404


def test_a_stranger_gets_404_for_a_body(colleague_elsewhere: Client, rows: Consultation) -> None:
    assert colleague_elsewhere.get(page_of(rows["ingest_callback"], "body")).status_code == 404


def test_a_stranger_does_not_see_who_works_here(colleague_elsewhere: Client, clinic: Clinic) -> None:
    here = MembershipFactory(clinic=clinic)
    assert here.user.username not in colleague_elsewhere.get(list_of("access_membership")).content.decode()
    assert colleague_elsewhere.get(page_of(here)).status_code == 404


def test_staff_of_no_clinic_see_nothing(rows: Consultation) -> None:
    nobody = signed_in(UserFactory())
    assert nobody.get("/admin/").status_code == 200
    for name in ALL:
        assert nobody.get(list_of(name)).status_code == 403
    assert nobody.get(page_of(rows["notes_note"])).status_code == 404


def test_a_role_counts_in_its_own_clinic_alone(clinic: Clinic, other_clinic: Clinic, rows: Consultation) -> None:
    person = MembershipFactory(clinic=other_clinic, role="manager").user
    MembershipFactory(clinic=clinic, role="viewer", user=person)
    desk = signed_in(person)
    assert desk.get(page_of(rows["notes_note"])).status_code == 200
    assert desk.get(page_of(rows["ingest_callback"], "body")).status_code == 403
    assert str(rows["access_apikey"].prefix) not in desk.get(list_of("access_apikey")).content.decode()
    assert desk.get(page_of(rows["access_apikey"])).status_code == 403


@pytest.mark.parametrize("odd", ["1", "no-such-thing", "01a1fe18-3e94-71ff-9b44-9562f1d254cc", "%00", "_5F"])
@pytest.mark.parametrize("name", FOR_MEMBERS)
def test_what_is_not_there_is_404(operator: Client, name: str, odd: str) -> None:
    assert operator.get(f"{list_of(name)}{odd}/change/").status_code == 404


@pytest.mark.parametrize("name", [*FOR_MEMBERS, "access_apikey"])
def test_even_an_operator_edits_and_deletes_nothing(operator: Client, rows: Consultation, name: str) -> None:
    row, address = rows[name], list_of(name)
    before = type(row).objects.filter(pk=row.pk).values().get()
    assert operator.post(page_of(row), {"state": "failed", "title": "x", "body": "x"}).status_code == 403
    assert operator.post(page_of(row, "delete"), {"post": "yes"}).status_code == 403
    operator.post(address, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert type(row).objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("page", ["change", "delete"])
def test_whether_a_person_or_clinic_is_there_is_not_told(manager: Client, clinic: Clinic, page: str) -> None:
    for row, nobody in ((MembershipFactory(clinic=clinic).user, "999999"), (clinic, str(uuid4()))):
        address = page_of(row, page)
        assert manager.get(address).status_code == 403
        assert manager.get(address.replace(str(row.pk), nobody)).status_code == 403


@pytest.mark.parametrize("query", ["?body__contains=knee", "?title__contains=knee", "?session__patient_ref=x"])
@pytest.mark.parametrize("name", ["ingest_callback", "notes_note", "access_apikey"])
def test_lists_cannot_be_asked_about_columns_they_do_not_show(manager: Client, name: str, query: str) -> None:
    assert manager.get(list_of(name) + query).status_code == 400


def test_lists_and_titles_hold_no_patients_words(operator: Client, rows: Consultation) -> None:
    addresses = [list_of(name) for name in ALL]
    for address in ["/admin/", *addresses]:
        shown = operator.get(address).content.decode()
        assert not [words for words in (PATIENT, SAID, WRITTEN) if words in shown], address
    for name in FOR_MEMBERS:
        page = operator.get(page_of(rows[name])).content.decode()
        title = page.partition("<title>")[2].partition("</title>")[0]
        assert not [words for words in (PATIENT, SAID, WRITTEN, "Knee pain") if words in title], name


def test_secrets_are_never_shown(operator: Client, rows: Consultation) -> None:
    for name, secret in (("access_apikey", "digest"), ("ingest_vendoraccount", "encrypted_credentials")):
        value: Any = bytes(getattr(rows[name], secret))
        for address in (list_of(name), page_of(rows[name])):
            shown = operator.get(address).content
            assert value not in shown
            assert value.hex().encode() not in shown
            assert secret.encode() not in shown
