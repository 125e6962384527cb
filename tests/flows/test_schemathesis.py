"""Whatever is asked of REST, as its OpenAPI description allows or does not: what is answered is what is described.

Schemathesis asks, with every check that it has: for what the description's examples say, for the edges of each schema,
at random, and for what was answered before.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command

from access.models import Clinic
from config.embedded import APPLICATION
from config.headers import HEADERS
from config.installation import ROOT, answers
from config.supervisor import Process
from recordings.models import Recording, RecordingPart
from tests.admin.rows import consultation
from tests.browser.web import running, serving
from tests.factories import ClinicFactory, SessionFactory, SubmissionFactory
from tests.faults.fuzzing import unforeseen
from tests.flows.clinic import wav
from tests.flows.conftest import free_port
from tests.flows.test_suki import CREDENTIALS
from tests.rest.api import a_key
from tests.rest.described import looked_up, operations

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
#: Resources by the word in their address, and the row of a consultation that each shows.
SHOWN = {
    "sessions": "ingest_session",
    "requests": "ingest_asyncrequest",
    "transcripts": "notes_transcript",
    "notes": "notes_note",
    "recordings": "recordings_recording",
    "webhooks": "feed_endpoint",
    "deliveries": "feed_delivery",
}
OURS = {name.lower() for name in HEADERS}
#: By what was asked, and how it stands: no request says so.
SOMETIMES = {"idempotency-replayed", "retry-after", "ratelimit", "ratelimit-policy"}
#: Nobody is limited, or 429 would soon be all that is answered.
UNLIMITED = dict.fromkeys(("RATE_PER_KEY", "RATE_PER_ADDRESS", "RATE_REFUSED"), "none")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    """The vendors' address."""
    port, grpc_port = free_port(), free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--dragon-grpc-port", str(grpc_port)]
    ready = answers("127.0.0.1", port, "/control/health")
    with running(Process("sandbox", command, env=dict(os.environ), cwd=ROOT, ready=ready), tmp_path / "sandbox.log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def web(django_db_setup: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[str]:
    """The address of a web process that this test has for itself."""
    with django_db_blocker.unblock():
        call_command("grant_application", APPLICATION, stdout=io.StringIO())
        with serving(tmp_path, OUTBOUND_ALLOW="127.0.0.0/8", **UNLIMITED) as url:
            yield url


def archived(recording: Recording, storage: Path) -> None:
    """A copy of it is in the storage."""
    content, key = wav(1), f"recordings/{recording.pk}"
    (storage / key).parent.mkdir(parents=True, exist_ok=True)
    (storage / key).write_bytes(content)
    facts = {"storage_key": key, "size": len(content), "pcm_start": 44, "pcm_size": len(content) - 44}
    part = {"number": 1, "vendor_ref": "1", "state": "archived", "header_holds": True}
    RecordingPart.objects.create(clinic=recording.clinic, recording=recording, **part, **facts)
    Recording.objects.filter(pk=recording.pk).update(state="archived", part_count=1)


def some_rows(clinic: Clinic, storage: Path, sandbox: str) -> dict[str, list[str]]:
    """The ids of what is there to be asked for, by resource."""
    suki = ("connect_vendor", clinic.slug, "suki", "--base-url", f"{sandbox}/suki")
    call_command(*suki, "--credentials", json.dumps(CREDENTIALS), stdout=io.StringIO(), stderr=io.StringIO())
    made = [consultation(clinic) for _ in range(3)]
    for one in made:
        archived(one["recordings_recording"], storage)
    ids = {word: [str(one[name].pk) for one in made] for word, name in SHOWN.items()}
    ids["sessions"].append(str(SessionFactory(clinic=clinic).pk))
    failed = [SubmissionFactory(request__session=made[0]["ingest_session"], request__failed=True) for _ in range(3)]
    ids["requests"] += [str(submission.request_id) for submission in failed]
    # A delivery is found at its own webhook alone, and as long as that is not removed.
    kept, *removed = ids["webhooks"]
    return ids | {"webhooks": [kept], "deliveries": ids["deliveries"][:1], "removed": removed}


def write_configuration(folder: Path, ids: dict[str, list[str]], keys: dict[str, str]) -> None:
    users = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {key}"}]}
        for name, key in keys.items()
    ]
    (folder / "users.json").write_text(json.dumps({"auth": users}))
    dictionaries = [f"{word} = {{ values = {json.dumps(values)} }}" for word, values in ids.items()]
    text = "\n".join([CONFIGURATION.read_text(), "[dictionaries]", *dictionaries])
    (folder / "schemathesis.toml").write_text(text)


def asked(url: str, folder: Path, known: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/schema", "--no-color", *options]
    env = os.environ | {"SCHEMATHESIS_HOOKS": "tests.flows.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    env |= {"SERVICE": url, "ANSWERED": str(folder / "answered")} | known
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, errors="replace")


@dataclass
class Answered:
    """What was answered: (operation, status) -> the names of the headers that came with it."""

    headers: dict[tuple[str, str], set[str]]

    @classmethod
    def read(cls, file: Path) -> Answered:
        headers: dict[tuple[str, str], set[str]] = {}
        for line in file.read_text().splitlines():
            name, status, given = line.split("\t")
            headers.setdefault((name, status), set()).update(given.lower().split(","))
        return cls(headers)

    def unsuccessful(self) -> set[str]:
        """Operations of which nothing that was asked succeeded: of those little was tried."""
        return {name for name, _ in operations()} - {name for name, status in self.headers if status.startswith("2")}

    def differing(self) -> dict[tuple[str, str], set[str]]:
        """Headers of ours that are given and not described, or described and never given."""
        found = {}
        for name, operation in operations():
            for status, response in operation["responses"].items():
                if given := self.headers.get((name, status)):
                    described = {header.lower() for header in looked_up(response)["headers"]}
                    found[name, status] = (given & OURS ^ described) - SOMETIMES
        return {where: names for where, names in found.items() if names}


def test_rest_is_as_it_is_described(web: str, sandbox: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    clinic, storage = ClinicFactory(), Path(urlsplit(os.environ["STORAGE_URL"]).path)
    keys, ids = {"owner": a_key(clinic), "stranger": a_key(ClinicFactory())}, some_rows(clinic, storage, sandbox)
    write_configuration(tmp_path, ids, keys)
    known = {word[:-1].upper(): values[0] for word, values in ids.items()}
    known |= {"KEY": keys["owner"], "DELIVERY": ids["deliveries"][0], "SUBSCRIBER": f"{web}/"}
    most = "200" if pytestconfig.getoption("--soak") else "10"
    seed = str(pytestconfig.getoption("--seed") or 1)
    found = asked(web, tmp_path, known, "--max-examples", most, "--seed", seed)
    assert found.returncode == 0, found.stdout[-20000:] + found.stderr[-2000:]
    answered = Answered.read(tmp_path / "answered")
    assert answered.unsuccessful() == set()
    assert answered.differing() == {}
    assert unforeseen((tmp_path / "web.log").read_text()) == []
