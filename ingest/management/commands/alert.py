from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand

from ingest import standing
from ingest.standing import QUEUES, Standing

#: The options, each a setting's name in small, and what they are a limit to.
LIMITS = {
    "callback_seconds": "How long a callback may be unprocessed.",
    "request_seconds": "How long a request may be on its way to the vendor.",
    "overdue_seconds": "How long a request may be overdue, and an announced answer not be fetched.",
    "feed_seconds": "How long an event may have no place in the feed, and a delivery wait for a worker.",
    "heartbeat_seconds": "How long ago a queue's last heartbeat may be.",
}
UNITS = {"day": 86400, "hour": 3600, "minute": 60}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds; past them somebody should look."""

    callback_seconds: int
    request_seconds: int
    overdue_seconds: int
    feed_seconds: int
    heartbeat_seconds: int

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """As given; those that are not, as the settings say."""
        usual = {name: getattr(settings, f"ALERT_{name.upper()}") for name in LIMITS}
        return cls(**usual | {name: given[name] for name in LIMITS if given.get(name) is not None})


class Command(BaseCommand):
    help = "For cron: exits 1 with one line when something is older than its limit, else 0 without a word."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, what in LIMITS.items():
            parser.add_argument(
                f"--{name.replace('_', '-')}", type=seconds, help=f"{what} ALERT_{name.upper()} by default."
            )
        parser.add_argument("--failed", action="store_true", help="Also when callbacks have failed for good.")

    def handle(self, *, failed: bool, **options: Any) -> None:
        try:
            now = standing.read_now()
        except psycopg.Error as error:
            found = [f"PostgreSQL does not answer ({type(error).__name__})"]
        else:
            found = [*late(now, Limits.of(options)), *(resting(now) if failed else [])]
        if found:
            self.stdout.write("; ".join(found))
            sys.exit(1)


def seconds(text: str) -> int:
    """For argparse, which tells of a ValueError by itself."""
    if (number := int(text)) < 0:
        raise ValueError
    return number


def late(now: Standing, limits: Limits) -> Iterator[str]:
    """What is older than its limit, in words."""
    for name, limit, what in (
        ("unprocessed_callback", limits.callback_seconds, "callback {id} has been unprocessed for {age}"),
        ("unsent_request", limits.request_seconds, "request {id} has been on its way to the vendor for {age}"),
        ("overdue_request", limits.overdue_seconds, "request {id} has been overdue for {age}"),
        ("unfetched_notice", limits.overdue_seconds, "what callback {id} announces has not been fetched for {age}"),
        ("recording_at_risk", 0, "recording {id}, not copied, has been within a day of its loss for {age}"),
        ("unplaced_event", limits.feed_seconds, "event {id} has had no place in the feed for {age}"),
        ("due_delivery", limits.feed_seconds, "delivery {id} has waited for a worker for {age}"),
        ("disabled_webhook", 0, "webhook {id}, which took nothing or is gone, has been switched off for {age}"),
    ):
        backlog = now.backlogs[name]
        if backlog.seconds > limit:
            yield what.format(id=backlog.oldest, age=words(backlog.seconds))
    for queue in QUEUES:
        silent = now.silent_seconds.get(queue)
        if silent is None:
            yield f"no worker has ever taken a heartbeat from the queue {queue}"
        elif silent > limits.heartbeat_seconds:
            yield f"no worker has taken a heartbeat from the queue {queue} for {words(silent)}"


def resting(now: Standing) -> Iterator[str]:
    if count := now.resting["failed"]:
        number = f"{count} or more" if count == standing.MOST else f"{count}"
        yield f"{number} {'callback has' if count == 1 else 'callbacks have'} failed for good"


def words(seconds: float) -> str:
    """An age in its largest unit, two of it at least."""
    for unit, length in UNITS.items():
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}s"
    return f"{seconds:.0f} seconds"
