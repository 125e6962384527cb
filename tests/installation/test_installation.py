"""One machine's installation: what it is given, what it makes up once, and what it says when it cannot start."""

import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.installation import ROOT, Installation, Place, environment, given, services
from config.serve import FirstStart
from config.supervisor import Failed

URLS = {"DATABASE_URL": "postgresql://app@db/listenpost", "REDIS_URL": "redis://broker/0"}
OURS = ("SECRET_KEY", "TICKET_KEYS", "CREDENTIAL_KEYS", "STORAGE_URL", "PUBLIC_URL", "DOOR_URL", "ALLOWED_HOSTS", "VAR")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where nobody has set anything."""
    for name in (*OURS, *URLS, "DATABASE_OWNER_URL", "UPLOAD_DIR", "STATIC_ROOT", "OUTBOUND_ALLOW", "DEBUG", "HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_secrets_are_made_once_and_differ_between_installations(tmp_path: Path) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    here, there = Place(tmp_path / "here"), Place(tmp_path / "there")
    first, again, other = environment(here, URLS), environment(here, URLS), environment(there, URLS)
    for name in ("SECRET_KEY", "TICKET_KEYS", "CREDENTIAL_KEYS"):
        assert first[name] == again[name] != other[name]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (here.var / "secrets").iterdir()} == {0o600}


def test_an_installation_is_never_in_debug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", "1")
    assert environment(Place(tmp_path), URLS)["DEBUG"] == "0"


def test_what_the_operator_gives_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://scribe.example")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "key").write_text("theirs\n")
    env = environment(Place(tmp_path), URLS)
    assert env["PUBLIC_URL"] == "https://scribe.example"
    assert env["ALLOWED_HOSTS"] == "scribe.example"
    assert "SECRET_KEY" not in env
    assert given("SECRET_KEY") == "theirs"


def test_without_an_address_it_is_the_loopback(tmp_path: Path) -> None:
    env = environment(Place(tmp_path, host="0.0.0.0", web_port=9000, door_port=9001), URLS)  # noqa: S104
    assert env["PUBLIC_URL"] == "http://127.0.0.1:9000"
    assert env["DOOR_URL"] == "http://127.0.0.1:9001"
    assert set(env["ALLOWED_HOSTS"].split(",")) == {"127.0.0.1", "localhost"}


def test_the_settings_take_what_it_makes_up(tmp_path: Path) -> None:
    show = (
        "from django.conf import settings; print(settings.DEBUG, sorted(settings.TICKET_KEYS), settings.ALLOWED_HOSTS)"
    )
    done = subprocess.run(
        [sys.executable, "-c", show],
        env=environment(Place(tmp_path), URLS),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("False [1] ['127.0.0.1'"), done.stderr


def queues(command: str) -> list[str]:
    return [queue for taken in re.findall(r"-Q (\S+)", command) for queue in taken.split(",")]


def served(tmp_path: Path) -> dict[str, str]:
    """What starts the service's processes, by where it is written."""
    place = Place(tmp_path)
    return {
        "installation": "\n".join(" ".join(process.command) for process in services(place, environment(place, URLS))),
        "Procfile": (ROOT / "Procfile").read_text(),
        "docs": (ROOT / "docs/operations.md").read_text(),
    }


def test_other_commands_find_the_settings_that_it_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    installation = Installation(Place(tmp_path))
    installation.owner_url = "postgresql://the-owners"
    installation.env = environment(installation.place, URLS) | {"PUBLIC_URL": "http://it's here"}
    installation.keep_environment()
    file = tmp_path / "service.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    script = f"set -a; . {file}; printenv PUBLIC_URL DATABASE_URL SECRET_KEY DATABASE_OWNER_URL"
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    secret = installation.env["SECRET_KEY"]
    urls = [URLS["DATABASE_URL"], installation.owner_url]
    assert said.stdout.splitlines() == ["http://it's here", urls[0], secret, urls[1]]


def test_every_queue_is_taken_by_one_process_and_the_sweeps_by_one_thread_of_their_own(tmp_path: Path) -> None:
    for where, commands in served(tmp_path).items():
        assert sorted(queues(commands)) == [
            *("callbacks", "chores", "feed", "recordings", "streams", "submissions", "sweeps")
        ], where
        (sweeper,) = (line for line in commands.splitlines() if "sweeps" in queues(line))
        assert queues(sweeper) == ["sweeps"], where
        assert "-c 1 " in sweeper, where


def test_a_busy_port_is_named_with_its_variable(tmp_path: Path, taken: int) -> None:
    with pytest.raises(Failed, match=rf"^port {taken} is taken on 127.0.0.1: choose another with DOOR_PORT$"):
        Place(tmp_path, door_port=taken).refuse_busy_ports("door_port")


@pytest.mark.parametrize("program", ["config.demo", "config.serve"])
def test_a_busy_port_ends_the_program_with_one_line(program: str, tmp_path: Path, taken: int) -> None:
    done = _python("-m", program, VAR=str(tmp_path / "var"), WEB_PORT=str(taken))
    assert done.returncode == 1
    assert done.stderr == f"listenpost: port {taken} is taken on 127.0.0.1: choose another with WEB_PORT\n"
    assert not (tmp_path / "var" / "postgres").exists()


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "80 80"])
def test_no_port_is_one_line(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_PORT", port)
    with pytest.raises(Failed, match="WEB_PORT must be a port between 1 and 65535"):
        Place.from_environment()


def test_the_first_start_without_a_terminal_names_what_it_needs(tmp_path: Path) -> None:
    ports = {"WEB_PORT": "28917", "DOOR_PORT": "28918"}
    done = _python("-m", "config.serve", VAR=str(tmp_path / "var"), **ports)
    assert done.returncode == 1
    assert done.stderr.startswith("listenpost: the first start needs LISTENPOST_CLINIC: ")
    assert done.stderr.count("\n") == 1


def test_the_first_start_takes_its_answers_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("correct horse battery\n")
    monkeypatch.setenv("LISTENPOST_CLINIC", "Harbour & Sons Clinic")
    monkeypatch.setenv("LISTENPOST_USER", "amy")
    monkeypatch.setenv("LISTENPOST_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("LISTENPOST_VENDOR", "nabla")
    monkeypatch.setenv("LISTENPOST_VENDOR_CREDENTIALS", '{"server_key": "key"}')
    monkeypatch.setenv("LISTENPOST_VENDOR_BASE_URL", "")
    first = FirstStart.asked()
    assert (first.slug, first.password) == ("harbour-sons-clinic", "correct horse battery")
    assert (first.vendor, first.credentials, first.base_url) == ("nabla", '{"server_key": "key"}', "")


def test_credentials_that_are_no_object_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CLINIC": "c", "USER": "u", "PASSWORD": "p", "VENDOR": "nabla"}.items():
        monkeypatch.setenv(f"LISTENPOST_{name}", value)
    for credentials in ("[]", "{", '"key"'):
        monkeypatch.setenv("LISTENPOST_VENDOR_CREDENTIALS", credentials)
        with pytest.raises(Failed, match="must be a JSON object"):
            FirstStart.asked()


def _python(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
