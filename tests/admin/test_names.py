"""Names are what they look like, and nothing that was typed as a secret is repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from access.models import AllowedApplication, ApiKey, Clinic, Membership, TrustedIssuer, User
from ingest.models import VendorAccount
from tests.admin.rows import list_of, page_of
from tests.factories import TrustedIssuerFactory, UserFactory

ODD = ["a\u202eb", "\u200b", "\u2800", "\u3164", "a\nb", "a\tb", "a\x7fb"]
NO_MEMBERSHIPS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
PROGRAM = {"scopes": ["notes:read"], "days": ""}


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_a_name_that_is_not_what_it_looks_like_is_refused(operator: Client, clinic: Clinic, name: str) -> None:
    issuer, person, before = TrustedIssuerFactory(), UserFactory(), User.objects.count()
    line = {"clinic": clinic.pk, "issuer": issuer.pk, "application_id": "app", "audience": "us", **PROGRAM}
    sent: list[tuple[str, dict[str, Any]]] = [
        ("/admin/access/apikey/add/", {"name": name, "clinic": clinic.pk, **PROGRAM}),
        ("/admin/access/allowedapplication/add/", line | {"name": name}),
        ("/admin/access/membership/add/", {"username": name, "role": "viewer", "clinic": clinic.pk}),
        ("/admin/access/clinic/add/", {"name": name, "slug": "new", "time_zone": "UTC", **NO_MEMBERSHIPS}),
        ("/admin/access/trustedissuer/add/", {"name": name, "url": "https://a.example", "is_trusted": "on"}),
        (page_of(person), {"username": person.username, "first_name": name, **NO_MEMBERSHIPS}),
    ]
    for address, answers in sent:
        assert operator.post(address, answers).status_code == 200, address
    made = ApiKey, AllowedApplication, Membership
    assert not any(model.objects.exists() for model in made)
    assert (Clinic.objects.count(), TrustedIssuer.objects.count(), User.objects.count()) == (1, 1, before)


@pytest.mark.parametrize("name", ["EHR", "Praxis Müller & Söhne", "診療所", "مختبر", "Zoë key №2 🙂"])
def test_names_of_all_languages_are_taken(manager: Client, name: str) -> None:
    manager.post("/admin/access/apikey/add/", {"name": name, **PROGRAM})
    assert ApiKey.objects.get().name == name


def test_a_scope_that_is_sent_twice_is_kept_once(operator: Client, clinic: Clinic) -> None:
    twice = {"clinic": clinic.pk, "name": "EHR", "days": "", "scopes": ["notes:read", "events:read", "notes:read"]}
    operator.post("/admin/access/apikey/add/", twice)
    line = {"issuer": TrustedIssuerFactory().pk, "application_id": "app", "audience": "us"}
    operator.post("/admin/access/allowedapplication/add/", twice | line)
    assert ApiKey.objects.get().scopes == AllowedApplication.objects.get().scopes == ["notes:read", "events:read"]


def test_an_application_that_is_allowed_already_is_left_as_it_is(operator: Client, clinic: Clinic) -> None:
    line = {"clinic": clinic.pk, "issuer": TrustedIssuerFactory().pk, "application_id": "app", "audience": "us"}
    address = "/admin/access/allowedapplication/add/"
    operator.post(address, {**line, **PROGRAM, "name": "Partner"})
    page = operator.post(address, {**line, "name": "Other", "scopes": ["events:read"], "days": "1"}).content.decode()
    assert "on this clinic&#x27;s list already with this audience: revoke that line first" in page
    kept = AllowedApplication.objects.get()
    assert (kept.name, kept.scopes, kept.expires_at) == ("Partner", ["notes:read"], None)


def test_what_was_typed_as_a_credential_is_not_repeated(manager: Client) -> None:
    typed = json.dumps({"sk-live-SECRET": "x", "server_key": "y"})
    response = manager.post("/admin/ingest/vendoraccount/add/", {"vendor": "nabla", "credentials": typed})
    page = response.content.decode()
    assert "SECRET" not in page
    assert "server_key" in str(response.context["form"].errors["credentials"])
    assert not VendorAccount.objects.exists()
    assert "<textarea" in page
    assert "autofocus" in page.partition("<textarea")[2].partition(">")[0]


def test_lists_of_names_lead_to_their_rows(manager: Client, clinic: Clinic) -> None:
    manager.post("/admin/access/apikey/add/", {"name": "EHR", **PROGRAM})
    key = ApiKey.objects.get()
    assert f"<title>EHR ({key.prefix}) | Listenpost</title>" in manager.get(page_of(key)).content.decode()
    listed = manager.get(list_of("access_apikey")).content.decode()
    assert "in use" in listed
    assert "Make an API key" in listed
