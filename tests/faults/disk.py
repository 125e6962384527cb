"""A disk that is small enough to be filled: a tmpfs that is seen by the processes started on it alone."""

from __future__ import annotations

import contextlib
import os
import subprocess
from functools import cache
from pathlib import Path

# Without root, in a user namespace.
OWN_MOUNTS = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
MOUNT = 'mount -t tmpfs -o "size=$1,mode=755" tmpfs "$0" && shift && exec "$@"'


@cache
def can_be_mounted() -> bool:
    tried = subprocess.run([*OWN_MOUNTS, "sh", "-c", MOUNT, "/mnt", "1m", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def small_disk(folder: Path, size: str) -> list[str]:
    """What to put before a command, so that it finds such a disk at the folder. Nothing where that is not permitted.

    It ends with its last process: there is nothing to unmount.
    """
    return [*OWN_MOUNTS, "sh", "-c", MOUNT, str(folder), size] if can_be_mounted() else []


class Ballast:
    """What fills the disk that a process sees at a folder."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.file = Path(f"/proc/{pid}/root{folder}/ballast")

    def fill(self) -> None:
        """To the last byte: what does not fit whole is written in part, and the next write fails."""
        with contextlib.suppress(OSError), self.file.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 20))

    def drop(self) -> None:
        self.file.unlink(missing_ok=True)
