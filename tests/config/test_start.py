"""A start with a missing, malformed or weak setting ends with a reason."""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv
from pytest_django import Settings

from config import environment
from config.installation import ROOT
from config.outbound import outbound
from vendors.proxy import Proxy


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


@pytest.mark.parametrize("value", ["https", "0", "65536", "443;8443", "-1", "443 8443", "4e2", "\u0661"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OUTBOUND_PORTS", value)
    with pytest.raises(ImproperlyConfigured, match="OUTBOUND_PORTS must be"):
        environment.ports("OUTBOUND_PORTS")


@pytest.mark.parametrize(("value", "read"), [("", []), ("8443", [8443]), (" 443, 8443 ,", [443, 8443])])
def test_ports_are_numbers_between_commas(monkeypatch: pytest.MonkeyPatch, value: str, read: list[int]) -> None:
    monkeypatch.setenv("OUTBOUND_PORTS", value)
    assert environment.ports("OUTBOUND_PORTS") == read


PROXY_NAMES = ("OUTBOUND_PROXY", "OUTBOUND_PROXY_FILE", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY")


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize(
    "value",
    [
        "proxy.example",
        "proxy.example:3128",
        "http://proxy.example",
        "http://proxy.example:0",
        "http://proxy.example:99999",
        "http://:3128",
        "http://[zz]:3128",
        "https://s3cret@proxy.example:3128",
        "socks5://me:s3cret@proxy.example:1080",
        "http://me:s3cret@proxy.example:3128/path",
        "http://me:s3/cret@proxy.example:3128",
        "http://me:s3cret@proxy.example:3128?x",
        "http://me:s3cret@proxy example:3128",
    ],
)
def test_a_proxy_that_is_none_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for name in ("OUTBOUND_PROXY", "HTTPS_PROXY", "https_proxy"):
        with monkeypatch.context() as here:
            here.setenv(name, value)
            with pytest.raises(ImproperlyConfigured, match="OUTBOUND_PROXY, or else HTTPS_PROXY, must be") as caught:
                environment.proxy("OUTBOUND_PROXY")
            assert "s3" not in str(caught.value)
            assert caught.value.__suppress_context__


@pytest.mark.usefixtures("no_proxy")
def test_the_proxy_is_ours_or_else_the_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert environment.proxy("OUTBOUND_PROXY") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://usual.example:3128/")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    assert environment.proxy("OUTBOUND_PROXY") == Proxy("usual.example", 3128, spared="inside.example")
    monkeypatch.setenv("OUTBOUND_PROXY", "HTTP://me:pass@[fd00::1]:8080")
    ours = environment.proxy("OUTBOUND_PROXY")
    assert ours is not None
    assert (ours.host, ours.port, ours.authorization) == ("fd00::1", 8080, "Basic bWU6cGFzcw==")
    monkeypatch.setenv("OUTBOUND_PROXY", "")
    assert environment.proxy("OUTBOUND_PROXY") is None
    (tmp_path / "proxy").write_text("http://filed.example:3128\n")
    monkeypatch.setattr(environment, "env", FileAwareEnv())  # the usual one remembers what it read from a file
    monkeypatch.setenv("OUTBOUND_PROXY_FILE", str(tmp_path / "proxy"))
    assert environment.proxy("OUTBOUND_PROXY") == Proxy("filed.example", 3128, spared="inside.example")


def test_the_guarded_client_is_made_of_the_settings(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW, settings.OUTBOUND_PORTS = [ip_network("10.0.0.0/8")], [8443]
    settings.OUTBOUND_PROXY = Proxy("proxy.example", 3128)
    made = outbound()
    assert (made.allow, made.ports, made.proxy) == ([ip_network("10.0.0.0/8")], [8443], settings.OUTBOUND_PROXY)
    assert made.trusted == frozenset()


def found(*, deploy: bool = False) -> set[str | None]:
    return {message.id for message in run_checks(tags=["security"], include_deployment_checks=deploy)}


def test_weak_secrets_are_errors_with_an_id(settings: Settings) -> None:
    assert not found() & {"listenpost.E001", "listenpost.E002"}
    settings.CREDENTIAL_KEYS, settings.SECRET_KEY = ["no key"], "short"
    assert {"listenpost.E001", "listenpost.E002"} <= found()


S3, FILES = "s3://bucket/prefix", "file:///srv/audio"


@pytest.mark.parametrize(
    ("redirect", "url", "is_wrong"),
    [
        ("", FILES, False),
        ("", S3, False),
        ("s3", S3, False),
        ("s3", FILES, True),
        ("x-accel:/internal/", FILES, False),
        ("x-accel:/internal/", S3, True),
    ],
)
def test_whoever_is_to_send_recordings_must_have_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, redirect: str, url: str, is_wrong: bool
) -> None:
    monkeypatch.setenv("STORAGE_URL", url)
    settings.STORAGES = settings.STORAGES | {"default": environment.storage("STORAGE_URL")}
    settings.PLAYBACK_REDIRECT = redirect
    assert ("listenpost.E004" in found()) == is_wrong


def test_all_tasks_but_the_sweep_leave_its_queue_alone() -> None:
    from django.conf import settings

    routes = {task: route["queue"] for task, route in settings.CELERY_TASK_ROUTES.items()}
    assert [task for task, queue in routes.items() if queue == "sweeps"] == ["ingest.sweep"]
    assert set(routes.values()) == {queue.name for queue in settings.CELERY_TASK_QUEUES}


def test_what_is_unsafe_in_production_is_said(settings: Settings) -> None:
    settings.PUBLIC_URL, settings.DOOR_URL, settings.DEBUG = "https://a.example", "https://b.example", False
    assert not found(deploy=True) & {"listenpost.W001", "listenpost.E003"}
    settings.DOOR_URL, settings.DEBUG = "http://b.example", True
    assert {"listenpost.W001", "listenpost.E003"} <= found(deploy=True)
