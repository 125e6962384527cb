from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from access import keys
from access.models import ApiKey, Clinic, Membership, User
from ingest.models import VendorAccount

PASSWORD = "a long enough password"
SERVER_KEY = "server-key-of-nabla"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """What the command says on standard output and on standard error."""
    capsys.readouterr()
    call_command(*arguments)
    said = capsys.readouterr()
    return said.out, said.err


def assert_refused(*arguments: str, because: str) -> None:
    with pytest.raises(CommandError, match=because):
        call_command(*arguments)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_clinic_is_created_and_renamed(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "create_clinic", "bay", "--name", "Bay", "--time-zone", "Europe/Paris")
    again, _ = run(capsys, "create_clinic", "bay", "--name", "Bay practice")
    clinic = Clinic.objects.get()
    assert UUID(out.strip()) == UUID(again.strip()) == clinic.pk
    assert (clinic.slug, clinic.name, clinic.time_zone) == ("bay", "Bay practice", "Europe/Paris")


@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (["a b", "--name", "x"], "slug"),
        (["x" * 61, "--name", "x"], "slug"),
        (["bay", "--name", ""], "name"),
        (["bay", "--name", "x" * 201], "name"),
        (["bay", "--name", "x", "--time-zone", "Mars/Olympus"], "time_zone"),
    ],
)
def test_a_clinic_that_cannot_be_is_refused(db: None, arguments: list[str], because: str) -> None:
    assert_refused("create_clinic", *arguments, because=because)
    assert not Clinic.objects.exists()


def test_a_key_is_printed_alone(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    scopes = ["--scope", "notes:read", "events:read", "--scope", "sessions:write"]
    out, err = run(capsys, "create_api_key", "harbour", "--name", "EHR", *scopes)
    key = keys.find(out.strip())
    assert key is not None
    assert (key.clinic, key.name, key.expires_at) == (clinic, "EHR", None)
    assert set(key.scopes) == {"notes:read", "events:read", "sessions:write"}
    assert out.strip() not in err
    assert key.prefix in err


def test_a_key_may_end_by_itself(clinic: Clinic) -> None:
    call_command("create_api_key", "harbour", "--name", "EHR", "--scope", "notes:read", "--days", "30")
    assert ApiKey.objects.get().expires_at is not None


def test_keys_that_cannot_be_are_refused(clinic: Clinic) -> None:
    named = ["--name", "EHR"]
    assert_refused("create_api_key", "nowhere", *named, "--scope", "notes:read", because="nowhere")
    assert_refused("create_api_key", "harbour", *named, "--scope", "notes:raed", because="notes:raed.*notes:read")
    assert_refused("create_api_key", "harbour", "--name", "x" * 101, "--scope", "notes:read", because="100")
    assert_refused("create_api_key", "harbour", *named, "--scope", "notes:read", "--days", "0", because="days")
    assert not ApiKey.objects.exists()


def test_a_person_is_created_and_given_another_role(clinic: Clinic, typed: Any) -> None:
    for role, password in (("viewer", PASSWORD), ("manager", PASSWORD + "!")):
        typed(password + "\n")
        call_command("create_staff", "harbour", "ada", "--role", role, "--password-stdin")
        user = User.objects.get()
        assert (user.username, user.is_staff, user.is_superuser) == ("ada", True, False)
        assert user.check_password(password)
        assert Membership.objects.get().role == role


def test_people_who_cannot_be_are_refused(clinic: Clinic, typed: Any) -> None:
    for username, password, because in (
        ("ada", "short", "too short"),
        ("ada", "", "too short"),
        ("ada", "password1", "common"),
        ("a b", PASSWORD, "username"),
        ("x" * 151, PASSWORD, "150"),
    ):
        typed(password)
        assert_refused("create_staff", "harbour", username, "--role", "viewer", "--password-stdin", because=because)
    assert_refused("create_staff", "nowhere", "ada", "--role", "viewer", "--password-stdin", because="nowhere")
    assert_refused("create_staff", "harbour", "ada", "--role", "king", "--password-stdin", because="king")
    assert not User.objects.exists()


def test_a_password_is_not_waited_for_without_a_terminal(clinic: Clinic, typed: Any) -> None:
    typed("")
    assert_refused("create_staff", "harbour", "ada", "--role", "viewer", because="password-stdin")


def connect(*arguments: str, credentials: Any = None) -> None:
    given = {"server_key": SERVER_KEY} if credentials is None else credentials
    call_command("connect_vendor", "harbour", "nabla", "--credentials", json.dumps(given), *arguments)


def test_a_vendor_is_connected_in_place_of_the_account_before(clinic: Clinic, capsys: Any) -> None:
    connect("--region", "eu")
    connect("--base-url", "http://127.0.0.1:9000/nabla/", credentials={"server_key": "another"})
    account = VendorAccount.objects.get()
    assert (account.clinic, account.base_url, account.options) == (clinic, "http://127.0.0.1:9000/nabla", {})
    assert account.opened().credentials == {"server_key": "another"}
    assert b"another" not in bytes(account.encrypted_credentials)
    said = capsys.readouterr()
    assert SERVER_KEY not in said.out + said.err


def test_what_is_not_given_is_the_vendors_own(clinic: Clinic) -> None:
    connect("--transport", "rest", "--streaming-url", "wss://stream.example/v1")
    account = VendorAccount.objects.get()
    assert account.base_url == "https://api.nabla.com/v1/copilot-api/server"
    assert account.options == {"transport": "rest", "streaming_url": "wss://stream.example/v1"}


def test_credentials_are_read_from_a_file_or_standard_input(clinic: Clinic, tmp_path: Path, typed: Any) -> None:
    text = json.dumps({"server_key": SERVER_KEY})
    (tmp_path / "nabla.json").write_text(text)
    typed(text)
    for given in (["--credentials-file", str(tmp_path / "nabla.json")], ["--credentials", "-"]):
        call_command("connect_vendor", "harbour", "nabla", *given)
        assert VendorAccount.objects.get().opened().credentials == {"server_key": SERVER_KEY}
        VendorAccount.objects.all().delete()


def test_accounts_that_cannot_be_are_refused(clinic: Clinic, tmp_path: Path) -> None:
    good = ["--credentials", '{"server_key": "k"}']
    assert_refused("connect_vendor", "nowhere", "nabla", *good, because="nowhere")
    assert_refused("connect_vendor", "harbour", "acme", *good, because="acme.*nabla")
    for text, because in (
        ("{", "not JSON"),
        ("[]", "object"),
        ("{}", "server_key"),
        ('{"server_key": 1}', "server_key"),
    ):
        assert_refused("connect_vendor", "harbour", "nabla", "--credentials", text, because=because)
    missing = ["--credentials-file", str(tmp_path / "nothing.json")]
    assert_refused("connect_vendor", "harbour", "nabla", *missing, because="No such file")
    assert_refused("connect_vendor", "harbour", "nabla", because="credentials")
    for option, url in (("--base-url", "nabla"), ("--base-url", "ftp://x.example"), ("--partner-url", "x")):
        assert_refused("connect_vendor", "harbour", "nabla", *good, option, url, because=option)
    assert not VendorAccount.objects.exists()
