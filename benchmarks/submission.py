"""What sending a recording to Dragon Copilot costs: `scripts/bench submission [--json] [--plot]`.

A long recording goes to the sandbox, a process of its own, by each transport: through the adapter as an installation
has it; by the library underneath it alone; and, over REST, by curl. Nothing is asserted, but what is not at the sandbox
whole, byte for byte, is no measurement.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from hashlib import file_digest
from typing import Any
from uuid import UUID, uuid4

import requests

from benchmarks import place, senders
from benchmarks.processes import spent
from benchmarks.recordings import RATE, wav
from benchmarks.report import host, neighbours, table
from benchmarks.senders import Recording, Sandbox
from config.demo import DRAGON
from config.embedded import kept_port
from config.installation import ROOT, answers
from config.supervisor import Process

MB = 1_000_000
USER, LANGUAGE = "dr-bench", "en-US"
CURL = "REST: curl, one connection"
#: The adapter's ways, and the library alone that each is measured against.
ALONE = {
    "REST: the adapter": "REST: requests",
    "WebSocket: the adapter": "WebSocket: websockets",
    "gRPC: the adapter": "gRPC: grpcio",
}
COLUMNS = {
    "": "way",
    "MB/s": "mb_per_second",
    "of curl's": "of_curl",
    "of the library's": "of_library",
    "CPU ms a MB": "client_ms",
    "sandbox's": "sandbox_ms",
    "sandbox busy": "sandbox_busy",
}
#: Sends a recording under this name.
Send = Callable[[str], object]


@dataclass
class Measured:
    """All rounds of one way. `cpu`: seconds by process."""

    way: str
    seconds: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)

    def add(self, seconds: float, cpu: Mapping[str, float]) -> None:
        self.seconds.append(seconds)
        for name, used in cpu.items():
            self.cpu[name] = self.cpu.get(name, 0.0) + used

    def times(self, other: Measured) -> float:
        """How many times as fast as the other, the median of the rounds' own ratios."""
        return statistics.median(theirs / ours for ours, theirs in zip(self.seconds, other.seconds, strict=True))

    def row(self, found: Mapping[str, Measured], megabytes: float) -> dict[str, Any]:
        sent = megabytes * len(self.seconds)
        alone = ALONE.get(self.way)
        return {
            "way": self.way,
            "mb_per_second": megabytes / statistics.median(self.seconds),
            "of_curl": self.times(found[CURL]),
            "of_library": self.times(found[alone]) if alone else None,
            "client_ms": 1000 * self.cpu["clients"] / sent,
            "sandbox_ms": 1000 * self.cpu["sandbox"] / sent,
            "sandbox_busy": self.cpu["sandbox"] / sum(self.seconds),
            "cpu_seconds": self.cpu,
        }


# --- What is sent, and where
def recorded(megabytes: int) -> Recording:
    """In the storage, as an upload would be, and beside it cut for curl."""
    from django.core.files.storage import default_storage

    from ingest.models import Audio
    from ingest.sound import StoredSound
    from vendors.base import Speech
    from vendors.dragon.content import Content

    key, sound = "bench/submission", wav(megabytes)
    file, seconds = place.folder() / "audio" / key, (len(sound) - 44) / (2 * RATE)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(sound)
    if not default_storage.exists(key):
        raise RuntimeError(f"the storage is elsewhere than {file}")
    audio = Audio(storage_key=key, content_type="audio/wav", size=len(sound), duration_ms=round(1000 * seconds))
    made = Recording(Content(StoredSound(audio, Speech(LANGUAGE)), "stored"), file, file.parent / "pieces")
    made.cut()
    return made


def running(stack: ExitStack) -> tuple[Sandbox, int]:
    """The sandbox and its pid. It works on nothing that it was sent: that would be measured with the next."""
    where = place.folder() / "sandbox"
    port, grpc_port = (kept_port(where / "ports" / name) for name in ("sandbox", "grpc"))
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--dragon-grpc-port", str(grpc_port)]
    ready = answers(place.HOST, port, "/control/health")
    process = Process("sandbox", [*command, "--delay", "86400"], cwd=ROOT, ready=ready)
    pids = stack.enter_context(place.running(where, process))
    return Sandbox(f"http://{place.HOST}:{port}", f"{place.HOST}:{grpc_port}"), pids["sandbox"]


# --- How
def all_ways(recording: Recording, sandbox: Sandbox) -> dict[str, Send]:
    from vendors.dragon import wire
    from vendors.dragon.customer import Customer

    def alone(send: Callable[..., None], name: str, **options: int) -> None:
        send(recording, sandbox, wire.Asked(Customer.of(DRAGON, USER), name, LANGUAGE), **options)

    return {
        CURL: partial(alone, senders.by_curl, at_once=1),
        "REST: curl, four": partial(alone, senders.by_curl, at_once=4),
        "REST: requests": partial(alone, senders.by_requests),
        "REST: the adapter": partial(submitted, recording, sandbox, "rest"),
        "WebSocket: websockets": partial(alone, senders.by_websockets),
        "WebSocket: the adapter": partial(submitted, recording, sandbox, "websocket"),
        "gRPC: grpcio": partial(alone, senders.by_grpcio),
        "gRPC: the adapter": partial(submitted, recording, sandbox, "grpc"),
    }


def submitted(recording: Recording, sandbox: Sandbox, transport: str, name: str) -> None:
    """As a worker does it, but for the row that keeps how far it is, written twice a second."""
    from config.outbound import outbound
    from config.tokens import SharedTokens
    from tests.vendors.going import Noted
    from vendors import connect
    from vendors.base import NOTE, Account, Job, Wish

    base = f"{sandbox.url}/dragon"
    options = {"transport": transport, "partner_url": f"{base}/partner"}
    options["streaming_url"] = f"http://{sandbox.grpc}" if transport == "grpc" else base
    account = Account(base, {**DRAGON, "token_url": f"{sandbox.url}/issuer/token"}, options)
    sounds, wish = (recording.content.sound,), Wish((NOTE,), LANGUAGE)
    job = Job(UUID(name), name, wish, file_url="", callback_url="", clinician_ref=USER, sounds=sounds)
    connect("dragon", account, outbound(), SharedTokens()).submit(job, Noted())


# --- The rounds
def measured(ways: Mapping[str, Send], check: Callable[[str], None], pid: int, rounds: int) -> dict[str, Measured]:
    """Every way once a round; each round begins with another way."""
    found, order = {way: Measured(way) for way in ways}, list(ways)
    for number in range(rounds):
        for way in order[number % len(order) :] + order[: number % len(order)]:
            found[way].add(*timed(ways[way], check, {"sandbox": pid}))
            place.progress(f"round {number + 1}: {way}, {found[way].seconds[-1]:.2f} s")
    return found


def timed(send: Send, check: Callable[[str], None], pids: Mapping[str, int]) -> tuple[float, dict[str, float]]:
    """Seconds, and CPU seconds by process. What is left of the one before is written to the disk first."""
    os.sync()
    name, before, begun = str(uuid4()), spent(pids), time.perf_counter()
    send(name)
    took = time.perf_counter() - begun
    used = {process: after - before[process] for process, after in spent(pids).items()}
    check(name)
    return took, used


def checking(recording: Recording, sandbox: Sandbox) -> Callable[[str], None]:
    """Whether what came is the recording; it is forgotten then."""
    with recording.file.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()

    def check(name: str) -> None:
        session = requests.get(f"{sandbox.url}/control/dragon/sessions/{name}", timeout=60).json()
        (came,) = session["recordings"]
        if (came["sha256"], came["complete"], session["offences"]) != (digest, True, []):
            raise RuntimeError(f"not sent as it should be: {came}, {session['offences']}")
        requests.post(f"{sandbox.url}/control/reset", timeout=60).raise_for_status()

    return check


def run(options: argparse.Namespace) -> dict[str, Any]:
    os.environ |= {"OUTBOUND_ALLOW": "127.0.0.0/8", "STORAGE_URL": (place.folder() / "audio").as_uri()}
    import django

    django.setup()
    place.empty_broker()
    with ExitStack() as stack:
        sandbox, pid = running(stack)
        recording = recorded(options.megabytes)
        found = measured(all_ways(recording, sandbox), checking(recording, sandbox), pid, options.rounds)
    rows = [one.row(found, recording.content.size / MB) for one in found.values()]
    return {"machine": host(), "megabytes": options.megabytes, "rounds": options.rounds, "rows": rows}


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"a recording of {result['megabytes']} MB, medians of {result['rounds']} rounds"
    yield from table(COLUMNS, result["rows"])
    yield neighbours(result["rows"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench submission", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="One line of JSON in place of the table.")
    parser.add_argument("--plot", action="store_true", help="Draw docs/images/performance-submission.svg.")
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    result = run(options)
    print(json.dumps(result) if options.json else "\n".join(lines(result)))
    if options.plot:
        from benchmarks import plots

        plots.submission(result)


if __name__ == "__main__":
    main()
