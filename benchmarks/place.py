"""Where a benchmark measures: a database of its own, and the service's processes on it. Run by config.installation."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from django.db import connections
from psycopg import sql

from benchmarks.processes import servers
from config.embedded import kept_port
from config.installation import ROOT, Place, _server, answers, services
from config.supervisor import Process, Supervisor

HOST = "127.0.0.1"
PLAIN_SETTINGS = "benchmarks.plain.settings"


def folder() -> Path:
    return Path(os.environ["VAR"]) / "bench"


def progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def own_database(name: str, *, keep: bool = False) -> Iterator[str]:
    """Migrated, granted to the application and gone afterwards. Sets Django up on it as its owner; gives the
    application's URL. `keep`: it stays, with its rows, and one that is there is taken."""
    owner, application = os.environ["DATABASE_URL"], os.environ["DATABASE_APP_URL"]
    with psycopg.connect(owner, autocommit=True) as connection, _database(connection, name, keep=keep):
        _set_up(_named(owner, name), str(urlsplit(application).username))
        try:
            yield _named(application, name)
        finally:
            connections.close_all()


@contextmanager
def copy_of(url: str, name: str, *, keep: bool = False) -> Iterator[str]:
    """A copy of the database that nobody is connected to, as it is now; gives its URL for the same role."""
    owner, like = os.environ["DATABASE_URL"], urlsplit(url).path.removeprefix("/")
    connections.close_all()
    with (
        psycopg.connect(_named(owner, "postgres"), autocommit=True) as connection,
        _database(connection, name, keep=keep, like=like),
    ):
        if keep:  # it may be of an earlier run
            managed(_named(owner, name), "migrate", "--noinput")
            managed(_named(owner, name), "grant_application", str(urlsplit(url).username))
        yield _named(url, name)


def managed(url: str, *arguments: str) -> str:
    """Runs a command of manage.py on a database, and gives what it printed."""
    command = [sys.executable, "manage.py", *arguments]
    env = os.environ | {"DATABASE_URL": url}
    done = subprocess.run(command, env=env, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return done.stdout.strip()


@contextmanager
def _database(connection: psycopg.Connection, name: str, *, keep: bool, like: str = "template1") -> Iterator[None]:
    database = sql.Identifier(name)
    if not keep:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
    if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(database, sql.Identifier(like)))
    try:
        yield
    finally:
        if not keep:  # without force, which PostgreSQL 15 refuses to owners while an autovacuum is at work there
            connection.execute(sql.SQL("DROP DATABASE {}").format(database))


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _set_up(url: str, role: str) -> None:
    os.environ |= {"DATABASE_URL": url, "STATEMENT_SECONDS": "0"}
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("grant_application", role, stdout=io.StringIO())


@contextmanager
def running(where: Path, *processes: Process) -> Iterator[dict[str, int]]:
    """Starts them as an installation does, their logs under `where`; gives their pids."""
    where.mkdir(parents=True, exist_ok=True)
    with Supervisor(where, say=progress) as supervisor:
        supervisor.start(*processes)
        yield supervisor.pids


def empty_broker() -> None:
    """Bells that nobody has heard would keep the processors busy. Only a broker that was started for us."""
    if "valkey" in servers():
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as broker:
            broker.flushdb()


def service(database_url: str, where: Path) -> tuple[dict[str, Process], str]:
    """The service's own processes by name, as an installation runs them, on a database; and the door's URL."""
    for folder in ("beat", "run"):
        (where / folder).mkdir(parents=True, exist_ok=True)
    place = Place(where, HOST, kept_port(where / "ports" / "web"), kept_port(where / "ports" / "door"))
    own = {"DATABASE_URL": database_url, "STATEMENT_SECONDS": "30", "VAR": str(where)}
    own |= {"PUBLIC_URL": f"http://{HOST}:{place.web_port}", "DOOR_URL": f"http://{HOST}:{place.door_port}"}
    return {process.name: process for process in services(place, os.environ | own)}, own["DOOR_URL"]


@contextmanager
def web(application: str, database_url: str, where: Path) -> Iterator[str]:
    """One web process, as an installation runs it, with limits that nobody reaches; gives its URL."""
    port = kept_port(where / "ports" / "web")
    url = f"http://{HOST}:{port}"
    no_limits = dict.fromkeys(["RATE_PER_KEY", "RATE_PER_ADDRESS"], "1000000000/minute")
    own = {"DATABASE_URL": database_url, "PUBLIC_URL": url, "STATEMENT_SECONDS": "30", "LOG_LEVEL": "WARNING"}
    with running(where, _server("web", application, HOST, port, url, os.environ | own | no_limits)):
        yield url


@contextmanager
def plain(where: Path, workers: int) -> Iterator[tuple[dict[str, int], str]]:
    """The plain DRF view, under WSGI with as many threads as a web process has; gives its pids and its URL.

    As the owner of the database that DATABASE_URL names, where its tables are made.
    """
    from django.conf import settings

    port = kept_port(where / "ports" / "plain")
    env = os.environ | {"DJANGO_SETTINGS_MODULE": PLAIN_SETTINGS}
    make = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    subprocess.run(make, env=env, cwd=ROOT, check=True)  # noqa: S603
    options = ["--interface", "wsgi", "--host", HOST, "--port", str(port), "--no-ws", "--log-level", "warning"]
    options += ["--workers", str(workers), "--blocking-threads", str(settings.WEB_THREADS)]
    command = [sys.executable, "-m", "granian", *options, "benchmarks.plain.wsgi:application"]
    ready = answers(HOST, port, "/healthz")
    with running(where, Process("plain", command, env=env, cwd=ROOT, ready=ready)) as pids:
        yield pids, f"http://{HOST}:{port}"
