"""`/metrics`: who reads it, and that it is answered whatever else is down."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from config.installation import ROOT
from tests.factories import CallbackFactory

TOKEN = "a-token-of-twenty-and-more-letters"
COUNT = """
import sys
from config import metrics as exposed
from ingest import metrics
metrics.CALLBACKS.labels("nabla", "stored").inc(3)
metrics.BATCH_ROWS.observe(30)
metrics.WAITING_BYTES.set(100)
sys.stdout.buffer.write(exposed.exposition()[0])
"""


@pytest.fixture
def token(settings: Any) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def ask(authorization: str = f"Bearer {TOKEN}", path: str = "/metrics") -> Any:
    return Client(headers={"Authorization": authorization, "Host": "10.1.2.3:8000"}).get(path)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """By name and the labels' values, in the order of the labels' names."""
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in found}


def test_without_a_token_in_the_settings_there_is_no_such_address(db: None, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    for authorization in ("", "Bearer ", f"Bearer {TOKEN}"):
        known = Client(headers={"Authorization": authorization})
        answers = [known.get(path) for path in ("/metrics", "/nothing")]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert "WWW-Authenticate" not in answers[0]


@pytest.mark.parametrize("authorization", ["", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
def test_whoever_has_not_the_token_gets_401(token: str, authorization: str) -> None:
    answer = ask(authorization)
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_prometheus_reads_how_things_stand(token: str, transactional_db: None) -> None:
    row = CallbackFactory(state="junk")
    answer = ask()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    found = samples(answer.content.decode())
    assert found["listenpost_database_up",] == found["listenpost_broker_up",] == 1
    assert found["listenpost_resting_callbacks", "junk"] == 1
    assert found["listenpost_last_callback_timestamp_seconds", "nabla"] == pytest.approx(row.received_at.timestamp())
    assert found["listenpost_oldest_unprocessed_callback_age_seconds",] == 0
    queues = {key[1] for key in found if key[0] == "listenpost_queue_length"}
    assert queues == {"submissions", "streams", "callbacks", "sweeps", "recordings", "feed", "chores"}


@pytest.fixture(params=["refuses", "is silent"])
def nobody(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port that refuses, or that accepts and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "is silent":
            listener.listen(16)
        yield int(listener.getsockname()[1])


def test_with_the_database_down_it_says_so(token: str, nobody: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", nobody)
    found = samples(ask().content.decode())
    assert (found["listenpost_database_up",], found["listenpost_broker_up",]) == (0, 1)
    assert "listenpost_unprocessed_callbacks" not in {name for name, *_ in found}


def test_with_redis_down_it_says_so(token: str, nobody: int, settings: Any, db: None) -> None:
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{nobody}/0"
    found = samples(ask().content.decode())
    assert (found["listenpost_database_up",], found["listenpost_broker_up",]) == (1, 0)
    assert "listenpost_queue_length" not in {name for name, *_ in found}


def test_what_several_processes_counted_is_told_together(tmp_path: Path) -> None:
    """And what one that has died had at hand, no longer."""
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for number in (1, 2, 3):
        done = subprocess.run([sys.executable, "-c", COUNT], cwd=ROOT, env=env, capture_output=True, check=True)
        found = samples(done.stdout.decode())
        assert found["listenpost_callbacks_total", "stored", "nabla"] == 3 * number
        assert found["listenpost_batch_rows_bucket", "50.0"] == number
        assert found["listenpost_batch_rows_bucket", "20.0"] == 0
        assert found["listenpost_waiting_bytes",] == 100


def test_a_process_by_itself_tells_what_it_counted() -> None:
    env = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    done = subprocess.run([sys.executable, "-c", COUNT], cwd=ROOT, env=env, capture_output=True, check=True)
    found = samples(done.stdout.decode())
    assert found["listenpost_callbacks_total", "stored", "nabla"] == 3
    assert "process_resident_memory_bytes" in {name for name, *_ in found}


@pytest.mark.parametrize("bad", ["short", "with a space in the middle of it", "exactly:twenty:letters"])
def test_a_token_that_is_short_or_fits_no_header_ends_the_start(bad: str) -> None:
    env = os.environ | {"METRICS_TOKEN": bad}
    command = [sys.executable, "-c", "import config.settings"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "METRICS_TOKEN must be" in done.stderr
    assert bad not in done.stderr


def test_a_token_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    env = {name: value for name, value in os.environ.items() if name != "METRICS_TOKEN"}
    env |= {"METRICS_TOKEN_FILE": str(tmp_path / "token")}
    command = [sys.executable, "-c", "from config import settings; print(settings.METRICS_TOKEN)"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == f"{TOKEN}\n"
