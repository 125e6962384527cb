"""Every secret may come from a file, as container platforms hand them over: `<NAME>_FILE` names it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.installation import ROOT

#: The setting, and what of django.conf.settings shows that it was read.
SECRETS = {
    "SECRET_KEY": "SECRET_KEY",
    "TICKET_KEYS": "TICKET_KEYS[7]",
    "CREDENTIAL_KEYS": "CREDENTIAL_KEYS[0]",
    "DATABASE_URL": "DATABASES['default']['PASSWORD']",
    "REDIS_URL": "CELERY_BROKER_URL",
    "STORAGE_URL": "STORAGES['default']['OPTIONS']['secret_key']",
    "OUTBOUND_PROXY": "OUTBOUND_PROXY",
}
CONTENTS = {
    "SECRET_KEY": "{}-of-fifty-characters-and-more-than-that-even",
    "TICKET_KEYS": "7:{}-of-thirty-two-characters-and-more",
    "DATABASE_URL": "postgresql://listenpost:{}@127.0.0.1:1/listenpost",
    "REDIS_URL": "redis://:{}@127.0.0.1:1/0",
    "STORAGE_URL": "s3://bucket/audio?access_key=a&secret_key={}",
    "OUTBOUND_PROXY": "http://user:{}@proxy.example:3128",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_read_from_its_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(CONTENTS.get(name, "{}").format("from-a-file"))
    env = {key: value for key, value in os.environ.items() if key != name} | {f"{name}_FILE": str(file)}
    show = f"from config import settings; print(settings.{SECRETS[name]})"
    done = subprocess.run([sys.executable, "-c", show], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    # The proxy's password is in no text that the proxy gives of itself.
    assert ("from-a-file" in done.stdout) is (name != "OUTBOUND_PROXY"), done.stderr
    assert ("proxy.example" in done.stdout) is (name == "OUTBOUND_PROXY")


def test_no_secret_of_the_settings_was_forgotten_here() -> None:
    """Whatever docs/operations.md says is required, and may hold a secret."""
    rows = re.findall(r"^\| (`[^|]+`) \|.*\| required \|$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    required = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert required - {"PUBLIC_URL", "DOOR_URL"} == SECRETS.keys() - {"OUTBOUND_PROXY"}
