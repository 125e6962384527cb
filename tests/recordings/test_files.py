"""Stored files, sent to those who leave early and read from a storage elsewhere."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory

from config import files
from config.installation import ROOT
from tests.recordings.conftest import Bucket

START = {"type": "http.response.start", "status": 200, "headers": []}


def test_what_nobody_waits_for_any_more_is_read_no_further() -> None:
    read: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            read.append(number)
            yield b"chunk"

    async def run() -> list[Any]:
        sent, leaves = list[Any](), asyncio.Event()

        async def receive() -> Any:
            await leaves.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 10:
                leaves.set()

        await files.deliver(receive, send, START, chunks())
        return sent

    sent = asyncio.run(run())
    assert len(read) < 20
    assert sent[0] == START


@pytest.mark.usefixtures("s3")
def test_of_a_storage_elsewhere_only_the_range_is_fetched() -> None:
    request = RequestFactory().get("/", headers={"Range": "bytes=300-499"})
    answer = files.respond(request, "audio/key", "audio/wav", len(Bucket.content), "abc")
    assert (answer.status_code, answer.getvalue()) == (206, Bucket.content[300:500])
    assert Bucket.asked == [("HEAD", "/bucket/kept/audio/key", ""), ("GET", "/bucket/kept/audio/key", "bytes=300-499")]


@pytest.mark.usefixtures("s3")
def test_what_is_not_in_a_storage_elsewhere_is_missing() -> None:
    with pytest.raises(files.Missing):
        files.respond(RequestFactory().get("/"), "audio/other", "audio/wav", 10, "abc")


KEEP = """
import os
import django
from pathlib import Path
django.setup()
from config import files
os.umask(0o077)
copy = Path("copy")
copy.write_bytes(b"sound")
with copy.open("r+b") as file:
    files.keep("recordings/clinic/key", copy, file)
"""


@pytest.mark.parametrize(
    ("redirect", "of_folders", "of_files"), [("", 0o700, 0o600), ("x-accel:/internal/", 0o750, 0o640)]
)
def test_the_servers_group_may_read_copies_where_it_sends_them(
    tmp_path: Path, redirect: str, of_folders: int, of_files: int
) -> None:
    where = tmp_path / "audio"
    env = os.environ | {"PLAYBACK_REDIRECT": redirect, "STORAGE_URL": where.as_uri(), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", KEEP], cwd=tmp_path, env=env, check=True)
    kept = [where, *where.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept if path.is_dir()} == {of_folders}
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept if path.is_file()] == [of_files]
