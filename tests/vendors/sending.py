"""A worker that sends one file to Dragon Copilot, in a process of its own, so that it can be measured and killed.

`python -m tests.vendors.sending TRANSPORT FILE PLACES URL STREAMING_URL JOB` writes each place that it is told to the
file PLACES, begins at what stands there, and prints by how many bytes its memory grew at most. So does
`python -m tests.ingest.sending`, of a file as it was uploaded.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

from tests.vendors.going import Noted, OwnTokens
from tests.vendors.guard import LOOPBACK
from vendors import connect
from vendors.base import Account, Job, Sound, Speech, Wish
from vendors.outbound import Outbound

#: Whom the sandbox knows.
CREDENTIALS = {
    "partner_id": "5a9db0c5-0001-4000-8000-000000000001",
    "customer_id": "5a9db0c5-0002-4000-8000-000000000002",
    "product_id": "5a9db0c5-0003-4000-8000-000000000003",
    "client_id": "sandbox-partner",
    "client_secret": "sandbox-partner-secret",
    "access_token": "the-subscriptions-secret",
}
PIECE = 256 * 1024


class File:
    """The Sound of vendors.base, of a WAV file that is sent as it is."""

    content_type = "audio/wav"

    def __init__(self, path: Path) -> None:
        self.path, self.size = path, path.stat().st_size
        self.speech = Speech("en-US")
        self.duration_ms = 1000 * self.size // self.speech.bytes_per_second

    def stored(self, start: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(start)
            while piece := file.read(PIECE):
                yield piece

    def frames(self, start_ms: int) -> Iterator[bytes]:
        raise NotImplementedError("the vendor takes it as it was stored")


class Written(Noted):
    """The Progress of vendors.base, in a file that outlives whoever writes it."""

    def __init__(self, path: Path) -> None:
        super().__init__(place=json.loads(path.read_text()) if path.exists() else {})
        self.path = path

    def reached(self, place: Mapping[str, int], until_ms: int) -> None:
        super().reached(place, until_ms)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(dict(place)))
        fresh.rename(self.path)


def most_memory() -> int:
    """What this process ever had in memory, in bytes. `ru_maxrss` would also count whoever started it."""
    told = Path("/proc/self/status").read_text()
    return 1024 * int(told.partition("VmHWM:")[2].split()[0])


def send(sound: Sound, transport: str, places: str, url: str, streaming_url: str, name: str) -> None:
    options = {"transport": transport, "partner_url": f"{url}/dragon/partner", "streaming_url": streaming_url}
    account = Account(f"{url}/dragon", {**CREDENTIALS, "token_url": f"{url}/issuer/token"}, options)
    vendor = connect("dragon", account, Outbound(LOOPBACK), OwnTokens())
    wish = Wish(("note",), "en-US")
    job = Job(UUID(name), name, wish, file_url="", callback_url="", clinician_ref="dr-1", sounds=(sound,))
    progress, before = Written(Path(places)), most_memory()
    vendor.submit(job, progress)
    sys.stdout.write(json.dumps({"grew": most_memory() - before}))


if __name__ == "__main__":
    transport, file, *where = sys.argv[1:]
    send(File(Path(file)), transport, *where)
