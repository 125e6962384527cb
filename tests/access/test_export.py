"""The access log as a file for an auditor, by command and from the desk; and how staff see it there."""

from __future__ import annotations

import csv
import io
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access import entries, sealing
from access.models import AccessEntry, Clinic
from tests.access.logged import log_rows
from tests.admin.conftest import member, signed_in
from tests.admin.rows import list_of, page_of
from tests.factories import AccessEntryFactory, ApiKeyFactory, MembershipFactory, UserFactory

LIST = "access_accessentry"


@pytest.fixture
def viewer(clinic: Clinic) -> Client:
    return member(clinic, "viewer")


@pytest.fixture
def reviewer(clinic: Clinic) -> Client:
    return member(clinic, "reviewer")


@pytest.fixture
def manager(clinic: Clinic) -> Client:
    return member(clinic, "manager")


@pytest.fixture
def operator(db: None) -> Client:
    return signed_in(UserFactory(is_superuser=True))


def exported(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    call_command("export_access_log", *arguments)
    return capsys.readouterr().out


def as_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_is_exported_whole(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    who = UserFactory(username="ada")
    facts = {"role": "reviewer", "mode": "download", "address": "2001:db8::1", "request_id": "0123-abcd"}
    entry = AccessEntryFactory(clinic=clinic, actor_id=str(who.pk), object_ids=["a", "b"], **facts)
    entry.refresh_from_db()
    row = as_rows(exported(capsys, "harbour"))[0]
    assert row == {
        "id": str(entry.pk),
        "time": entry.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "clinic": "harbour",
        "actor_kind": "user",
        "actor_id": str(who.pk),
        "actor_name": "ada",
        "on_behalf_of": "",
        "action": "read",
        "object_type": "note",
        "object_ids": "a b",
        "reason": "",
        "times": "1",
        **facts,
    }
    line = json.loads(exported(capsys, "harbour", "--format", "jsonl").splitlines()[0])
    assert (line["object_ids"], line["times"], line["address"]) == (["a", "b"], 1, "2001:db8::1")


def test_programs_and_others_are_named(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    key = ApiKeyFactory(clinic=clinic, name="EHR")
    for kind, actor_id in (("api_key", str(key.pk)), ("worker", "archive"), ("user", "no number"), ("api_key", "x")):
        AccessEntryFactory(clinic=clinic, actor_kind=kind, actor_id=actor_id)
    assert [row["actor_name"] for row in as_rows(exported(capsys, "harbour"))] == ["EHR", "", "", "", ""]


def test_the_export_is_in_the_log(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    exported(capsys, "harbour", "--format", "jsonl")
    entry = AccessEntry.objects.get()
    assert (entry.clinic, entry.action, entry.mode, entry.actor_kind) == (clinic, "exported", "jsonl", "command")


def test_an_export_is_of_one_clinic(clinic: Clinic, other_clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    here, there, nowhere = (log_rows(owner)[0] for owner in (clinic, other_clinic, None))
    assert as_rows(exported(capsys, "harbour"))[0]["id"] == str(here)
    assert str(there) not in exported(capsys, "harbour")
    row = as_rows(exported(capsys, "no.clinic"))[0]
    assert (row["id"], row["clinic"]) == (str(nowhere), "")
    with pytest.raises(CommandError, match="elsewhere"):
        call_command("export_access_log", "elsewhere")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1"])
def test_formulas_are_disarmed(clinic: Clinic, capsys: pytest.CaptureFixture[str], name: str) -> None:
    key = ApiKeyFactory(clinic=clinic, name=name)
    AccessEntryFactory(clinic=clinic, actor_kind="api_key", actor_id=str(key.pk), mode=name)
    row = as_rows(exported(capsys, "harbour"))[0]
    assert row["actor_name"] == row["mode"] == f"'{name}"


def test_since_and_until(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    Clinic.objects.update(time_zone="Europe/Paris")
    for hour in (9, 10, 11):
        AccessEntryFactory(clinic=clinic, created_at=datetime(2026, 3, 4, hour, tzinfo=UTC))
    times = lambda *given: [row["time"][11:13] for row in as_rows(exported(capsys, "harbour", *given))]  # noqa: E731
    assert times("--until", "2026-03-05") == ["09", "10", "11"]
    assert times("--since", "2026-03-04T10:00:00Z", "--until", "2026-03-04T11:00:00Z") == ["10"]
    assert times("--since", "2026-03-04T11:00", "--until", "2026-03-04T12:00") == ["10"]
    with pytest.raises(CommandError, match="--since takes"):
        call_command("export_access_log", "harbour", "--since", "yesterday")


def test_a_file_is_ours_alone_and_never_written_over(clinic: Clinic, tmp_path: Path) -> None:
    log_rows(clinic)
    path = tmp_path / "log.csv"
    call_command("export_access_log", "harbour", "--output", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(as_rows(path.read_text())) == 2
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_access_log", "harbour", "--output", str(path))


def test_a_long_log_is_read_page_by_page(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entries, "PAGE", 2)
    made = log_rows(clinic, 7)
    assert [row["id"] for row in as_rows(exported(capsys, "harbour"))][:7] == [str(row) for row in made]


# --- The desk
def export_of(desk: Client, query: str = "") -> Any:
    return desk.get(reverse("admin:access_accessentry_export") + query)


def body(response: Any) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def test_a_manager_exports_what_the_list_shows(manager: Client, clinic: Clinic, other_clinic: Clinic) -> None:
    read = log_rows(clinic)[0]
    AccessEntryFactory(clinic=clinic, action="linked")
    log_rows(other_clinic)
    page = manager.get(list_of(LIST) + "?action__exact=read").content.decode()
    assert "export/?action__exact=read" in page
    response = export_of(manager, "?action__exact=read&since=day")
    assert "attachment" in response["Content-Disposition"]
    assert [row["id"] for row in as_rows(body(response))] == [str(read)]
    entry = AccessEntry.objects.get(action="exported")
    assert (entry.clinic, entry.actor_kind, entry.role, entry.mode) == (clinic, "user", "manager", "csv")


def test_viewers_and_reviewers_see_the_log_and_export_nothing(viewer: Client, reviewer: Client, clinic: Clinic) -> None:
    row = AccessEntry.objects.get(pk=log_rows(clinic)[0])
    for desk in (viewer, reviewer):
        shown = desk.get(list_of(LIST))
        assert page_of(row) in shown.content.decode()
        assert "Export as CSV" not in shown.content.decode()
        assert desk.get(page_of(row)).status_code == 200
        assert export_of(desk).status_code == 403
    assert not AccessEntry.objects.filter(action="exported").exists()


def test_who_manages_one_clinic_exports_that_one(clinic: Clinic, other_clinic: Clinic) -> None:
    person = MembershipFactory(clinic=clinic, role="viewer").user
    MembershipFactory(clinic=other_clinic, role="manager", user=person)
    seen, taken = log_rows(clinic)[0], log_rows(other_clinic)[0]
    desk = signed_in(person)
    assert str(seen) in desk.get(list_of(LIST)).content.decode()
    text = body(export_of(desk))
    assert str(taken) in text
    assert str(seen) not in text


def test_rows_of_no_clinic_are_the_operators(operator: Client, manager: Client, clinic: Clinic) -> None:
    row = AccessEntryFactory(
        clinic=None, actor_kind="nobody", actor_id="", action="refused", reason="unknown_key", times=9
    )
    page = operator.get(page_of(row)).content.decode()
    assert "was refused (unknown key)" in page
    assert "somebody unknown" in operator.get(list_of(LIST)).content.decode()
    assert page_of(row) not in manager.get(list_of(LIST)).content.decode()
    assert manager.get(page_of(row)).status_code == 404
    taken = [[line["id"] for line in as_rows(body(export_of(desk)))] for desk in (operator, manager)]
    assert [str(row.pk) in ids for ids in taken] == [True, False]


def test_what_the_columns_say(viewer: Client, clinic: Clinic) -> None:
    ada, key = UserFactory(username="ada"), ApiKeyFactory(clinic=clinic, name="EHR")
    AccessEntryFactory(clinic=clinic, actor_id=str(ada.pk), role="reviewer", action="linked", mode="download")
    AccessEntryFactory(clinic=clinic, actor_kind="api_key", actor_id=str(key.pk), object_ids=["one", "two", "three"])
    AccessEntryFactory(clinic=clinic, actor_kind="worker", actor_id="archive", action="exported", object_ids=[])
    page = viewer.get(list_of(LIST)).content.decode()
    for words in (
        "ada",
        "reviewer",
        "was given a link (download)",
        "API key EHR",
        "note one and 2 more",
        "this service",
    ):
        assert words in page
    assert "API key EHR" not in viewer.get(list_of(LIST) + "?actor_kind__exact=worker").content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_list_says_how_far_it_is_sealed(viewer: Client, clinic: Clinic) -> None:
    assert "Sealed up to" not in viewer.get(list_of(LIST)).content.decode()
    log_rows(clinic)
    sealing.seal()
    assert "Sealed up to" in viewer.get(list_of(LIST)).content.decode()


@pytest.mark.parametrize("query", ["?actor_id=1", "?since=%00", "?action__exact=%00"])
def test_an_export_is_asked_for_as_a_list_is(manager: Client, clinic: Clinic, query: str) -> None:
    assert export_of(manager, query).status_code == 400
    assert manager.post(reverse("admin:access_accessentry_export")).status_code == 405
    assert not AccessEntry.objects.filter(action="exported").exists()


def test_old_rows_are_left_out_where_the_list_leaves_them_out(manager: Client, clinic: Clinic) -> None:
    old = UUID(int=int((timezone.now() - timedelta(days=40)).timestamp() * 1000) << 80)
    AccessEntryFactory(pk=old, clinic=clinic)
    assert str(old) not in body(export_of(manager, "?since=week"))
    assert str(old) in body(export_of(manager))
