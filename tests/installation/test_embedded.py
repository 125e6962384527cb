"""The servers of the default set-up, as they really run."""

import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config import embedded
from config.embedded import APPLICATION, OWNER, Postgres, Valkey, kept_port, secret
from config.supervisor import Failed, Process, Supervisor


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("var")
    for parent in (folder, *folder.parents):  # where root has no user namespaces, uid 65534 must get there
        if parent.owner() == folder.owner() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    return folder


@pytest.fixture(scope="module")
def supervisor(var: Path) -> Iterator[Supervisor]:
    with Supervisor(var, say=lambda line: None) as running:
        yield running


@pytest.fixture(scope="module")
def postgres(var: Path, supervisor: Supervisor) -> Postgres:
    server = Postgres(var / "postgres", var / "secrets")
    supervisor.start(server.process())
    server.create_roles()
    return server


@pytest.fixture(scope="module")
def valkey(var: Path, supervisor: Supervisor) -> Valkey:
    server = Valkey(var / "valkey", var / "secrets")
    supervisor.start(server.process())
    return server


def value(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row[0] if row else None


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def is_up(process: Process) -> bool:
    return process.ready is not None and process.ready()


def test_the_owner_owns_the_database_and_can_make_others(postgres: Postgres) -> None:
    execute(postgres.url(OWNER), "CREATE TABLE logbook (entry text)")
    execute(postgres.url(OWNER), "DROP TABLE logbook")
    execute(postgres.url(OWNER), "CREATE DATABASE another")
    execute(postgres.url(OWNER), "DROP DATABASE another")
    assert value(postgres.url(OWNER), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE mine (x int)", "CREATE TEMPORARY TABLE mine (x int)", "CREATE DATABASE mine"]
)
def test_the_application_defines_nothing(postgres: Postgres, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(postgres.url(APPLICATION), statement)


def test_passwords_are_needed_and_hashed(postgres: Postgres) -> None:
    right = postgres.url(APPLICATION)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        value(right.replace(right.split(":")[2].split("@")[0], "wrong"), "SELECT 1")
    assert value(right, "SHOW password_encryption") == "scram-sha-256"


def test_listens_on_the_loopback_alone_below_the_ephemeral_ports(postgres: Postgres, valkey: Valkey) -> None:
    assert value(postgres.url(OWNER), "SHOW listen_addresses") == "127.0.0.1"
    assert not list(postgres.home.rglob(".s.PGSQL*"))
    assert postgres.port < 32768
    assert valkey.port < 32768
    with redis.Redis.from_url(valkey.url) as client:
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_statements_and_rows_do_not_reach_the_servers_log(postgres: Postgres, supervisor: Supervisor) -> None:
    execute(postgres.url(OWNER), "CREATE TABLE said (words text PRIMARY KEY)")
    execute(postgres.url(OWNER), "INSERT INTO said VALUES ('canary-phrase')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        execute(postgres.url(OWNER), "INSERT INTO said VALUES ('canary-phrase')")
    execute(postgres.url(OWNER), "DROP TABLE said")
    log = (supervisor.var / "log" / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "canary-phrase" not in log


def test_roles_may_be_made_again(postgres: Postgres) -> None:
    postgres.create_roles()
    assert value(postgres.url(APPLICATION), "SELECT 1") == 1


def test_comes_back_after_kill_9_with_what_was_committed(postgres: Postgres, supervisor: Supervisor) -> None:
    execute(postgres.url(OWNER), "CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS it")
    restarted: list[int] = []
    supervisor.changed = lambda: restarted.append(supervisor.pids["postgres"])
    os.kill(supervisor.pids["postgres"], signal.SIGKILL)
    supervisor.watch(20, until=lambda: bool(restarted) and is_up(postgres.process()))
    assert value(postgres.url(OWNER), "SELECT it FROM kept") == 7


def test_valkey_needs_its_password_and_loses_nothing_to_memory(valkey: Valkey) -> None:
    with redis.Redis(port=valkey.port) as stranger, pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()
    with redis.Redis.from_url(valkey.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}


def test_valkey_keeps_its_keys_over_kill_9(valkey: Valkey, supervisor: Supervisor) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.set("bell", "rung")
    before = supervisor.pids["valkey"]
    supervisor.watch(1.2)  # appendfsync everysec
    os.kill(before, signal.SIGKILL)
    supervisor.watch(10, until=lambda: supervisor.pids["valkey"] != before and is_up(valkey.process()))
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        assert client.get("bell") == "rung"


def test_secrets_are_for_their_owner_alone(postgres: Postgres, valkey: Valkey, var: Path) -> None:
    files = [*(var / "secrets").iterdir(), var / "valkey" / "valkey.conf"]
    assert len(files) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_new_start_finds_the_same_data_and_port(tmp_path: Path) -> None:
    ports = []
    for _ in range(2):
        with Supervisor(tmp_path, say=lambda line: None) as supervisor:
            server = Postgres(tmp_path / "postgres", tmp_path / "secrets")
            supervisor.start(server.process())
            server.create_roles()
            ports.append(server.port)
            execute(server.url(OWNER), "CREATE TABLE IF NOT EXISTS starts AS SELECT 1 AS n")
    assert ports[0] == ports[1]


def test_half_a_cluster_is_made_anew_and_a_reused_pid_is_no_server(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", tmp_path / "secrets")
    half = tmp_path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with Supervisor(tmp_path, say=lambda line: None) as supervisor:
        supervisor.start(server.process())
    assert not half.exists()
    # After a power cut the file stays, and the pid in it may by now be anybody's: here it is ours.
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    with Supervisor(tmp_path, say=lambda line: None) as supervisor:
        supervisor.start(server.process())
        assert supervisor.pids["postgres"]


def test_a_remembered_port_that_is_taken_is_given_up(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (tmp_path / "port").write_text(str(taken.getsockname()[1]))
        port = kept_port(tmp_path / "port")
        assert port != taken.getsockname()[1]
    assert kept_port(tmp_path / "port") == port


@pytest.mark.parametrize("remembered", ["21668", None])
def test_two_servers_that_do_not_listen_yet_never_share_a_port(
    tmp_path: Path, remembered: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([1668, 1668, 1669])
    monkeypatch.setattr(secrets, "randbelow", lambda bound: next(drawn))
    if remembered:
        for name in ("postgres", "valkey"):
            (tmp_path / "ports" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "ports" / name).write_text(remembered)
    ports = [server(tmp_path / name, tmp_path).port for server, name in ((Postgres, "postgres"), (Valkey, "valkey"))]
    assert sorted(ports) == [21_668, 21_669]


def test_other_passwords_than_the_clusters_are_one_line(tmp_path: Path) -> None:
    keys = tmp_path / "secrets"
    with Supervisor(tmp_path, say=lambda line: None) as supervisor:
        supervisor.start(Postgres(tmp_path / "postgres", keys).process())
    (keys / "postgres-postgres").write_text("another")
    with (
        pytest.raises(Failed, match=r"the passwords in .* are not those of"),
        Supervisor(tmp_path, say=lambda line: None) as supervisor,
    ):
        supervisor.start(Postgres(tmp_path / "postgres", keys).process())


def test_missing_binaries_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_package", lambda name: [])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "SYSTEM_POSTGRES", tmp_path)
    with pytest.raises(Failed, match=r"no PostgreSQL found: .*, or name one with PG_BIN"):
        Postgres(tmp_path, tmp_path).process()
    with pytest.raises(Failed, match="no Valkey found"):
        Valkey(tmp_path, tmp_path).process()


def test_binaries_of_ones_own_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "initdb").touch()
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    assert Postgres(tmp_path, tmp_path).binaries == tmp_path


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    first = secret(tmp_path / "deep" / "key")
    assert secret(tmp_path / "deep" / "key") == first
    assert len(first) == 43
    assert stat.S_IMODE((tmp_path / "deep" / "key").stat().st_mode) == 0o600


def test_runs_means_that_very_program() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert embedded.runs(str(process.pid), "-c")
        assert not embedded.runs(str(process.pid), "postgres")
        process.kill()
    assert not embedded.runs(str(process.pid), "-c")
