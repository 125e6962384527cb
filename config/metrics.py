"""Prometheus' `/metrics`: who may read it, and what it says."""

from __future__ import annotations

import hmac
import os
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from access import bearer


def may_read(authorization: str) -> bool:
    """Whether the header holds METRICS_TOKEN; never where none is set."""
    token = bearer.token(authorization) or ""
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode())


def exposition() -> tuple[bytes, str]:
    """What this program's processes counted, and its content type.

    With PROMETHEUS_MULTIPROC_DIR set: those of all its workers together.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return expose(_of_all_workers(folder) if folder else REGISTRY)


def expose(collector: Collector) -> tuple[bytes, str]:
    """What a collector gives, and its content type."""
    return generate_latest(collector), CONTENT_TYPE


def _of_all_workers(folder: str) -> Collector:
    for file in Path(folder).glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _is_alive(pid):  # what it had at hand went with it; what it had counted stays counted
            with suppress(FileNotFoundError):  # somebody else asks at the same moment
                mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return registry


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
