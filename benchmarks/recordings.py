"""Recordings: copied, played and asked for, each beside what could be had at best: `scripts/bench recordings [--json]`.

- a copy of one, against `curl` to a file from the same server, and against curl, sha256sum and a sync after it
- ranges of one, out of one part and out of several, and by a link of ours, from a web process as an installation runs
  it, against a plain static server that sends the same ranges of a file
- fresh links, against the limit of the account's bucket

Nothing is asserted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchmarks import place
from benchmarks.load import drive, head, milliseconds
from benchmarks.report import machine, table
from config.embedded import kept_port
from config.installation import ROOT, answers
from config.supervisor import Process

if TYPE_CHECKING:
    from vendors.base import Vendor

RATE, SEED = 16_000, 6
RANGE = 64 * 1024
CLIENTS, WORKERS = 32, 6
WARMING_SECONDS = 1.0
COPIES = {"": "way", "MB/s": "mb_per_second", "of curl's": "share"}
RANGES = {"": "way", "ranges/s": "per_second", "p50 ms": "p50_ms", "p99": "p99_ms", "of the plain server's": "share"}
LINKS = {"limit, a second": "limit", "refreshed": "count", "a second": "per_second", "of the limit": "share"}


def wav(megabytes: int) -> bytes:
    """Sound of this size, no two stretches alike."""
    chance = random.Random(SEED)  # noqa: S311
    pcm = b"".join(chance.randbytes(1_000_000) for _ in range(megabytes))
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + len(pcm)) + b"WAVE" + form + b"data" + struct.pack("<I", len(pcm)) + pcm


class Store:
    """The vendor: a static server, and links to its files."""

    def __init__(self, stack: ExitStack, where: Path) -> None:
        self.files, port = where / "files", kept_port(where / "ports" / "static")
        self.files.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "benchmarks.static", str(self.files), str(port)]
        (self.files / "ready").write_bytes(b"1")
        ready = answers(place.HOST, port, "/ready")
        stack.enter_context(place.running(where / "static", Process("static", command, cwd=ROOT, ready=ready)))
        self.url = f"http://{place.HOST}:{port}"

    def keeps(self, *names: str) -> None:
        """From now on every recording has these files for its parts."""
        from django.utils import timezone

        import vendors
        from vendors.base import Held, Link, RecordingLinks, Vendor

        url = self.url

        class Keeping(Vendor):
            name, title = "suki", "A vendor beside us"
            keeps_recordings, recordings_kept = frozenset({"ambient"}), timedelta(days=7)

            def __init__(self, *_: Any) -> None:
                pass

            def recordings(self, held: Held, *, download: bool) -> RecordingLinks:
                ends = timezone.now() + timedelta(hours=1)
                return RecordingLinks(tuple(Link(name, f"{url}/{name}", ends, n) for n, name in enumerate(names)), True)

        vendors.VENDORS["suki"] = cast("type[Vendor]", Keeping)


# --- Copies
def copies(store: Store, megabytes: int, rounds: int) -> list[dict[str, Any]]:
    store.keeps("large")
    (store.files / "large").write_bytes(wav(megabytes))
    ways = {
        "curl to a file": lambda: shell(f"curl -s -o copy {store.url}/large"),
        "curl, sha256sum, sync": lambda: shell(f"curl -s -o copy {store.url}/large && sha256sum copy && sync copy"),
        "a copy here": archived,
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        order = list(ways)
        for name in order[number % 3 :] + order[: number % 3]:
            took[name].append(ways[name]())
    curl = took["curl to a file"]
    return [
        {
            "way": name,
            "mb_per_second": megabytes / statistics.median(times),
            "share": statistics.median(theirs / ours for ours, theirs in zip(times, curl, strict=True)),
        }
        for name, times in took.items()
    ]


def shell(command: str) -> float:
    begun = time.perf_counter()
    folder = place.folder() / "copies"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["bash", "-c", command], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607
    return time.perf_counter() - begun


def archived() -> float:
    from django.core.files.storage import default_storage

    from recordings import archive

    recording = a_recording()
    begun = time.perf_counter()
    archive.archive_due()
    took = time.perf_counter() - begun
    recording.refresh_from_db()
    if recording.state != "archived":
        raise RuntimeError(f"not copied: {recording.error_code}")
    default_storage.delete(recording.parts.get().storage_key)
    return took


def a_recording() -> Any:
    from django.utils import timezone

    from access.models import Clinic
    from tests.factories import ClinicFactory, RecordingFactory

    clinic = Clinic.objects.filter(slug="bench").first() or ClinicFactory(slug="bench")
    fast = {"recordings_per_second": 1000}
    now = timezone.now()
    return RecordingFactory(
        session__clinic=clinic, account__options=fast, next_attempt_at=now, available_until=now + timedelta(days=7)
    )


# --- Ranges
def ranges(store: Store, stack: ExitStack, database: str, seconds: float, rounds: int) -> list[dict[str, Any]]:
    from tests.rest.api import a_key

    (store.files / "minutes").write_bytes(wav(30))
    parts = {"of one part": ["minutes"], "of three parts": ["first", "second", "third"]}
    for name in parts["of three parts"]:
        (store.files / name).write_bytes(wav(10))
    made = {}
    for name, files in parts.items():
        store.keeps(*files)
        made[name] = a_recording()
        archived_all()
    web = stack.enter_context(place.web("config.web:application", database, place.folder() / "web"))
    key = {"Authorization": f"Bearer {a_key(made['of one part'].clinic)}"}
    ways: dict[str, tuple[str, str, dict[str, str]]] = {"the plain static server": (store.url, "/minutes", {})} | {
        f"a recording {name}": (web, f"/api/v1/recordings/{one.pk}/audio", key) for name, one in made.items()
    }
    ways["a link of ours"] = (web, linked(made["of one part"]), {})
    found: dict[str, list[Any]] = {name: [] for name in ways}
    for way in ways.values():
        asked(*way, WARMING_SECONDS)
    for _, (name, way) in itertools.product(range(rounds), ways.items()):
        found[name].append(asked(*way, seconds))
    return list(range_rows(found))


def linked(recording: Any) -> str:
    """The path of a link that a program was given."""
    from access.log import Actor
    from access.models import ApiKey
    from recordings import handing

    by = Actor("api_key", str(ApiKey.objects.values_list("pk", flat=True)[0]))
    return f"/recordings/{handing.ticket(recording.parts.get().pk, int(time.time()) + 3600, by)}"


def archived_all() -> None:
    from recordings import archive

    while archive.archive_due():
        pass


def asked(url: str, path: str, headers: dict[str, str], seconds: float) -> Any:
    chance = random.Random(SEED)  # noqa: S311
    starts = [chance.randrange(29_000_000) for _ in range(5000)]
    requests = itertools.cycle(
        [head("GET", path, url, {**headers, "Range": f"bytes={at}-{at + RANGE - 1}"}) for at in starts]
    )
    result = drive(url, lambda client: (next(requests), b""), clients=CLIENTS, seconds=seconds)
    if set(result.statuses) != {"206"}:
        raise RuntimeError(f"answered {result.statuses}")
    return result


def range_rows(found: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    plain = [result.rate_of(206) for result in next(iter(found.values()))]
    for name, results in found.items():
        rates = [result.rate_of(206) for result in results]
        took = [one.took for result in results for one in result.answers]
        yield {
            "way": name,
            "per_second": statistics.median(rates),
            "p50_ms": milliseconds(took, 50),
            "p99_ms": milliseconds(took, 99),
            "share": statistics.median(ours / theirs for ours, theirs in zip(rates, plain, strict=True)),
        }


# --- Links
def refreshed(limit: int, seconds: float) -> dict[str, Any]:
    """Links of as many recordings as the limit lets through in that time, by several workers."""
    from django.db import connection
    from django.utils import timezone

    from recordings import links
    from recordings.models import Links, Recording

    recording, count = a_recording(), round(limit * seconds)
    recording.account.options = {"recordings_per_second": limit}
    recording.account.save()
    now = timezone.now()
    like = {name: getattr(recording, name) for name in ("clinic_id", "session_id", "account_id", "vendor")}
    made = Recording.objects.bulk_create([Recording(**like, vendor_ref=f"{limit}-{n}") for n in range(count)])
    due = {"next_attempt_at": now, "opened_at": now, "expires_at": now + timedelta(minutes=1)}
    Links.objects.bulk_create([Links(clinic_id=one.clinic_id, recording=one, **due) for one in made])

    def work() -> None:
        while links.refresh_due():
            pass
        connection.close()

    begun = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    rate = count / (time.perf_counter() - begun)
    return {"limit": limit, "count": count, "per_second": rate, "share": rate / limit}


def run(options: argparse.Namespace) -> dict[str, Any]:
    os.environ["OUTBOUND_ALLOW"] = "127.0.0.0/8"
    with ExitStack() as stack:
        database = stack.enter_context(place.own_database("benchmark_recordings"))
        store = Store(stack, place.folder())
        copied = copies(store, options.megabytes, options.rounds)
        played = ranges(store, stack, database, options.seconds, options.rounds)
        store.keeps("minutes")
        fresh = [refreshed(limit, options.seconds) for limit in (5, 50, 200)]
        return {"machine": machine(), "megabytes": options.megabytes} | {
            "copies": copied,
            "ranges": played,
            "links": fresh,
        }


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"a recording of {result['megabytes']} MB, copied"
    yield from table(COPIES, result["copies"])
    yield ""
    yield f"ranges of {RANGE // 1024} KiB, {CLIENTS} clients"
    yield from table(RANGES, result["ranges"])
    yield ""
    yield f"fresh links, {WORKERS} workers"
    yield from table(LINKS, result["links"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench recordings", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="One line of JSON in place of the tables.")
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    result = run(options)
    print(json.dumps(result) if options.json else "\n".join(lines(result)))


if __name__ == "__main__":
    main()
