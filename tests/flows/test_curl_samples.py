"""The curl samples of the OpenAPI description, in a shell, for a clinic whose rows have the examples' ids."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command

from config import examples
from config.embedded import APPLICATION
from tests.browser.web import serving
from tests.factories import (
    AudioFactory,
    ClinicFactory,
    DeliveryFactory,
    NoteFactory,
    RecordingFactory,
    SessionFactory,
    SubmissionFactory,
    TranscriptFactory,
    VendorAccountFactory,
)
from tests.flows.clinic import wav
from tests.flows.test_schemathesis import archived
from tests.rest.api import a_key
from tests.rest.described import operations


def the_clinic_of_the_examples() -> Any:
    clinic = ClinicFactory()
    for vendor in ("nabla", "suki"):
        VendorAccountFactory(clinic=clinic, vendor=vendor)
    session = SessionFactory(pk=examples.SESSION, clinic=clinic)
    audio = AudioFactory(pk=examples.AUDIO, session=session)
    asked = {"pk": examples.REQUEST, "session": session, "audio": audio, "failed": True}
    submission = SubmissionFactory(**{f"request__{name}": value for name, value in asked.items()})
    TranscriptFactory(pk=examples.TRANSCRIPT, request=submission.request)
    NoteFactory(pk=examples.NOTE, request=submission.request)
    archived(RecordingFactory(pk=examples.RECORDING, session=session), Path(urlsplit(os.environ["STORAGE_URL"]).path))
    DeliveryFactory(pk=examples.DELIVERY, endpoint__pk=examples.WEBHOOK, endpoint__clinic=clinic, state="delivered")
    return clinic


@pytest.fixture
def web(django_db_setup: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[str]:
    with django_db_blocker.unblock():
        call_command("grant_application", APPLICATION, stdout=io.StringIO())
        with serving(tmp_path, OUTBOUND_ALLOW="127.0.0.0/8") as url:
            yield url


def when(named: tuple[str, Any]) -> tuple[bool, int]:
    """What is closed or removed by its sample comes last, and what is below something before that."""
    name = named[0]
    return (True, -name.count("/")) if name.startswith(("PATCH", "DELETE")) else (False, 0)


def test_every_sample_succeeds_as_it_stands(web: str, tmp_path: Path) -> None:
    """But for an ETag, which nobody could know before, and for the address of a subscriber that is there."""
    env = os.environ | {"URL": web, "KEY": a_key(the_clinic_of_the_examples())}
    (tmp_path / "consultation.wav").write_bytes(wav(1))
    for name, operation in sorted(operations(), key=when):
        sample = operation["x-codeSamples"][0]["source"]
        sample = sample.replace(examples.ETAG, "*").replace("https://ehr.example/listenpost", f"{web}/")
        sample = sample.replace("curl ", "curl --silent --show-error --fail-with-body ", 1)
        found = subprocess.run(["bash", "-c", sample], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert found.returncode == 0, f"{name}\n{sample}\n{found.stdout}{found.stderr}"
        assert not found.stdout or json.loads(found.stdout), name
    assert (tmp_path / "recording.wav").read_bytes().startswith(b"RIFF")
