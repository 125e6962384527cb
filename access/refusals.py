"""Refused entries: each one a line in the service's log, and in the access log a row, or one row for many alike.

A flood of made-up tokens must not become a flood of rows: the first of its kind is written at once, the rest of that
minute is counted, and written as one row when the minute is over. A process that ends loses that minute's count.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import close_old_connections
from django.http import HttpRequest
from rest_framework.request import Request

from access import log
from access.log import Actor, Kind
from access.models import AccessEntry
from access.programs import Refused

logger = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
FLUSH_SECONDS = 2.0
ID = re.compile(r"[0-9]{1,18}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: How many senders a minute whom we do not know get a row of their own. What is beyond is counted under no address.
MOST_UNKNOWN = 120


@dataclass(frozen=True)
class Refusal:
    """Who was refused what, and why. Equal in `alike`: one row a minute."""

    who: Actor
    code: str
    clinic_id: UUID | None = None
    where: str = field(default="", compare=False)
    ids: Sequence[str] = field(default=(), compare=False)

    @property
    def alike(self) -> tuple[Any, ...]:
        return self.code, self.who.kind, self.who.id, neighbourhood(self.who.address), self.clinic_id

    def row(self, times: int) -> list[Any]:
        """What log.INSERT takes."""
        action, mode = AccessEntry.Action.REFUSED, self.where[:40]
        return log.row(self.who, action, self.clinic_id, "", self.ids, mode=mode, reason=self.code, times=times)


class Ledger:
    """Says which refusals to write now, and for how many each stands. Safe for threads."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Any, ...], tuple[float, int, Refusal]] = {}
        self._minute, self._unknown = 0.0, 0
        self._turn = threading.Lock()

    def add(self, refusal: Refusal, now: float) -> list[tuple[Refusal, int]]:
        """It and the number it stands for, if it is to be written; else it is counted."""
        with self._turn:
            refusal = self._capped(refusal, now)
            since, waiting, first = self._seen.get(refusal.alike, (float("-inf"), 0, refusal))
            if now - since < QUIET_SECONDS:
                self._seen[refusal.alike] = since, waiting + 1, first
                return []
            self._seen[refusal.alike] = now, 0, refusal
            return [(refusal, waiting + 1)]

    def over(self, now: float) -> list[tuple[Refusal, int]]:
        """What was counted in minutes that are over."""
        with self._turn:
            old = [alike for alike, (since, _, _) in self._seen.items() if now - since >= QUIET_SECONDS]
            ended = [self._seen.pop(alike) for alike in old]
        return [(refusal, waiting) for _, waiting, refusal in ended if waiting]

    def put_back(self, taken: Sequence[tuple[Refusal, int]]) -> None:
        """They could not be written: the next of their kind is, and stands for these too."""
        with self._turn:
            for refusal, times in taken:
                _, waiting, _ = self._seen.get(refusal.alike, (0.0, 0, refusal))
                self._seen[refusal.alike] = float("-inf"), waiting + times, refusal

    def _capped(self, refusal: Refusal, now: float) -> Refusal:
        """One of too many senders whom we do not know loses its address, and is counted with its like."""
        if refusal.who.id or refusal.alike in self._seen:
            return refusal
        if now - self._minute > QUIET_SECONDS:
            self._minute, self._unknown = now, 0
        self._unknown += 1
        return refusal if self._unknown <= MOST_UNKNOWN else Refusal(Actor(refusal.who.kind), refusal.code)


ledger = Ledger()


def refused(request: HttpRequest | Request, refusal: Refused) -> None:
    """Notes that a program was refused; `refusal.message` stays out of it."""
    setattr(getattr(request, "_request", request), "refusal_noted", True)  # noqa: B010 (it is no attribute of Django's)
    write(about(refusal, log.address(request), *place(request)))


def about(refusal: Refused, address: str | None, where: str = "", ids: Sequence[str] = ()) -> Refusal:
    program = refusal.program
    who = log.of_program(program, address) if program else Actor(Kind.NOBODY, address=address)
    return Refusal(who, refusal.code, refusal.clinic_id, where, ids)


def place(request: HttpRequest | Request) -> tuple[str, list[str]]:
    """The name of the address that was asked for, and the ids in it: whatever else stands there may be any word."""
    match = getattr(request, "resolver_match", None)
    values = map(str, match.kwargs.values()) if match else ()
    return (match.view_name if match else "", [value for value in values if ID.fullmatch(value)])


def note(who: Actor, code: str, clinic_id: UUID | None) -> None:
    write(Refusal(who, code, clinic_id))


def write(refusal: Refusal) -> None:
    with due(refusal) as rows:
        for row in rows:
            log.insert(row)


@contextmanager
def due(refusal: Refusal) -> Iterator[list[list[Any]]]:
    """Logs the line, and gives what is to be inserted for it by log.INSERT. An error in the block puts it back."""
    logger.warning("refused: %s", refusal.code)
    flusher.start()
    taken = ledger.add(refusal, time.monotonic())
    try:
        yield [one.row(times) for one, times in taken]
    except BaseException:
        ledger.put_back(taken)
        raise


def defer(refusal: Refusal) -> None:
    """Logs the line, and leaves the row to the next flush: for the door, where a refusal must cost no query."""
    logger.warning("refused: %s", refusal.code)
    flusher.start()
    ledger.put_back(ledger.add(refusal, time.monotonic()))


def flush(now: float | None = None) -> None:
    """Writes what was counted in minutes that are over."""
    taken = ledger.over(time.monotonic() if now is None else now)
    try:
        for refusal, times in taken:
            log.insert(refusal.row(times))
    except BaseException:
        ledger.put_back(taken)
        raise


class Flusher:
    """Flushes now and then, on a thread and a connection of its own, from the first refusal on."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self._turn:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="refusals", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(FLUSH_SECONDS)
            try:
                flush()
            except Exception as error:
                logger.warning("refusals are not written yet: %s", type(error).__name__)
            finally:
                close_old_connections()


flusher = Flusher()


class RefusalMiddleware:
    """What people and programs that we know were refused: pages above their role, forged forms, rows not theirs."""

    CODES = {403: "not_allowed", 404: "not_found"}

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        code = "csrf" if getattr(request, "csrf_refused", False) else self.CODES.get(response.status_code)
        who = log.actor(request) if code else None
        where, ids = place(request)
        if code and who and is_news(request, who, code, ids):
            write(Refusal(who, code, clinic_of(request, who), where, ids))
        return response


def is_news(request: HttpRequest, who: Actor, code: str, ids: Sequence[str]) -> bool:
    """Not what was noted where it was refused, nor what nobody was refused: an address that does not exist."""
    if getattr(request, "refusal_noted", False) or (code == "not_found" and not ids):
        return False
    return bool(who.id) or code == "csrf"


def clinic_of(request: HttpRequest, who: Actor) -> UUID | None:
    """The clinic of what was asked for, where it was found; else the only one of whoever asked."""
    program = getattr(request, "auth", None)
    known = getattr(request, "asked_clinic", None) or getattr(program, "clinic_id", None)
    return known or (next(iter(who.roles)) if who.roles and len(who.roles) == 1 else None)


def neighbourhood(address: str | None) -> str | None:
    """An IPv6 host has a /64 of addresses at its hand: its refusals are one sender's."""
    if address is None or ":" not in address:
        return address
    network = ipaddress.ip_network(f"{address}/64", strict=False)
    return str(network.network_address)
