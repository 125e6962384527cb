"""What a log line holds, and what it never does."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from django.db import DataError, connection

from config.celery import app
from config.logging import JsonFormatter

CANARY = "marmalade"


@pytest.fixture
def lines() -> Any:
    """What the service's formatter makes of the log."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


@pytest.mark.django_db
def test_an_exceptions_text_is_left_out_and_its_frames_are_kept(lines: Any) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [CANARY])
    except DataError:
        logging.getLogger("ingest").exception("it broke")
    (entry,) = lines()
    assert CANARY not in json.dumps(entry)
    assert "test_logging.py" in entry["exception"]
    assert entry["exception"].endswith("DataError")


def test_a_task_that_fails_is_logged_by_its_name_alone(lines: Any) -> None:
    @app.task(name="tests.fails")
    def fails(argument: str) -> None:
        raise ValueError(argument)

    fails.apply(args=(CANARY,))
    app.tasks.unregister("tests.fails")
    assert [entry["message"] for entry in lines()] == ["task tests.fails failed"]
    assert CANARY not in json.dumps(lines())
