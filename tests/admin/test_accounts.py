"""Managers connect vendors and replace credentials, which are never shown again; addresses are not theirs to choose."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from access.models import AccessEntry, Clinic
from ingest.models import VendorAccount
from tests.admin.rows import list_of, page_of
from tests.factories import VendorAccountFactory
from vendors import VENDORS

ADD = "/admin/ingest/vendoraccount/add/"
SECRET = "the-server-key-of-nabla"
GOOD = json.dumps({"server_key": SECRET})


def modes() -> list[tuple[str, Any, str]]:
    entries = AccessEntry.objects.order_by("pk")
    return [(entry.mode, entry.clinic, entry.action) for entry in entries if entry.action in ("granted", "changed")]


def test_a_manager_connects_a_vendor_at_the_vendors_own_address(manager: Client, clinic: Clinic) -> None:
    form = {"vendor": "nabla", "credentials": GOOD, "base_url": "https://evil.example", "options": '{"region": "x"}'}
    response = manager.post(ADD, form)
    account = VendorAccount.objects.get()
    assert response["Location"] == page_of(account)
    assert (account.clinic, account.base_url, account.options) == (clinic, VENDORS["nabla"].default_base_url, {})
    assert account.opened().credentials == {"server_key": SECRET}
    assert modes() == [("connected", clinic, "granted")]


def test_the_page_says_where_signed_webhooks_come_to(manager: Client, clinic: Clinic, settings: Any) -> None:
    account = VendorAccountFactory(clinic=clinic)
    page = manager.get(page_of(account)).content.decode()
    assert f"{settings.DOOR_URL}/callbacks/nabla/accounts/{account.pk}" in page


def test_replacing_leaves_what_the_operator_set(manager: Client, clinic: Clinic) -> None:
    account = VendorAccountFactory(clinic=clinic, options={"region": "eu"})
    assert page_of(account, "credentials") in manager.get(page_of(account)).content.decode()
    form = {"credentials": GOOD, "base_url": "https://evil.example"}
    assert manager.post(page_of(account, "credentials"), form).status_code == 302
    changed = VendorAccount.objects.get()
    assert (changed.base_url, changed.options) == (account.base_url, {"region": "eu"})
    assert changed.opened().credentials == {"server_key": SECRET}
    assert changed.updated_at > account.updated_at
    assert modes() == [("credentials replaced", clinic, "granted")]


def test_a_second_account_at_one_vendor_is_refused(manager: Client, clinic: Clinic) -> None:
    account = VendorAccountFactory(clinic=clinic)
    response = manager.post(ADD, {"vendor": "nabla", "credentials": GOOD})
    assert "replace the credentials on its page" in response.content.decode()
    assert VendorAccount.objects.get().opened() == account.opened()


WRONG = [
    ("", "This field is required."),
    (f'{{"server_key": "{SECRET}"', "not JSON"),
    (f'["{SECRET}"]', "must be a JSON object"),
    (f'{{"key": "{SECRET}"}}', "server_key"),
    (f'{{"server_key": ["{SECRET}"]}}', "server_key"),
    ("[" * 15_000, "not JSON"),
    ("x" * 20_001, "at most 20000 characters"),
    (f'{{"server_key": "{SECRET}\0"}}', "Null characters"),
]


@pytest.mark.parametrize(("credentials", "told"), WRONG)
def test_wrong_credentials_are_said_and_not_repeated(
    manager: Client, clinic: Clinic, credentials: str, told: str, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    account = VendorAccountFactory(clinic=clinic)
    for vendor, address in (("former", ADD), ("nabla", page_of(account, "credentials"))):
        VendorAccount.objects.update(vendor=vendor)
        response = manager.post(address, {"vendor": "nabla", "credentials": credentials})
        page = response.content.decode()
        assert response.status_code == 200
        assert told in page
        assert SECRET not in page
        assert "x" * 100 not in page
    said = capsys.readouterr()
    assert SECRET not in caplog.text + said.out + said.err
    assert VendorAccount.objects.get().opened() == account.opened()


def test_an_unknown_vendor_is_refused(manager: Client, clinic: Clinic) -> None:
    assert manager.post(ADD, {"vendor": "acme", "credentials": GOOD}).context["form"].errors["vendor"]
    former = VendorAccountFactory(clinic=clinic, vendor="former")
    response = manager.post(page_of(former, "credentials"), {"credentials": GOOD})
    assert "This version of Listenpost does not know the vendor." in response.content.decode()


def test_the_field_is_not_filled_by_browsers_and_nothing_shows_what_is_kept(manager: Client, clinic: Clinic) -> None:
    account = VendorAccountFactory(clinic=clinic, credentials={"server_key": SECRET})
    for address in (ADD, page_of(account, "credentials"), page_of(account), list_of("ingest_vendoraccount")):
        response = manager.get(address)
        assert SECRET not in response.content.decode()
        assert "no-store" in response["Cache-Control"]
    assert 'autocomplete="off"' in manager.get(ADD).content.decode().partition("<textarea")[2].partition(">")[0]


def test_a_failure_while_storing_reports_no_secret(
    manager: Client, clinic: Clinic, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CREDENTIAL_KEYS = ["no key at all"]
    manager.raise_request_exception = False
    response = manager.post(ADD, {"vendor": "nabla", "credentials": GOOD})
    assert response.status_code == 500
    assert SECRET not in response.content.decode() + caplog.text


def test_whoever_connects_a_vendor_that_has_to_be_told_of_it_reads_so(manager: Client) -> None:
    ids = dict.fromkeys(("partner_id", "customer_id", "product_id"), "5a9db0c5-0001-4000-8000-000000000001")
    client = {"client_id": "c", "client_secret": "s", "issuer": "https://login.example", "access_token": "t" * 16}
    form = {"vendor": "dragon", "credentials": json.dumps({**ids, **client})}
    shown = manager.post(ADD, form, follow=True).content.decode()
    assert "run connect_vendor with --subscribe" in shown
    assert VendorAccount.objects.get().base_url == VENDORS["dragon"].home({})
