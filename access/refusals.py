"""Refused entries: each one a line in the service's log, and in the access log a row, or one row for many alike.

A flood of made-up tokens must not become a flood of rows: the first of its kind is written at once, the rest of that
minute is counted, and the number is written with the first that comes after it.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest
from rest_framework.request import Request

from access import log
from access.log import Actor, Kind
from access.models import AccessEntry
from access.programs import Refused

logger = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
MOST_KINDS = 1000
#: How many rows a minute go to those whom we do not know. What is beyond is counted under no address.
MOST_UNKNOWN = 120


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is written: who was refused why. Equal ones within a minute become one row."""

    code: str
    kind: str
    actor: str = ""
    address: str | None = None
    clinic_id: UUID | None = None


class Ledger:
    """Says which refusals to write now, and for how many each stands. Safe for threads."""

    def __init__(self) -> None:
        self._seen: dict[Refusal, tuple[float, int]] = {}
        self._minute, self._unknown = 0.0, 0
        self._turn = threading.Lock()

    def take(self, refusal: Refusal, now: float) -> list[tuple[Refusal, int]]:
        """(refusal, times) of each row to write, the given one's first; empty while it is only counted."""
        with self._turn:
            refusal = self._capped(refusal, now)
            since, waiting = self._seen.get(refusal, (float("-inf"), 0))
            if now - since < QUIET_SECONDS:
                self._seen[refusal] = since, waiting + 1
                return []
            due = [(refusal, waiting + 1), *self._forget_old(now, refusal)]
            self._seen[refusal] = now, 0
            return due

    def _capped(self, refusal: Refusal, now: float) -> Refusal:
        """One of too many senders whom we do not know loses its address, and is counted with its like."""
        if refusal.actor or refusal in self._seen:
            return refusal
        if now - self._minute > QUIET_SECONDS:
            self._minute, self._unknown = now, 0
        self._unknown += 1
        return refusal if self._unknown <= MOST_UNKNOWN else Refusal(refusal.code, refusal.kind)

    def _forget_old(self, now: float, but: Refusal) -> list[tuple[Refusal, int]]:
        old = [one for one, (since, _) in self._seen.items() if one != but and now - since > QUIET_SECONDS]
        crowd = list(self._seen)[: max(0, len(self._seen) - len(old) - MOST_KINDS)]
        return [(one, times) for one in {*old, *crowd} - {but} if (times := self._seen.pop(one)[1])]


ledger = Ledger()


def refused(request: HttpRequest | Request, refusal: Refused) -> None:
    """Notes that a program was refused; `refusal.message` stays out of it."""
    who, clinic_id = subject(refusal, log.address(request))
    note(who, refusal.code, clinic_id)


def subject(refusal: Refused, address: str | None) -> tuple[Actor, UUID | None]:
    """Whom the refusal is about, and whose business it is."""
    if refusal.program is None:
        return Actor(Kind.NOBODY, address=address), None
    return log.of_program(refusal.program, address), refusal.program.clinic_id


def note(who: Actor, code: str, clinic_id: UUID | None) -> None:
    """Writes through Django's connection what is due to be written."""
    for one, times in due(who, code, clinic_id):
        actor = Actor(one.kind, one.actor, one.address)
        log.note(actor, AccessEntry.Action.REFUSED, one.clinic_id, reason=one.code, times=times)


def due(who: Actor, code: str, clinic_id: UUID | None) -> list[tuple[Refusal, int]]:
    """Logs the line; gives the rows that are to be written, and for how many each stands."""
    logger.warning("refused: %s", code)
    refusal = Refusal(code, who.kind, who.id, neighbourhood(who.address), clinic_id)
    return ledger.take(refusal, time.monotonic())


def neighbourhood(address: str | None) -> str | None:
    """An IPv6 host has a /64 of addresses at its hand: its refusals are one sender's."""
    if address is None or ":" not in address:
        return address
    network = ipaddress.ip_network(f"{address}/64", strict=False)
    return str(network.network_address)
