"""One machine's installation: its folder, its secrets, its servers and the processes of the service.

config/serve.py runs it for real use, config/demo.py with the sandbox and a sample. `python -m config.installation run
COMMAND` starts the servers alone, for one command such as the tests.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import os
import re
import resource
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from config import embedded
from config.embedded import Postgres, Valkey, secret
from config.supervisor import Failed, Process, Stopped, Supervisor, say

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Place:
    """Where an installation keeps its files and where it listens."""

    var: Path
    host: str = "127.0.0.1"
    web_port: int = 8000
    door_port: int = 8001
    sandbox_port: int = 8002
    sandbox_grpc_port: int = 8003

    @classmethod
    def from_environment(cls) -> Self:
        ports = {name: _port(name.upper(), default) for name, default in _PORTS.items()}
        return cls(Path(given("VAR") or ROOT / "var").resolve(), given("HOST") or "127.0.0.1", **ports)

    def refuse_busy_ports(self, *names: str) -> None:
        for name in names:
            if not embedded.is_free(self.host, port := getattr(self, name)):
                raise Failed(f"port {port} is taken on {self.host}: choose another with {name.upper()}")


_PORTS = {"web_port": 8000, "door_port": 8001, "sandbox_port": 8002, "sandbox_grpc_port": 8003}


#: Open at once in one process, where the system lets us: each sender that is connected takes one.
MOST_FILES = 65_536


def _allow_files(wanted: int) -> None:
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    if now != resource.RLIM_INFINITY and now < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


class Installation:
    """The servers, the environment that the service's programs run in, and those programs, under one supervisor."""

    def __init__(self, place: Place, extra: Mapping[str, str] | None = None) -> None:
        self.place, self.extra, self.begun = place, dict(extra or {}), time.monotonic()
        self.env: dict[str, str] = {}
        place.var.mkdir(parents=True, exist_ok=True)
        os.umask(0o077)  # what is written from here on holds patients' words or secrets
        _allow_files(MOST_FILES)
        self.supervisor = Supervisor(place.var)

    def __enter__(self) -> Self:
        self.supervisor.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.supervisor.__exit__(None, None, None)

    def done(self, what: str) -> None:
        say(f"{time.monotonic() - self.begun:6.1f} s  {what}")

    def start_servers(self) -> None:
        """PostgreSQL and Valkey, unless DATABASE_URL or REDIS_URL name others; sets `env`."""
        keys = self.place.var / "secrets"
        postgres, valkey = Postgres(self.place.var / "postgres", keys), Valkey(self.place.var / "valkey", keys)
        database, broker = given("DATABASE_URL"), given("REDIS_URL")
        servers = [*([] if database else [postgres.process()]), *([] if broker else [valkey.process()])]
        self.supervisor.start(*servers)
        if not database:
            postgres.create_roles()
        self.owner_url = given("DATABASE_OWNER_URL") or database or postgres.url(embedded.OWNER)
        urls = {"DATABASE_URL": database or postgres.url(embedded.APPLICATION), "REDIS_URL": broker or valkey.url}
        self.env = environment(self.place, urls) | self.extra
        if servers:
            self.done(f"{' and '.join(server.name.capitalize() for server in servers)} started")

    def migrate(self) -> None:
        """The system checks; the tables, as their owner; what the application's role may do there; the static files."""
        self.manage("check")
        self.manage("migrate", "--noinput", owner=True)
        self.done("database migrated")
        role = urlsplit(self.env["DATABASE_URL"]).username
        if role and self.owner_url != self.env["DATABASE_URL"]:
            self.manage("grant_application", role, owner=True)
        self.collect_static()

    def collect_static(self) -> None:
        self.manage("collectstatic", "--noinput", "--verbosity", "0")
        self.done("static files collected")

    def manage(self, *arguments: str, owner: bool = False, given_input: str = "") -> str:
        """Runs one management command and returns what it printed; its complaints go to var/log/manage.log."""
        env = self.env | ({"DATABASE_URL": self.owner_url, "STATEMENT_SECONDS": "0"} if owner else {})
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=env, input=given_input, capture_output=True, text=True, check=False, process_group=0
        )
        log = self.place.var / "log" / "manage.log"
        with log.open("a") as file:
            file.write(f"manage.py {arguments[0]}: exit {done.returncode}\n{done.stderr}")
        if done.returncode != 0:
            raise Failed(f"manage.py {arguments[0]} failed: {last_error(done.stderr)} (see {log})")
        return done.stdout.strip()

    def keep_environment(self) -> None:
        """For commands beside the running service, such as cron's: `set -a; . var/service.env`."""
        file = self.place.var / "service.env"
        file.touch(0o600)
        owners = {} if given("DATABASE_URL") else {"DATABASE_OWNER_URL": self.owner_url}
        ours = {name: value for name, value in (self.env | owners).items() if os.environ.get(name) != value}
        file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(ours.items())))

    def start_services(self, *others: Process) -> None:
        self.keep_environment()
        processes = [*others, *services(self.place, self.env)]
        self.supervisor.start(*processes)
        self.done(f"{', '.join(process.name for process in processes)} started")


def environment(place: Place, urls: Mapping[str, str]) -> dict[str, str]:
    """The environment for the service's programs: what the operator gave, else what is kept here, else the usual."""
    var, keys = place.var, place.var / "secrets"
    public = given("PUBLIC_URL") or f"http://{reachable(place.host)}:{place.web_port}"
    usual: dict[str, Callable[[], str]] = {
        "SECRET_KEY": lambda: secret(keys / "secret-key", lambda: secrets.token_urlsafe(50)),
        "TICKET_KEYS": lambda: secret(keys / "ticket-keys", lambda: f"1:{secrets.token_urlsafe(32)}"),
        "METRICS_TOKEN": lambda: secret(keys / "metrics-token", lambda: secrets.token_urlsafe(32)),
        "CREDENTIAL_KEYS": lambda: secret(keys / "credential-keys", _fernet_key),
        "STORAGE_URL": lambda: (var / "audio").as_uri(),
        "PUBLIC_URL": lambda: public,
        "DOOR_URL": lambda: f"http://{reachable(place.host)}:{place.door_port}",
        "ALLOWED_HOSTS": lambda: ",".join({urlsplit(public).hostname or "", *_loopback_names(public)} - {""}),
        "UPLOAD_DIR": lambda: str(var / "uploads"),
        "STATIC_ROOT": lambda: str(var / "static"),
        "OUTBOUND_ALLOW": lambda: "",
    }
    for folder in ("audio", "uploads", "static", "beat"):
        (var / folder).mkdir(exist_ok=True)
    fixed = {"DEBUG": "0", "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONUNBUFFERED": "1", "VAR": str(var)}
    missing = {name: value() for name, value in usual.items() if not given(name)}
    outer = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in urls}
    return {**outer, **missing, **urls, **fixed}


def services(place: Place, env: Mapping[str, str]) -> list[Process]:
    """The processes of the service itself."""
    celery = [sys.executable, "-m", "celery", "-A", "config.celery"]
    worker = [*celery, "worker", "-P", "threads", "--without-gossip", "--without-mingle", "-l", "INFO"]
    schedule = str(place.var / "beat" / "schedule")
    streams = int(env.get("STREAMS_AT_ONCE") or "16")
    commands = {
        "worker": [*worker, "-Q", "submissions,chores", "-c", "8", "-n", "worker@%h"],
        # Four copies at once, one thread for links, and one for bells and heartbeats.
        "archiver": [*worker, "-Q", "recordings", "-c", "6", "-n", "archiver@%h"],
        # Most of the time they wait for the clock: audio goes out as fast as it was spoken.
        # Two threads more than streams, so that bells and heartbeats are heard.
        "streamer": [*worker, "-Q", "streams", "-c", str(2 + streams), "-n", "streamer@%h"],
        "processor": [*worker, "-Q", "callbacks", "-c", "3", "-n", "processor@%h"],
        # Eight send to subscribers, who may be slow; positions are given by the others.
        "messenger": [*worker, "-Q", "feed", "-c", "10", "-n", "messenger@%h"],
        "sweeper": [*worker, "-Q", "sweeps", "-c", "1", "-n", "sweeper@%h"],
        "beat": [*celery, "beat", "--schedule", schedule, "-l", "INFO"],
    }
    return [
        _server("web", "config.web:application", place.host, place.web_port, env["PUBLIC_URL"], env),
        door(place, env),
        *(_celery(name, command, place, env) for name, command in commands.items()),
    ]


def _celery(name: str, command: list[str], place: Place, env: Mapping[str, str]) -> Process:
    """Celery writes its pid file once its settings and modules are loaded, and refuses one that is there already."""
    mark = place.var / "run" / f"{name}.celery"
    forget = functools.partial(mark.unlink, missing_ok=True)
    command = [*command, "--pidfile", str(mark)]
    return Process(name, command, env=env, cwd=ROOT, prepare=forget, ready=mark.exists)


def door(place: Place, env: Mapping[str, str]) -> Process:
    """Two workers at one address: while one dies and is started again, the other answers."""
    counted = place.var / "run" / "door-metrics"
    env = {**env, "PROMETHEUS_MULTIPROC_DIR": str(counted)}
    server = _server("door", "config.door:application", place.host, place.door_port, env["DOOR_URL"], env, workers=2)
    return replace(server, prepare=functools.partial(_empty, counted))


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _server(
    name: str, application: str, host: str, port: int, url: str, env: Mapping[str, str], workers: int = 1
) -> Process:
    options = ["--interface", "asgi", "--host", host, "--port", str(port), "--workers", str(workers), "--no-ws"]
    # Only of HTTP/1 is the time for the first bytes limited; and those who say nothing must not be all it has room for.
    options += ["--http", "1", "--http1-header-read-timeout", "10000", "--backlog", "8192"]
    if workers > 1:  # one that is told to stop while it starts would never hear of it: it is killed then
        options += ["--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "8"]
    command = [sys.executable, "-m", "granian", *options, "--log-level", "warning", application]
    ready = answers(host, port, "/healthz", urlsplit(url).netloc)
    return Process(name, command, env=env, cwd=ROOT, ready=ready)


def answers(host: str, port: int, path: str, name: str = "") -> Callable[[], bool]:
    """Whether a GET there is answered with 200; `name` is what to call the host in the request."""

    def ask() -> bool:
        connection = http.client.HTTPConnection(reachable(host), port, timeout=2)
        try:
            connection.request("GET", path, headers={"Host": name or f"{host}:{port}"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def given(name: str) -> str:
    """What the operator's environment says, there or in the file that `<NAME>_FILE` points at; empty when nothing."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise Failed(f"{name}_FILE cannot be read: {error}") from None
    return os.environ.get(name, "")


def reachable(host: str) -> str:
    """An address that reaches a server listening on this one."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104


def last_error(text: str) -> str:
    """A traceback's last `Error: reason` line; a database's reason goes on for lines after it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reasons = [line for line in lines if re.match(r"[\w.]+: \S", line)]
    return (reasons or lines or ["it said nothing"])[-1][:300]


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Ends the program with a sentence instead of a traceback."""
    try:
        yield
    except Failed as error:
        sys.exit(f"listenpost: {error}")
    except OSError as error:
        sys.exit(f"listenpost: {error.strerror or error}: {error.filename or ''}")
    except Stopped as stopped:
        sys.exit(128 + stopped.number)


def run(command: Sequence[str]) -> int:
    """Runs a command with the servers beside it, as the database's owner; its exit code is ours."""
    with Installation(Place.from_environment()) as installation:
        installation.start_servers()
        installation.collect_static()
        urls = {"DATABASE_URL": installation.owner_url, "DATABASE_APP_URL": installation.env["DATABASE_URL"]}
        child = subprocess.Popen(command, env=installation.env | urls, cwd=ROOT)  # noqa: S603
        try:
            installation.supervisor.watch(until=lambda: child.poll() is not None)
        finally:
            _finish(child)
        return child.returncode


def _finish(child: subprocess.Popen[bytes]) -> None:
    """A Ctrl-C has reached it as well; it gets a moment to close by itself."""
    for end in (child.terminate, child.kill):
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(15)
            return
        end()
    child.wait()


def _port(name: str, default: int) -> int:
    text = given(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Failed(f"{name} must be a port between 1 and 65535, not {text!r}")
    return int(text)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _loopback_names(url: str) -> set[str]:
    return {"127.0.0.1", "localhost"} if urlsplit(url).hostname in ("127.0.0.1", "localhost") else set()


if __name__ == "__main__":
    with one_line():
        if sys.argv[1:2] != ["run"] or not sys.argv[2:]:
            raise Failed("usage: python -m config.installation run COMMAND ...")
        sys.exit(run(sys.argv[2:]))
