"""docs/api.md does what it says: all of its examples, in their order, against the running service."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from config.installation import ROOT
from tests.docs.page import steps
from tests.docs.reader import Reader
from tests.flows.clinic import Sandbox
from tests.flows.conftest import Stack, free_port

SUKI = {
    "partner_id": "sandbox-partner",
    "partner_token": "sandbox-partner-token",
    "provider_id": "dr-demo",
    "provider_org_id": "demo-clinic",
    "provider_specialty": "FAMILY_MEDICINE",
    "webhook_secrets": ["sandbox-suki-webhook-secret"],
}
MANAGE = '#!/bin/sh\nexport DATABASE_URL="$DATABASE_OWNER_URL"\nexec {python} {root}/manage.py "$@"\n'


@pytest.fixture
def demo(stack: Stack, sandbox: Sandbox, django_db_blocker: Any) -> None:
    """The clinic that scripts/demo makes."""
    with django_db_blocker.unblock():
        run("create_clinic", "demo", "--name", "Demo clinic")
        nabla = ("--base-url", f"{sandbox.url}/nabla/v1/copilot-api/server")
        run("connect_vendor", "demo", "nabla", *nabla, "--credentials", '{"server_key": "sandbox-nabla-key"}')
        suki = ("--base-url", f"{sandbox.url}/suki", "--pace", "fast")
        run("connect_vendor", "demo", "suki", *suki, "--credentials", json.dumps(SUKI))


def run(*command: str) -> None:
    call_command(*command, stdout=io.StringIO(), stderr=io.StringIO())


@pytest.fixture
def reader(stack: Stack, demo: None, tmp_path: Path) -> Iterator[Reader]:
    """Stands where this repository is, as far as the page needs it."""
    (tmp_path / "sandbox").symlink_to(ROOT / "sandbox")
    commands = tmp_path / "bin"
    commands.mkdir()
    manage = commands / "manage.py"
    manage.write_text(MANAGE.format(python=shlex.quote(sys.executable), root=shlex.quote(str(ROOT))))
    manage.chmod(0o755)
    env: dict[str, str] = json.loads((stack.folder / "env.json").read_text())
    path = f"{commands}:{Path(sys.executable).parent}:{env['PATH']}"
    known = {"URL": stack.env["PUBLIC_URL"], "RECEIVER": f"http://127.0.0.1:{free_port()}/"}
    reader = Reader(tmp_path, env | {"PATH": path}, known)
    yield reader
    reader.stop()


def test_every_example_does_what_the_page_says(reader: Reader) -> None:
    assert shutil.which("curl"), "the page's examples need curl: sudo apt install curl"
    for step in steps(ROOT / "docs" / "api.md"):
        reader.do(step)
