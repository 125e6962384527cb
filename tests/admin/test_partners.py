"""Operators say whose tokens are trusted and which applications may call; managers see their clinic's, and revoke."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from access.models import AccessEntry, AllowedApplication, Clinic, TrustedIssuer
from tests.admin.rows import list_of, page_of
from tests.factories import AllowedApplicationFactory, TrustedIssuerFactory

ISSUERS, LINES = "/admin/access/trustedissuer/add/", "/admin/access/allowedapplication/add/"
URL = "https://login.example/tenant"


def modes() -> list[tuple[str, Any]]:
    entries = AccessEntry.objects.filter(action="granted").order_by("pk")
    return [(entry.mode, entry.clinic) for entry in entries]


def test_an_operator_trusts_an_issuer_and_no_longer(operator: Client) -> None:
    operator.post(ISSUERS, {"name": "Partner", "url": URL, "is_trusted": "on"})
    issuer = TrustedIssuer.objects.get()
    assert (issuer.url, issuer.is_trusted) == (URL, True)
    operator.post(page_of(issuer), {"name": "Partner", "url": "https://elsewhere.example"})
    issuer.refresh_from_db()
    assert (issuer.url, issuer.is_trusted) == (URL, False)
    assert modes() == [("trusted", None), ("no longer trusted", None)]
    assert AccessEntry.objects.filter(object_type="trustedissuer", object_ids=[str(issuer.pk)]).count() == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "login.example",
        "ftp://login.example",
        "javascript:alert(1)",
        "https://",
        "https:///tenant",
        "https://login.example?x=1",
        "https://login.example#x",
        "https://name:secret@login.example",
        "https://login.example/a b",
        "https://login.example\\@evil.example",
        "https://login.example:x",
        "https://login.example:99999",
        "https://login.example/\u00e9",
        "https://login.example/a\nb",
        f"https://login.example/{'x' * 500}",
    ],
)
def test_an_address_that_is_no_issuers_is_said(operator: Client, url: str) -> None:
    response = operator.post(ISSUERS, {"name": "Partner", "url": url, "is_trusted": "on"})
    assert response.context["adminform"].form.errors["url"]
    assert not TrustedIssuer.objects.exists()


def test_an_issuer_is_known_once(operator: Client) -> None:
    TrustedIssuerFactory(url=URL)
    response = operator.post(ISSUERS, {"name": "Again", "url": URL, "is_trusted": "on"})
    assert response.context["adminform"].form.errors["url"]


@pytest.fixture
def line(clinic: Clinic) -> dict[str, Any]:
    issuer = TrustedIssuerFactory(url=URL)
    named = {"application_id": "app-1", "audience": "listenpost", "name": "Partner"}
    return {"clinic": clinic.pk, "issuer": issuer.pk, **named, "scopes": ["callbacks:write"], "days": ""}


def test_an_operator_allows_an_application(operator: Client, clinic: Clinic, line: dict[str, Any]) -> None:
    response = operator.post(LINES, line)
    made = AllowedApplication.objects.get()
    assert response["Location"] == page_of(made)
    assert (made.clinic, made.application_id, made.scopes) == (clinic, "app-1", ["callbacks:write"])
    assert modes() == [("allowed", clinic)]


def test_an_application_is_of_one_clinic(operator: Client, other_clinic: Clinic, line: dict[str, Any]) -> None:
    operator.post(LINES, line)
    again = operator.post(LINES, line | {"clinic": other_clinic.pk})
    assert "on another list already with this audience" in again.content.decode()
    assert AllowedApplication.objects.count() == 1
    assert operator.post(LINES, line | {"clinic": other_clinic.pk, "audience": "hill"}).status_code == 302


def test_an_issuer_that_is_not_trusted_is_not_offered(operator: Client, clinic: Clinic, line: dict[str, Any]) -> None:
    TrustedIssuer.objects.update(is_trusted=False)
    assert operator.post(LINES, line).context["form"].errors["issuer"]


def test_a_manager_sees_and_revokes_and_does_not_add(manager: Client, clinic: Clinic, line: dict[str, Any]) -> None:
    mine = AllowedApplicationFactory(clinic=clinic)
    listed = manager.get(list_of("access_allowedapplication")).content.decode()
    assert page_of(mine) in listed
    assert LINES not in listed
    assert manager.post(LINES, line).status_code == 403
    manager.post(page_of(mine, "press"), {"action": "revoke", "confirm": "yes"})
    mine.refresh_from_db()
    assert mine.revoked_at
    assert modes() == [("revoked", clinic)]
