from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from django.test import Client
from psycopg.sql import SQL, Identifier


@pytest.mark.parametrize("host", ["testserver", "10.1.2.3:8000", "any.example"])
def test_probes_are_answered_under_any_name(db: None, host: str) -> None:
    for path in ("/healthz", "/readyz"):
        response = Client(headers={"Host": host}).get(path)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_that_the_process_serves_is_said_without_the_database() -> None:
    assert Client().get("/healthz").status_code == 200


@pytest.fixture
def read_only(db: None) -> Iterator[None]:
    """New connections find a database that only reads, as a replica is; the one that says so may still write."""
    database = Identifier(connection.settings_dict["NAME"])
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as session:
        session.execute(SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(database))
        try:
            yield
        finally:
            session.execute(SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(database))


def test_a_database_that_only_reads_is_not_ready(read_only: None) -> None:
    response = Client().get("/readyz")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json() == {"status": "database read-only"}
    assert Client().get("/healthz").status_code == 200
