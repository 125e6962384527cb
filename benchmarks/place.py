"""Where a benchmark measures: a database of its own, and the web process on it. Run by config.installation."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config.embedded import kept_port
from config.installation import _server

HOST = "127.0.0.1"


@contextmanager
def own_database(name: str) -> Iterator[str]:
    """Migrated, granted to the application and gone afterwards. Sets Django up on it as its owner; gives the
    application's URL."""
    owner, application = os.environ["DATABASE_URL"], os.environ["DATABASE_APP_URL"]
    database = sql.Identifier(name)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        try:
            _set_up(_named(owner, name), str(urlsplit(application).username))
            yield _named(application, name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _set_up(url: str, role: str) -> None:
    os.environ |= {"DATABASE_URL": url, "STATEMENT_SECONDS": "0"}
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("grant_application", role)


@contextmanager
def web(application: str, database_url: str, folder: Path) -> Iterator[str]:
    """One web process, as an installation runs it, with limits that nobody reaches; gives its URL."""
    port = kept_port(folder / "port")
    url = f"http://{HOST}:{port}"
    no_limits = dict.fromkeys(["RATE_PER_KEY", "RATE_PER_ADDRESS"], "1000000000/minute")
    own = {"DATABASE_URL": database_url, "PUBLIC_URL": url, "STATEMENT_SECONDS": "30", "LOG_LEVEL": "WARNING"}
    process = _server("web", application, HOST, port, url, os.environ | own | no_limits)
    running = subprocess.Popen(process.command, env=process.env, cwd=process.cwd)  # noqa: S603
    try:
        _await(process.ready, running)
        yield url
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:  # nothing of it is needed any more
            running.kill()
            running.wait()


def _await(ready: object, running: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not (callable(ready) and ready()):
        if running.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the web process does not answer")
        time.sleep(0.1)
