"""The web process with a switch: `GET /recording/<way>` says how what is read is recorded from then on.

For benchmarks/access_log.py alone: the service has no such switch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from config.web import application as web  # sets Django up, and comes first

# isort: split
from django.db import connection, transaction

from access import log
from config.bodies import Receive, Scope, Send

OURS = (log.note, log.recording)


def chained(*arguments: Any, **facts: Any) -> None:
    """Each row carries the hash of the one before it: its clinic's head is locked until the commit."""
    clinic_id = arguments[2]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT hash FROM benchmark_head WHERE clinic_id = %s FOR UPDATE", [clinic_id])
        before = bytes(cursor.fetchone()[0])
        OURS[0](*arguments, **facts)
        after = hashlib.sha256(before + repr((arguments, facts)).encode()).digest()
        cursor.execute("UPDATE benchmark_head SET hash = %s WHERE clinic_id = %s", [after, clinic_id])


def nothing(*arguments: Any, **facts: Any) -> None:
    pass


@contextmanager
def first(*arguments: Any) -> Iterator[None]:
    """A chain's link is made before the answer is: it needs what the database says."""
    log.record(*arguments)
    yield


@contextmanager
def not_at_all(*arguments: Any) -> Iterator[None]:
    yield


#: note and recording of access.log
WAYS = {"none": (nothing, not_at_all), "plain": OURS, "chained": (chained, first)}


def switch(way: str) -> None:
    log.note, log.recording = WAYS[way]  # type: ignore[assignment]  # in their place, for this process alone


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http" or not scope["path"].startswith("/recording/"):
        return await web(scope, receive, send)
    switch(scope["path"].removeprefix("/recording/"))
    await send({"type": "http.response.start", "status": 204, "headers": []})
    return await send({"type": "http.response.body", "body": b""})
