"""The recordings of a session: uploaded in numbered chunks, or streamed from an offset on."""

from typing import Any

from sandbox.dragon.spool import Spool


class Mismatch(Exception):
    """What came does not fit what is there already."""


class Uploaded:
    """A recording in numbered chunks, which come in any order; the first of them is its metadata alone.

    Until it is complete its file has them as they came, then as they are numbered.
    """

    def __init__(self, number: int) -> None:
        self.id = number
        self.total: int | None = None
        self.spool = Spool()
        self._places: dict[int, tuple[int, int]] = {}

    @property
    def complete(self) -> bool:
        return self.total is not None and len(self._places) == self.total

    def add(self, chunk: int, data: bytes) -> None:
        """Raises Mismatch for other bytes than this chunk had before, and for a chunk beyond the last."""
        if self.total is not None and chunk > self.total:
            raise Mismatch(f"chunkId {chunk} is beyond totalChunks")
        if chunk in self._places:
            start, stop = self._places[chunk]
            if stop - start != len(data) or not self.spool.holds(start, data):
                raise Mismatch(f"chunkId {chunk} was stored with other content")
            return
        self._places[chunk] = (self.spool.size, self.spool.size + len(data))
        self.spool.write(self.spool.size, data)
        self._assemble()

    def finalize(self, total: int) -> None:
        """Raises Mismatch for another number than before, and where there are more chunks already."""
        if self.total not in (None, total) or max(self._places, default=0) > total:
            raise Mismatch("totalChunks does not match the chunks")
        self.total = total
        self._assemble()

    def _assemble(self) -> None:
        """Puts the chunks into their order, once all are there."""
        if not self.complete or list(self._places) == sorted(self._places):
            return
        ordered, places = Spool(), {}
        for number in sorted(self._places):
            start = ordered.size
            for piece in self.spool.read(*self._places[number]):
                ordered.write(ordered.size, piece)
            places[number] = (start, ordered.size)
        self.spool, self._places = ordered, places

    @property
    def size(self) -> int:
        return self.spool.size

    @property
    def sha256(self) -> str | None:
        """Of the whole; of what is no whole yet, nothing can be said."""
        return self.spool.sha256(self.size) if self.complete else None

    def shown(self) -> dict[str, Any]:
        told = {"id": self.id, "bytes": self.size, "sha256": self.sha256, "complete": self.complete}
        return {**told, "chunks": len(self._places), "total_chunks": self.total, "opened": 1, "format": None}


class Streamed:
    """A recording over a connection, or over several one after the other. `size`: the bytes that count."""

    def __init__(self, identifier: str) -> None:
        self.id = identifier
        self.spool = Spool()
        self.size = self.opened = self.chunks = 0
        self.complete = False
        self.format: dict[str, Any] = {}

    def open(self, offset: int, audio_format: dict[str, Any]) -> int:
        """What is stored from there on is given up. Gives this opening's number; raises Mismatch beyond the end."""
        if offset > self.size:
            raise Mismatch("startingOffset is beyond what is stored")
        self.size, self.complete, self.format = offset, False, audio_format
        self.opened += 1
        return self.opened

    def add(self, start: int, data: bytes) -> bool:
        """False when an earlier connection brought other bytes for that place. Raises Mismatch for a gap."""
        if start != self.size:
            raise Mismatch("DataStart is not where the stored bytes end")
        agrees = self.spool.holds(start, data)
        self.spool.write(start, data)
        self.size += len(data)
        self.chunks += 1
        return agrees

    def close(self) -> None:
        self.spool.cut(self.size)
        self.complete = True

    @property
    def sha256(self) -> str:
        return self.spool.sha256(self.size)

    def shown(self) -> dict[str, Any]:
        told = {"id": self.id, "bytes": self.size, "sha256": self.sha256, "complete": self.complete}
        return {**told, "chunks": self.chunks, "opened": self.opened, "format": self.format}


Recording = Uploaded | Streamed
