"""Prometheus and cron look at the running service from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from config.installation import ROOT
from ingest.models import Callback
from tests.flows.clinic import Clinic, eventually
from tests.flows.conftest import Stack

pytestmark = pytest.mark.usefixtures("rows")
QUEUES = {"submissions", "streams", "callbacks", "sweeps", "recordings", "feed", "chores"}


def scrape(stack: Stack) -> dict[tuple[str, ...], float]:
    headers = {"Authorization": f"Bearer {stack.env['METRICS_TOKEN']}"}
    answer = requests.get(f"{stack.env['PUBLIC_URL']}/metrics", headers=headers, timeout=10)
    assert answer.status_code == 200
    found = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in found}


def heartbeats(stack: Stack) -> dict[str, float]:
    name = "listenpost_queue_heartbeat_timestamp_seconds"
    return {key[1]: value for key, value in scrape(stack).items() if key[0] == name}


def alerts(stack: Stack, *options: str) -> Any:
    command = [sys.executable, "manage.py", "alert", *options]
    return subprocess.run(command, cwd=ROOT, env=stack.env, capture_output=True, text=True, check=False, timeout=60)


def test_every_queue_is_served_and_the_last_callback_is_known(stack: Stack, clinic: Clinic) -> None:
    begun = time.time()
    clinic.ready(clinic.consult())
    found = scrape(stack)
    assert found["listenpost_database_up",] == found["listenpost_broker_up",] == 1
    last = Callback.objects.latest("received_at").received_at.timestamp()
    assert found["listenpost_last_callback_timestamp_seconds", "nabla"] == pytest.approx(last, abs=0.001)
    eventually(lambda: {queue for queue, at in heartbeats(stack).items() if at > begun} == QUEUES)


def test_a_queue_whose_worker_stands_still_is_seen_until_it_goes_on(stack: Stack) -> None:
    eventually(lambda: heartbeats(stack).keys() == QUEUES)
    processor, said = stack.pids["processor"], "from the queue callbacks for"
    os.kill(processor, signal.SIGSTOP)
    try:
        late = eventually(lambda: said in (now := alerts(stack, "--heartbeat-seconds", "25")).stdout and now, within=60)
        assert (late.returncode, late.stdout.count("\n"), late.stderr) == (1, 1, "")
        assert "from the queue sweeps" not in late.stdout
    finally:
        os.kill(processor, signal.SIGCONT)
    eventually(lambda: said not in alerts(stack, "--heartbeat-seconds", "25").stdout)


def test_without_the_token_nothing_is_told(stack: Stack) -> None:
    answer = requests.get(f"{stack.env['PUBLIC_URL']}/metrics", timeout=10)
    assert (answer.status_code, answer.text) == (401, "")
