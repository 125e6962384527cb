"""What can befall a running service. Each fault returns when it is over and everything serves again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial

import psycopg
import redis

from config.installation import answers
from tests.faults.door import workers
from tests.flows.clinic import eventually
from tests.flows.conftest import Stack

Fault = Callable[[Stack], None]


def end(name: str, number: signal.Signals, stack: Stack) -> None:
    pid = stack.pids[name]
    os.kill(pid, number)
    is_back(stack, name, pid)


def end_door_amid_commits(stack: Stack) -> None:
    """While PostgreSQL stands still, so that every sender waits for its commit."""
    with psycopg.connect(stack.env["DATABASE_OWNER_URL"]) as held:
        held.execute("LOCK TABLE ingest_callback IN ACCESS EXCLUSIVE MODE")
        time.sleep(1)
        os.killpg(pid := stack.pids["door"], signal.SIGKILL)  # its workers as well, and at once
    is_back(stack, "door", pid)


def end_one_of_the_doors_workers(stack: Stack) -> None:
    """Its neighbour answers meanwhile, and what started both of them starts another."""
    pid = stack.pids["door"]
    before = workers(pid)
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: len(set(workers(pid)) - {before[0]}) == len(before), within=60, what="a new worker")


def is_back(stack: Stack, name: str, killed: int) -> None:
    stack.back(name, killed)
    serve = [answers("127.0.0.1", int(stack.env[port]), "/readyz") for port in ("WEB_PORT", "DOOR_PORT")]
    serve.append(partial(redis_answers, stack))
    eventually(lambda: all(ready() for ready in serve), within=60, what="web, door and Redis are ready")


def redis_answers(stack: Stack) -> bool:
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as broker:
        try:
            return bool(broker.ping())
        except redis.exceptions.RedisError:  # it listens a moment after it has its pid
            return False


def empty_redis(stack: Stack) -> None:
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as broker:
        for _ in range(10):
            broker.flushall()
            time.sleep(0.1)


PROCESSES = ("door", "web", "worker", "processor", "sweeper", "beat")
#: Who sends callbacks must notice nothing of these.
UNNOTICED: dict[str, Fault] = {
    **{f"{name} killed": partial(end, name, signal.SIGKILL) for name in PROCESSES[1:]},
    "Redis killed": partial(end, "valkey", signal.SIGKILL),
    "Redis emptied": empty_redis,
}
FAULTS: dict[str, Fault] = {
    **UNNOTICED,
    "door killed": partial(end, "door", signal.SIGKILL),
    "door killed amid commits": end_door_amid_commits,
    "one of the door's workers killed": end_one_of_the_doors_workers,
    "door stopped": partial(end, "door", signal.SIGTERM),
    "PostgreSQL killed": partial(end, "postgres", signal.SIGKILL),
    "PostgreSQL crashed": partial(end, "postgres", signal.SIGQUIT),
}
#: Callbacks that were being processed wait until the lease of who died on them has ended.
CLAIMS_LOST = ("processor killed", "PostgreSQL killed", "PostgreSQL crashed")
