from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from access import programs
from access.models import AccessEntry, AllowedApplication, ApiKey, Clinic, Membership, TrustedIssuer, User
from ingest.models import VendorAccount
from tests.factories import AllowedApplicationFactory, TrustedIssuerFactory
from tests.rest.api import a_key

PASSWORD = "a long enough password"
SERVER_KEY = "server-key-of-nabla"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """What the command says on standard output and on standard error."""
    capsys.readouterr()
    call_command(*arguments)
    said = capsys.readouterr()
    return said.out, said.err


def logged() -> list[tuple[str, str | None, str]]:
    """What the operator's commands granted: how, where, to what."""
    entries = AccessEntry.objects.filter(actor_kind="command", action="granted").order_by("pk")
    return [(entry.mode, entry.clinic and entry.clinic.slug, entry.object_type) for entry in entries]


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
    run(capsys, "create_clinic", "bay", "--name", "Bay practice")
    entries = AccessEntry.objects.filter(action="changed", object_type="clinic", actor_kind="command").order_by("pk")
    assert [(entry.mode, entry.clinic, *entry.object_ids) for entry in entries] == [
        (mode, clinic, str(clinic.pk)) for mode in ("created", "changed")
    ]


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
    key = programs.identify(out.strip())
    assert isinstance(key, ApiKey)
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


def test_a_key_is_rotated_and_the_old_one_goes_on(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    token = a_key(clinic, "notes:read")
    old = ApiKey.objects.get()
    out, err = run(capsys, "rotate_api_key", old.prefix, "--hours", "2")
    fresh = programs.identify(out.strip())
    assert isinstance(fresh, ApiKey)
    assert (fresh.clinic, fresh.scopes) == (clinic, ["notes:read"])
    assert programs.identify(token) == old
    ends = ApiKey.objects.get(pk=old.pk).ends_at
    assert ends
    assert timedelta(hours=1) < ends - timezone.now() < timedelta(hours=2)
    assert fresh.prefix in err
    assert out.strip() not in err
    assert logged()[-2:] == [("created", "harbour", "apikey"), ("rotated", "harbour", "apikey")]


def test_a_key_is_revoked(clinic: Clinic) -> None:
    token = a_key(clinic)
    prefix = ApiKey.objects.get().prefix
    for _ in range(2):
        call_command("revoke_api_key", prefix)
    with pytest.raises(programs.Refused):
        programs.identify(token)
    assert logged()[1:] == [("revoked", "harbour", "apikey")]
    assert_refused("rotate_api_key", prefix, because="no longer in use")


def test_keys_that_are_not_there_and_hours_that_cannot_be(clinic: Clinic) -> None:
    a_key(clinic)
    prefix = ApiKey.objects.get().prefix
    for command in ("rotate_api_key", "revoke_api_key"):
        for unknown in ("0" * 12, "", "lp_x", "a\0b", "\udcff"):
            assert_refused(command, unknown, because="no such API key")
    for hours in ("-1", "2161", "x"):
        assert_refused("rotate_api_key", prefix, f"--hours={hours}", because="hours")
    assert ApiKey.objects.count() == 1


URL = "https://login.example/tenant"
PARTNER = ["--issuer", URL, "--application", "app-1", "--audience", "listenpost"]
LINE = [*PARTNER, "--name", "Partner", "--scope", "callbacks:write"]


def test_an_issuer_is_trusted_renamed_and_no_longer(db: None) -> None:
    for name in ("Partner", "Partners"):
        call_command("trust_issuer", URL, "--name", name)
        issuer = TrustedIssuer.objects.get()
        assert (issuer.url, issuer.name, issuer.is_trusted) == (URL, name, True)
    call_command("trust_issuer", URL, "--revoke")
    assert not TrustedIssuer.objects.get().is_trusted
    assert [mode for mode, *_ in logged()] == ["trusted", "trusted", "no longer trusted"]


def test_issuers_that_cannot_be_are_refused(db: None) -> None:
    for url in ("login.example", "ftp://login.example", f"{URL}?x=1", f"{URL}#x", "https://a:b@login.example", ""):
        assert_refused("trust_issuer", url, "--name", "Partner", because="address such as")
    assert_refused("trust_issuer", URL, "--name", "x" * 101, because="100")
    assert_refused("trust_issuer", URL, because="--name")
    assert_refused("trust_issuer", URL, "--revoke", because="not known")
    assert not TrustedIssuer.objects.exists()


def test_an_application_is_allowed_and_no_longer(clinic: Clinic) -> None:
    TrustedIssuerFactory(url=URL)
    call_command("allow_application", "harbour", *LINE, "--days", "30")
    line = AllowedApplication.objects.get()
    assert (line.clinic, line.application_id, line.audience, line.name) == (clinic, "app-1", "listenpost", "Partner")
    assert line.scopes == ["callbacks:write"]
    assert line.expires_at is not None
    call_command("allow_application", "harbour", *LINE, "--scope", "notes:read")
    changed = AllowedApplication.objects.get()
    assert (changed.scopes, changed.expires_at) == (["callbacks:write", "notes:read"], None)
    call_command("allow_application", "harbour", *PARTNER, "--revoke")
    line.refresh_from_db()
    assert line.revoked_at is not None
    assert logged() == [(mode, "harbour", "allowedapplication") for mode in ("allowed", "allowed anew", "revoked")]
    assert_refused("allow_application", "harbour", *PARTNER, "--revoke", because="no such line")


def test_applications_that_cannot_be_are_refused(clinic: Clinic, other_clinic: Clinic) -> None:
    assert_refused("allow_application", "harbour", *LINE, because="trust_issuer")
    issuer = TrustedIssuerFactory(url=URL)
    assert_refused("allow_application", "nowhere", *LINE, because="nowhere")
    assert_refused("allow_application", "harbour", *LINE, "--scope", "notes:raed", because="notes:raed")
    assert_refused("allow_application", "harbour", *PARTNER, "--name", "x", because="--scope")
    assert_refused("allow_application", "harbour", *PARTNER, "--scope", "notes:read", because="--name")
    assert_refused("allow_application", "harbour", *LINE, "--audience", "x" * 501, because="500")
    assert_refused("allow_application", "harbour", *LINE, "--application", "", because="--application")
    assert_refused("allow_application", "harbour", *LINE, "--days", "0", because="days")
    assert not AllowedApplication.objects.exists()
    AllowedApplicationFactory(clinic=other_clinic, issuer=issuer, application_id="app-1", audience="listenpost")
    assert_refused("allow_application", "harbour", *LINE, because="on another list already")
    assert_refused("allow_application", "harbour", *PARTNER, "--revoke", because="no such line")
    TrustedIssuer.objects.update(is_trusted=False)
    assert_refused("allow_application", "harbour", *LINE, "--audience", "harbour", because="no longer trusted")


def test_a_person_is_created_and_given_another_role(clinic: Clinic, typed: Any) -> None:
    for role, password in (("viewer", PASSWORD), ("manager", PASSWORD + "!")):
        typed(password + "\n")
        call_command("create_staff", "harbour", "ada", "--role", role, "--password-stdin")
        user = User.objects.get()
        assert (user.username, user.is_staff, user.is_superuser) == ("ada", True, False)
        assert user.check_password(password)
        assert Membership.objects.get().role == role
    assert logged() == [
        (mode, "harbour", "user") for mode in ("added as viewer", "password set", "made manager", "password set")
    ]


def test_a_person_is_let_in_again_with_what_an_operator_typed(clinic: Clinic, typed: Any) -> None:
    User.objects.create(username="ada", is_active=False, must_change_password=True)
    typed(PASSWORD)
    call_command("create_staff", "harbour", "ada", "--role", "viewer", "--password-stdin")
    user = User.objects.get()
    assert (user.is_active, user.is_staff, user.must_change_password) == (True, True, False)
    assert [mode for mode, *_ in logged()] == ["added as viewer", "may sign in", "made staff", "password set"]


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


def test_a_vendor_is_connected_in_place_of_the_account_before(clinic: Clinic, capsys: Any, settings: Any) -> None:
    connect("--region", "eu")
    connect("--base-url", "http://127.0.0.1:9000/nabla/", credentials={"server_key": "another"})
    account = VendorAccount.objects.get()
    assert (account.clinic, account.base_url, account.options) == (clinic, "http://127.0.0.1:9000/nabla", {})
    assert account.opened().credentials == {"server_key": "another"}
    said = capsys.readouterr()
    assert said.out.split() == [f"{settings.DOOR_URL}/callbacks/nabla/accounts/{account.pk}"] * 2
    assert b"another" not in bytes(account.encrypted_credentials)
    assert SERVER_KEY not in said.out + said.err
    assert logged() == [(mode, "harbour", "vendoraccount") for mode in ("connected", "credentials replaced")]


def test_what_is_not_given_is_the_vendors_own(clinic: Clinic) -> None:
    connect("--transport", "rest", "--streaming-url", "wss://stream.example/v1")
    account = VendorAccount.objects.get()
    assert account.base_url == "https://api.nabla.com/v1/copilot-api/server"
    assert account.options == {"transport": "rest", "streaming_url": "wss://stream.example/v1"}


def test_how_a_vendor_is_streamed_to_and_asked_is_settled(clinic: Clinic) -> None:
    connect("--pace", "fast", "--recordings-per-second", "0.5")
    assert VendorAccount.objects.get().options == {"pace": "fast", "recordings_per_second": 0.5}
    for wrong in (("--pace", "slow"), ("--recordings-per-second", "many"), ("--recordings-per-second", "1e9")):
        with pytest.raises(CommandError, match=f"^{wrong[0]} is "):
            connect(*wrong)


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
