from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.parametrize("host", ["testserver", "10.1.2.3:8000", "any.example"])
def test_probes_are_answered_under_any_name(db: None, host: str) -> None:
    for path in ("/healthz", "/readyz"):
        response = Client(headers={"Host": host}).get(path)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_that_the_process_serves_is_said_without_the_database() -> None:
    assert Client().get("/healthz").status_code == 200
