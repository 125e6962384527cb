"""A worker as Celery's `prefork` has them: its parent has used gRPC, forks, and children and parent use it again.

`python -m tests.vendors.forking URL STREAMING_PORT` exits with 0 where all that was sent has arrived.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from uuid import uuid4

from tests.vendors.going import Noted
from tests.vendors.test_dragon_client import dragon_job
from tests.vendors.test_dragon_grpc import over_grpc

CHILDREN = 3


def send(url: str, port: int) -> None:
    over_grpc(port, url).submit(dragon_job(id=uuid4()), Noted())


def is_alone() -> bool:
    """Whether no thread is left, be it one that Python does not know. gRPC's last ones end a moment after the call."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if len(list(Path("/proc/self/task").iterdir())) == 1:
            return True
        time.sleep(0.01)
    return False


def forked(url: str, port: int) -> int:
    """The id of a child that sends one too."""
    if child := os.fork():
        return child
    status = 1
    try:
        send(url, port)
        status = 0
    finally:
        os._exit(status)


def main(url: str, port: int) -> int:
    send(url, port)
    if not is_alone():
        return 2
    children = [forked(url, port) for _ in range(CHILDREN)]
    send(url, port)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
