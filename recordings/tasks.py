"""Celery's tasks of the recordings. What is due stands in the rows: a task may be lost or come twice."""

from __future__ import annotations

import time
from collections.abc import Callable

from config.celery import app

#: Then a worker may end, if it was asked to. The sweep rings again in seconds.
LONGEST_SECONDS = 60.0


@app.task(name="recordings.archive")
def archive() -> None:
    from recordings import archive

    while_due(archive.archive_due)


@app.task(name="recordings.refresh")
def refresh() -> None:
    from recordings import links

    while_due(links.refresh_due)


@app.task(name="recordings.forget_listenings")
def forget_listenings() -> None:
    from recordings import downloads, listening

    listening.forget()
    downloads.tidy()


def while_due(work: Callable[[], bool]) -> None:
    """Works until nothing is due, or for long enough."""
    begun = time.monotonic()
    while time.monotonic() - begun < LONGEST_SECONDS and work():
        pass
