"""What cannot be undone is asked about first, on a page that names what ends."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from access.models import ApiKey, Clinic, Membership
from tests.admin.rows import list_of, page_of
from tests.factories import AllowedApplicationFactory, ApiKeyFactory, MembershipFactory

LIST = list_of("access_apikey")


def left(row: Any) -> bool:
    """Whether the row is as it was."""
    kept = type(row).objects.filter(pk=row.pk).first()
    return kept is not None and not getattr(kept, "revoked_at", None)


def rows_of(clinic: Clinic) -> list[tuple[Any, str, str]]:
    return [
        (ApiKeyFactory(clinic=clinic, name="EHR"), "revoke", "EHR ("),
        (AllowedApplicationFactory(clinic=clinic, name="Partner"), "revoke", "Partner"),
        (MembershipFactory(clinic=clinic, user__username="maria"), "remove", "maria"),
    ]


def test_a_button_asks_before_it_ends_something(manager: Client, clinic: Clinic) -> None:
    for row, action, name in rows_of(clinic):
        page = manager.post(page_of(row, "press"), {"action": action}).content.decode()
        assert f"<strong>{name}" in page
        assert 'name="confirm" value="yes"' in page
        assert "from then on" in page
        assert left(row)
        manager.post(page_of(row, "press"), {"action": action, "confirm": "yes"})
        assert not left(row)


def test_the_list_asks_too_and_names_each(manager: Client, clinic: Clinic) -> None:
    keys = [ApiKeyFactory(clinic=clinic, name=name) for name in ("EHR", "Archive", "Phone")]
    ticked = {"action": "revoke", "_selected_action": [key.pk for key in keys[:2]]}
    page = manager.post(LIST, ticked).content.decode()
    assert "<strong>EHR (" in page
    assert "<strong>Archive (" in page
    assert "Phone" not in page
    assert all(left(key) for key in keys)
    manager.post(LIST, ticked | {"confirm": "yes"})
    assert [left(key) for key in keys] == [False, False, True]


def test_all_pages_at_once_cannot_be_asked_for(manager: Client, clinic: Clinic) -> None:
    ticked, other = ApiKeyFactory(clinic=clinic), ApiKeyFactory(clinic=clinic)
    sent = {"action": "revoke", "_selected_action": [ticked.pk], "select_across": "1", "index": "0"}
    assert other.name not in manager.post(LIST, sent).content.decode() or ticked.name == other.name
    manager.post(LIST, sent | {"confirm": "yes"})
    assert ApiKey.objects.get(revoked_at=None) == other


def test_what_is_no_row_ends_nothing(manager: Client, clinic: Clinic) -> None:
    key = ApiKeyFactory(clinic=clinic)
    for odd in ("x", "'", "a\0b", ""):
        for action in ("revoke", "no such", "a\0b"):
            sent = {"action": action, "_selected_action": [odd], "confirm": "yes"}
            assert manager.post(LIST, sent).status_code == 400
    assert manager.post(LIST, {"action": "a\0b", "_selected_action": [key.pk]}).status_code in (200, 302)
    assert left(key)


def test_others_are_not_asked(viewer: Client, clinic: Clinic) -> None:
    membership = MembershipFactory(clinic=clinic)
    assert viewer.post(page_of(membership, "press"), {"action": "remove"}).status_code == 403
    assert Membership.objects.filter(pk=membership.pk).exists()


@pytest.mark.parametrize("query", ["?title__contains=knee", "?digest=x", "?nothing=1"])
def test_a_filter_that_is_not_offered_is_refused_without_noise(
    manager: Client, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert manager.get(LIST + query).status_code == 400
    assert not [record for record in caplog.records if record.levelname == "ERROR" or record.exc_info]


def test_rows_have_no_second_address_and_no_second_history(manager: Client, clinic: Clinic) -> None:
    key = ApiKeyFactory(clinic=clinic)
    for address in ("/admin/r/1/x/", "/admin/r/1/1/", page_of(key, "history")):
        assert manager.get(address).status_code == 404
    assert "history" not in manager.get(page_of(key)).content.decode()
