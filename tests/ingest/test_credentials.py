"""Vendors' credentials: encrypted at rest, and put under a new key while the service runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from access import log
from access.models import AccessEntry, Clinic
from config import secrets
from config.management.commands import rotate_credentials
from ingest import accounts
from ingest.models import VendorAccount
from tests.factories import ClinicFactory, VendorAccountFactory

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
SECRET = "the-server-key"


@pytest.fixture(autouse=True)
def old_key(settings: Any) -> None:
    settings.CREDENTIAL_KEYS = [OLD]


@pytest.fixture
def kept(db: None) -> list[VendorAccount]:
    """Five accounts, under the old key."""
    return [VendorAccountFactory(credentials={"server_key": f"{SECRET}-{n}"}) for n in range(5)]


def rotated(capsys: pytest.CaptureFixture[str]) -> str:
    call_command("rotate_credentials")
    return capsys.readouterr().err


def newest() -> list[bool]:
    return [secrets.is_newest(bytes(row.encrypted_credentials)) for row in VendorAccount.objects.order_by("pk")]


def test_everything_comes_under_the_first_key(kept: list[Any], settings: Any, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(rotate_credentials, "BATCH", 2)
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    assert newest() == [False] * 5
    said = rotated(capsys)
    assert "2 accounts and webhooks looked at, 2 encrypted anew." in said
    assert "5 of 5 were encrypted anew" in said
    settings.CREDENTIAL_KEYS = [NEW]
    for number, row in enumerate(VendorAccount.objects.order_by("pk")):
        assert row.opened().credentials == {"server_key": f"{SECRET}-{number}"}
        assert row.updated_at == kept[number].updated_at
    entries = AccessEntry.objects.filter(mode="encrypted anew", actor_kind="command", object_type="vendoraccount")
    assert {entry.clinic_id for entry in entries} == {row.clinic_id for row in kept}
    assert SECRET not in said + json.dumps([entry.object_ids for entry in entries])


def test_it_is_stopped_and_run_again(kept: list[Any], settings: Any, capsys: Any, monkeypatch: Any) -> None:
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    left = iter(range(3))
    monkeypatch.setattr(secrets, "rotate", stopping(secrets.rotate, left))
    with pytest.raises(KeyboardInterrupt):
        rotated(capsys)
    assert newest() == [True] * 3 + [False] * 2
    monkeypatch.undo()
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    assert "2 of 5 were encrypted anew" in rotated(capsys)
    assert "0 of 5 were encrypted anew" in rotated(capsys)
    assert newest() == [True] * 5


def stopping(rotate: Any, left: Any) -> Any:
    def stop(token: bytes) -> bytes:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return bytes(rotate(token))

    return stop


def test_credentials_replaced_meanwhile_are_never_undone(clinic: Clinic, settings: Any, monkeypatch: Any) -> None:
    account = VendorAccountFactory(clinic=clinic, credentials={"server_key": "before"})
    rotate, times = secrets.rotate, iter(range(1))

    def replaced_meanwhile(token: bytes) -> bytes:
        """Between the reading and the writing a process that has only the old key stores others."""
        fresh = rotate(token)
        if next(times, None) is not None:
            settings.CREDENTIAL_KEYS = [OLD]
            accounts.connect(clinic, "nabla", {"server_key": "after"}, by=log.command())
            settings.CREDENTIAL_KEYS = [NEW, OLD]
        return fresh

    settings.CREDENTIAL_KEYS = [NEW, OLD]
    monkeypatch.setattr(secrets, "rotate", replaced_meanwhile)
    assert accounts.seal_anew(account, by=log.command())
    assert VendorAccount.objects.get().opened().credentials == {"server_key": "after"}
    assert newest() == [True]


def test_what_cannot_be_decrypted_is_named_and_left_alone(kept: list[Any], settings: Any, capsys: Any) -> None:
    lost = Fernet(Fernet.generate_key()).encrypt(b"{}")
    broken = [kept[1], kept[3]]
    VendorAccount.objects.filter(pk__in=[row.pk for row in broken]).update(encrypted_credentials=lost)
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    with pytest.raises(CommandError) as refused:
        rotated(capsys)
    assert str(refused.value).endswith(f"CREDENTIAL_KEYS: {broken[0].pk} {broken[1].pk}")
    assert refused.value.returncode == 1
    assert newest() == [True, False, True, False, True]
    assert bytes(VendorAccount.objects.get(pk=broken[0].pk).encrypted_credentials) == lost


def test_an_account_that_is_removed_meanwhile_is_no_trouble(clinic: Clinic) -> None:
    account = VendorAccountFactory(clinic=clinic)
    VendorAccount.objects.all().delete()
    assert not accounts.seal_anew(account, by=log.command())


def test_nothing_kept_shows_the_credentials(clinic: Clinic) -> None:
    account = accounts.connect(clinic, "nabla", {"server_key": SECRET}, by=log.command())
    assert SECRET.encode() not in bytes(account.encrypted_credentials)
    assert SECRET not in repr(account) + repr(account.opened()) + str(account)


def test_an_account_keeps_its_address_unless_another_is_given(db: None) -> None:
    clinic, by = ClinicFactory(), log.command()
    first = accounts.connect(
        clinic, "nabla", {"server_key": "a"}, by=by, base_url="https://eu.example", options={"a": "b"}
    )
    again = accounts.connect(clinic, "nabla", {"server_key": "b"}, by=by)
    assert first == again
    assert (again.base_url, again.options) == ("https://eu.example", {"a": "b"})
    assert accounts.connect(clinic, "nabla", {"server_key": "b"}, by=by, options={}).options == {}


@pytest.mark.parametrize("text", ["", "nonsense", "{", "[]", "null", '"text"', "1", "[" * 100_000])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(accounts.Refused):
        accounts.read(text)
