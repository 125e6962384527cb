"""Tables, and what they were measured on."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.submissions import execute

Row = Mapping[str, Any]
SERVER = """
SELECT current_setting('server_version'),
    CASE attstorage WHEN 'e' THEN 'none'
        ELSE coalesce(nullif(attcompression::text, ''), current_setting('default_toast_compression')) END
FROM pg_attribute WHERE attrelid = 'ingest_callback'::regclass AND attname = 'body'
"""


def host() -> dict[str, Any]:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    return {
        "cores": os.cpu_count(),
        "processor": model[1] if model else platform.machine(),
        "python": platform.python_version(),
    }


def machine() -> dict[str, Any]:
    """The same, and the database."""
    ((version, compression),) = execute(SERVER)
    return host() | {
        "postgresql": version,
        "compression": {"l": "lz4", "p": "pglz"}.get(compression, compression),
    }


def table(columns: Mapping[str, str], rows: Sequence[Row]) -> Iterator[str]:
    """Lines of text; `columns`: what stands over each, and its key in the rows. A key that is missing is left blank."""
    cells = [list(columns), *([_cell(row.get(key)) for key in columns.values()] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    for line in cells:
        first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join([first.strip().ljust(widths[0]), *others]).rstrip()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return str(value)


def shares(waits: Mapping[str, int], most: int = 6) -> str:
    """What the busy connections were seen doing, the most frequent first."""
    total = sum(waits.values())
    return ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in Counter(waits).most_common(most))


def neighbours(rows: Sequence[Row]) -> str:
    """How much of the machine went to programs that take no part: whoever has few processes suffers most from them."""
    spent = Counter[str]()
    for row in rows:
        spent.update(row["cpu_seconds"])
    return f"programs that take no part used {100 * spent['others'] / (spent.total() or 1):.0f} % of the machine"


def cpu_row(name: str, cpu: Mapping[str, float], count: int) -> dict[str, Any]:
    """CPU milliseconds a callback by process."""
    return {"": name} | {process: 1000 * seconds / max(1, count) for process, seconds in cpu.items()}
