"""A form that comes twice, by a double click or a reload, is done once, and the first secret is not lost."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from access.models import AccessEntry, ApiKey, Clinic, Membership, SentForm, User
from tests.admin.conftest import member, signed_in
from tests.admin.rows import page_of
from tests.factories import ApiKeyFactory, ClinicFactory, MembershipFactory

KEYS, PEOPLE = "/admin/access/apikey/add/", "/admin/access/membership/add/"
KEY: dict[str, Any] = {"name": "EHR", "scopes": ["notes:read"], "days": ""}
PERSON = {"username": "maria", "role": "viewer"}


def id_of(desk: Client, page: str) -> str:
    """What the form that the page shows is known by."""
    return re.findall(r'name="form_id" value="([0-9a-f-]{36})"', desk.get(page).content.decode())[0]


def told(desk: Client, response: Any) -> str:
    """What the page says that the answer leads to."""
    assert response.status_code == 302
    return desk.get(response["Location"]).content.decode()


def test_each_page_has_a_form_of_its_own(manager: Client) -> None:
    assert id_of(manager, KEYS) != id_of(manager, KEYS)


def test_a_second_key_is_not_made_and_the_first_is_shown(manager: Client) -> None:
    sent = KEY | {"form_id": id_of(manager, KEYS)}
    assert "shown this once" in manager.post(KEYS, sent).content.decode()
    again = manager.post(KEYS, sent)
    key = ApiKey.objects.get()
    assert again["Location"] == page_of(key)
    page = told(manager, again)
    assert "This form was sent twice, and done once" in page
    assert "If you did not see the key, rotate it" in page
    assert page_of(key, "rotate") in page


def test_a_person_is_added_once_and_may_be_given_another_password(manager: Client) -> None:
    sent = PERSON | {"form_id": id_of(manager, PEOPLE)}
    manager.post(PEOPLE, sent)
    page = told(manager, manager.post(PEOPLE, sent))
    membership = Membership.objects.get(user__username="maria")
    assert "New password” makes another" in page
    assert page_of(membership, "password") in page
    assert "taken" not in page


def test_a_key_is_rotated_once_though_the_old_one_ends_at_once(manager: Client, clinic: Clinic) -> None:
    old = ApiKeyFactory(clinic=clinic)
    page = page_of(old, "rotate")
    sent = {"hours": "0", "form_id": id_of(manager, page)}
    manager.post(page, sent)
    again = manager.post(page, sent)
    fresh = ApiKey.objects.exclude(pk=old.pk).get()
    assert again["Location"] == page_of(fresh)


def test_a_form_that_was_wrong_is_sent_again(manager: Client) -> None:
    sent = KEY | {"form_id": id_of(manager, KEYS)}
    wrong = manager.post(KEYS, sent | {"name": ""})
    assert sent["form_id"] in wrong.content.decode()
    assert manager.post(KEYS, sent).status_code == 200
    assert ApiKey.objects.count() == 1


def test_a_form_that_was_refused_is_sent_again(manager: Client) -> None:
    sent = PERSON | {"form_id": id_of(manager, PEOPLE)}
    taken = MembershipFactory(user__username="maria").user
    assert "taken" in manager.post(PEOPLE, sent).content.decode()
    assert not SentForm.objects.exists()
    User.objects.filter(pk=taken.pk).update(username="other")
    assert "shown this once" in manager.post(PEOPLE, sent).content.decode()


def test_what_is_no_id_is_said(manager: Client) -> None:
    assert "Enter a valid UUID." in manager.post(KEYS, KEY | {"form_id": "x"}).content.decode()
    assert not ApiKey.objects.exists()


def test_forms_are_remembered_for_an_hour_and_hold_no_secret(manager: Client) -> None:
    manager.post(KEYS, KEY | {"form_id": id_of(manager, KEYS)})
    assert SentForm.objects.get().address == page_of(ApiKey.objects.get())
    SentForm.objects.update(sent_at=timezone.now() - timedelta(minutes=61))
    manager.post(KEYS, KEY | {"form_id": id_of(manager, KEYS)})
    assert SentForm.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_make_one() -> None:
    desk, sent = member(ClinicFactory(), "manager"), KEY | {"form_id": str(uuid4())}
    answers = together(*[lambda: desk.post(KEYS, sent).status_code] * 2)
    assert sorted(answers) == [200, 302]
    assert ApiKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_managers_who_remove_each_other_leave_one() -> None:
    for _ in range(5):
        clinic = ClinicFactory()
        one, other = (MembershipFactory(clinic=clinic, role="manager") for _ in range(2))
        together(removing(one, other), removing(other, one))
        assert Membership.objects.filter(clinic=clinic, role="manager").count() == 1
        assert AccessEntry.objects.filter(clinic=clinic, mode="removed").count() == 1


def removing(who: Membership, whom: Membership) -> Any:
    desk = signed_in(who.user)
    return lambda: desk.post(page_of(whom, "press"), {"action": "remove", "confirm": "yes"})


def together(*calls: Any) -> list[Any]:
    answers: list[Any] = []
    start = threading.Barrier(len(calls))

    def run(call: Any) -> None:
        start.wait(timeout=10)
        answers.append(call())
        connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return answers
