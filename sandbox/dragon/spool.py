"""The bytes of a recording, on disk: many hours of them need no more memory than one."""

import hashlib
import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

PIECE = 256 * 1024


class Spool:
    """The file goes when the last that holds the spool lets it go, or with the process."""

    def __init__(self) -> None:
        handle, name = tempfile.mkstemp(prefix="sandbox-dragon-", suffix=".audio")
        os.close(handle)
        self.path, self.size = Path(name), 0
        self._writes, self._known = 0, ((0, 0), hashlib.sha256().hexdigest())
        weakref.finalize(self, self.path.unlink, missing_ok=True)

    def write(self, at: int, data: bytes) -> None:
        with self.path.open("r+b") as file:
            file.seek(at)
            file.write(data)
        self._writes += 1
        self.size = max(self.size, at + len(data))

    def cut(self, size: int) -> None:
        os.truncate(self.path, size)
        self.size = size

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(start)
            while start < stop and (piece := file.read(min(PIECE, stop - start))):
                start += len(piece)
                yield piece

    def holds(self, start: int, data: bytes) -> bool:
        """Whether these bytes stand there, as far as anything does."""
        known = b"".join(self.read(start, min(self.size, start + len(data))))
        return data.startswith(known)

    def sha256(self, size: int) -> str:
        """Of its first so many bytes. Kept until the next write: whoever waits for an hour of audio asks often."""
        moment = (self._writes, size)
        if self._known[0] != moment:
            digest = hashlib.sha256()
            for piece in self.read(0, size):
                digest.update(piece)
            self._known = (moment, digest.hexdigest())
        return self._known[1]
