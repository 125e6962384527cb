"""A start with a missing, malformed or weak setting ends with a reason."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from config import environment
from config.installation import ROOT


@pytest.mark.parametrize("name", ["SECRET_KEY", "TICKET_KEYS", "CREDENTIAL_KEYS", "DATABASE_URL", "REDIS_URL"])
def test_a_missing_setting_is_named(name: str) -> None:
    env = {key: value for key, value in os.environ.items() if key != name}
    command = [sys.executable, "-c", "import config.settings"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"Set the {name} environment variable" in done.stderr


@pytest.mark.parametrize("value", ["short", "1:short", "x:" + "s" * 40, "0:" + "s" * 40, "256:" + "s" * 40, ""])
def test_ticket_keys_that_cannot_be_used_are_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TICKET_KEYS", value)
    with pytest.raises(ImproperlyConfigured, match="TICKET_KEYS"):
        environment.ticket_keys("TICKET_KEYS")


@pytest.mark.parametrize("value", ["ftp://x", "clinic.example", "https://", "https://x/?q=1"])
def test_an_address_must_be_one(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PUBLIC_URL", value)
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL"):
        environment.address("PUBLIC_URL")


def test_a_range_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOW", "10.0.0.0/8, everywhere")
    with pytest.raises(ImproperlyConfigured, match="OUTBOUND_ALLOW"):
        environment.networks("OUTBOUND_ALLOW")


def found(*, deploy: bool = False) -> set[str | None]:
    return {message.id for message in run_checks(tags=["security"], include_deployment_checks=deploy)}


def test_weak_secrets_are_errors_with_an_id(settings: Settings) -> None:
    assert not found() & {"listenpost.E001", "listenpost.E002"}
    settings.CREDENTIAL_KEYS, settings.SECRET_KEY = ["no key"], "short"
    assert {"listenpost.E001", "listenpost.E002"} <= found()


def test_what_is_unsafe_in_production_is_said(settings: Settings) -> None:
    settings.PUBLIC_URL, settings.DOOR_URL, settings.DEBUG = "https://a.example", "https://b.example", False
    assert not found(deploy=True) & {"listenpost.W001", "listenpost.E003"}
    settings.DOOR_URL, settings.DEBUG = "http://b.example", True
    assert {"listenpost.W001", "listenpost.E003"} <= found(deploy=True)
