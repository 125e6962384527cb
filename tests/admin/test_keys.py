"""Managers make, rotate and revoke API keys. A token stands in one answer, and nowhere else."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.test import Client
from django.utils import timezone

from access import programs
from access.models import AccessEntry, ApiKey, Clinic, Membership, Scope
from tests.admin.conftest import signed_in
from tests.admin.rows import list_of, page_of
from tests.factories import ApiKeyFactory, MembershipFactory
from tests.rest.api import a_key

ADD = "/admin/access/apikey/add/"
GOOD: dict[str, Any] = {"name": "EHR", "scopes": ["notes:read", "events:read"], "days": "30"}
TOKEN = re.compile(r"lp_[0-9a-f]{12}_[A-Za-z0-9_-]{60}")


def shown_token(response: Any) -> str:
    """The one that stands in the answer's only field."""
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    page = response.content.decode()
    found = re.findall(r'<textarea id="secret"[^>]*readonly[^>]*>([^<]+)</textarea>', page)
    assert len(found) == 1
    assert page.count(found[0]) == 1
    return str(found[0])


def modes() -> list[tuple[str, str, str, list[str]]]:
    entries = AccessEntry.objects.filter(action="granted").order_by("pk")
    return [(entry.mode, entry.actor_kind, entry.object_type, entry.object_ids) for entry in entries]


def key_of(token: str) -> ApiKey:
    key = programs.identify(token)
    assert isinstance(key, ApiKey)
    return key


def test_a_manager_makes_a_key_and_sees_it_once(manager: Client, clinic: Clinic) -> None:
    assert ADD in manager.get(list_of("access_apikey")).content.decode()
    token = shown_token(manager.post(ADD, GOOD))
    key = key_of(token)
    assert (key.clinic, key.name, set(key.scopes)) == (clinic, "EHR", {"notes:read", "events:read"})
    assert key.expires_at
    assert timedelta(days=29) < key.expires_at - timezone.now() < timedelta(days=30)
    for address in (page_of(key), list_of("access_apikey"), ADD):
        assert not TOKEN.search(manager.get(address).content.decode())
    assert modes() == [("created", "user", "apikey", [str(key.pk)])]


def test_a_token_is_kept_in_no_session_and_no_cookie(manager: Client, clinic: Clinic) -> None:
    token = shown_token(manager.post(ADD, GOOD))
    kept = [str(session.get_decoded()) for session in BrowserSession.objects.all()]
    kept += [cookie.value for cookie in manager.cookies.values()]
    assert not [text for text in kept if token in text or token.split("_", 2)[2] in text]


def test_a_key_without_days_never_expires(manager: Client, clinic: Clinic) -> None:
    assert key_of(shown_token(manager.post(ADD, GOOD | {"days": ""}))).expires_at is None


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"name": "a\0b"}, "Null characters are not allowed."),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["notes:write"]}, "notes:write is not one of the available choices"),
        ({"days": "0"}, "greater than or equal to 1"),
        ({"days": "-1"}, "greater than or equal to 1"),
        ({"days": "99999999999"}, "less than or equal to"),
        ({"days": "soon"}, "Enter a whole number."),
    ],
)
def test_what_cannot_be_is_said(manager: Client, clinic: Clinic, values: dict[str, Any], told: str) -> None:
    response = manager.post(ADD, GOOD | values)
    assert response.status_code == 200
    assert told in response.content.decode()
    assert not ApiKey.objects.exists()


def test_a_manager_of_several_clinics_chooses_and_of_none_elsewhere(clinic: Clinic, other_clinic: Clinic) -> None:
    person = MembershipFactory(clinic=clinic, role="manager").user
    MembershipFactory(clinic=other_clinic, role="viewer", user=person)
    desk = signed_in(person)
    assert 'name="clinic"' not in desk.get(ADD).content.decode()
    assert key_of(shown_token(desk.post(ADD, GOOD | {"clinic": other_clinic.pk}))).clinic == clinic
    Membership.objects.filter(user=person).update(role="manager")
    assert 'name="clinic"' in desk.get(ADD).content.decode()
    assert key_of(shown_token(desk.post(ADD, GOOD | {"clinic": other_clinic.pk}))).clinic == other_clinic
    third = MembershipFactory().clinic
    for clinic_id in (third.pk, "", "nonsense", "%00"):
        assert desk.post(ADD, GOOD | {"clinic": clinic_id}).context["form"].errors["clinic"]
    assert ApiKey.objects.count() == 2


def test_rotating_shows_a_new_key_and_lets_the_old_one_end(manager: Client, clinic: Clinic) -> None:
    old_token = a_key(clinic, "notes:read")
    old = key_of(old_token)
    form = manager.get(page_of(old, "rotate")).content.decode()
    assert page_of(old, "rotate") in manager.get(page_of(old)).content.decode()
    assert 'value="24"' in form
    token = shown_token(manager.post(page_of(old, "rotate"), {"hours": "2"}))
    assert key_of(token).scopes == ["notes:read"]
    ends = key_of(old_token).ends_at
    assert ends
    assert timedelta(hours=1) < ends - timezone.now() < timedelta(hours=2)
    assert [mode for mode, *_ in modes()] == ["created", "created", "rotated"]


@pytest.mark.parametrize("hours", ["", "-1", "2161", "x", "1e9"])
def test_an_overlap_that_cannot_be_is_said(manager: Client, clinic: Clinic, hours: str) -> None:
    key = ApiKeyFactory(clinic=clinic)
    response = manager.post(page_of(key, "rotate"), {"hours": hours})
    assert response.context["form"].errors["hours"]
    assert ApiKey.objects.count() == 1


def test_a_key_out_of_use_is_not_rotated(manager: Client, clinic: Clinic) -> None:
    key = ApiKeyFactory(clinic=clinic, revoked_at=timezone.now())
    assert page_of(key, "rotate") not in manager.get(page_of(key)).content.decode()
    response = manager.post(page_of(key, "rotate"), {"hours": "1"})
    assert "It is no longer in use. Make a new key." in response.content.decode()
    assert ApiKey.objects.count() == 1


def test_revoking_is_logged_as_what_it_is(manager: Client, clinic: Clinic) -> None:
    key = ApiKeyFactory(clinic=clinic)
    for _ in range(2):
        manager.post(page_of(key, "press"), {"action": "revoke", "confirm": "yes"})
    assert modes() == [("revoked", "user", "apikey", [str(key.pk)])]
    assert not AccessEntry.objects.filter(action="changed").exists()


def test_scopes_are_told_in_words(manager: Client, clinic: Clinic) -> None:
    page = manager.get(ADD).content.decode()
    for value, words in Scope.choices:
        assert f'value="{value}"' in page
        assert words in page
    assert not re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_forms_want_their_token_and_take_no_other_method(manager: Client, clinic: Clinic) -> None:
    key = ApiKeyFactory(clinic=clinic)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = manager.cookies
    for address, data in ((ADD, GOOD), (page_of(key, "rotate"), {"hours": "1"})):
        assert strict.post(address, data).status_code == 403
        assert manager.post(address, data, content_type="application/json").context["form"].errors
        for method in ("put", "patch", "delete"):
            assert getattr(manager, method)(address).status_code == 405
    assert ApiKey.objects.count() == 1
