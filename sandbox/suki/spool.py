"""The samples of a session, on disk: an hour of them is 115 MB, and there may be many sessions at once."""

import hashlib
import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

PIECE = 256 * 1024
SAMPLE_BYTES = 2


class Spool:
    """LINEAR16 mono. The file goes when the last that holds the spool lets it go, or with the process."""

    def __init__(self, rate: int = 16_000) -> None:
        handle, name = tempfile.mkstemp(prefix="sandbox-suki-", suffix=".pcm")
        os.close(handle)
        self.path, self.rate, self.size = Path(name), rate, 0
        self._digest = hashlib.sha256()
        weakref.finalize(self, self.path.unlink, missing_ok=True)

    def add(self, samples: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(samples)
        self._digest.update(samples)
        self.size += len(samples)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    @property
    def duration_ms(self) -> int:
        return self.size * 1000 // (SAMPLE_BYTES * self.rate)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(start)
            while start < stop and (piece := file.read(min(PIECE, stop - start))):
                start += len(piece)
                yield piece
