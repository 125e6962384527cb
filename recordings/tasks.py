"""Celery's tasks of the recordings. What is due stands in the rows: a task may be lost or come twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from config.bell import bell
from config.celery import app

#: Then a worker may end, if it was asked to. The sweep rings again in seconds.
LONGEST_SECONDS = 60.0
# A copy may take many minutes, and who asks for links sleeps for each turn: some of a worker's threads are left over,
# for the bells and for the heartbeat of their queue.
copies_at_once, links_at_once = threading.BoundedSemaphore(4), threading.BoundedSemaphore(1)


@app.task(name="recordings.archive")
def archive() -> None:
    from recordings import archive, downloads

    downloads.tidy()
    while_due(archive.archive_due, copies_at_once)


@app.task(name="recordings.refresh")
def refresh() -> None:
    from recordings import links

    while_due(links.refresh_due, links_at_once)


@app.task(name="recordings.forget_listenings")
def forget_listenings() -> None:
    from recordings import downloads, listening

    listening.forget()
    downloads.tidy()


def ring_archive() -> None:
    """For whatever recordings are to be copied."""
    bell.ring("recordings.archive")


def ring_links() -> None:
    """For whatever links are about to expire."""
    bell.ring("recordings.refresh")


def while_due(work: Callable[[], bool], at_once: threading.BoundedSemaphore) -> None:
    """Works until nothing is due, or for long enough; not at all where as many threads of this process are at it."""
    if not at_once.acquire(blocking=False):
        return
    try:
        begun = time.monotonic()
        while time.monotonic() - begun < LONGEST_SECONDS and work():
            pass
    finally:
        at_once.release()
