"""A recording as it is streamed, whether over a WebSocket or by gRPC."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.dragon.faults import OF_A_STREAM
from sandbox.dragon.opening import BAD_OPENING, Opening
from sandbox.dragon.recordings import Mismatch, Streamed
from sandbox.dragon.sessions import Session
from sandbox.dragon.talk import Ended, Why

if TYPE_CHECKING:
    from sandbox.dragon.vendor import Dragon

BAD_CHUNK = "Invalid DataChunk received"
BAD_CLOSE = "Failed to convert request to RecordingCloseRequest"
UNSPECIFIED: dict[str, Any] = {"byteStream": {}}


class Take:
    """One connection's part of a recording; a newer connection takes the recording over."""

    def __init__(self, dragon: "Dragon", opened: Opening, by: str, user: str) -> None:
        """Raises Ended."""
        owners = opened.owners
        made = Session(opened.correlation_id, owners["customerId"], by, user, next(iter(opened.locales), "en-US"))
        self.session = dragon.sessions.add(made)
        if self.session.ended:
            raise Ended(Why.NOT_FOUND, "Session not found")
        self.faults = dragon.take_all(self.session, OF_A_STREAM)
        self._dragon, self._settings = dragon, dragon.settings
        self._brought = self._chunks = 0
        self._refuse_opening()
        self.session.user = self.session.user or user
        note_strange(dragon, self.session, opened, user)
        try:
            with self.session.lock:
                self.recording = self.session.recording(Streamed, opened.recording_id)
                self._turn = self.recording.open(opened.offset, opened.format)
        except Mismatch as error:
            raise Ended(Why.INVALID, BAD_OPENING) from error

    def _refuse_opening(self) -> None:
        fault = self.faults.get("opening")
        if fault:
            reason = fault.params.get("reason")
            raise Ended(Why.INTERNAL, reason) if reason else Ended(Why.INVALID, BAD_OPENING)

    def add(self, start: Any, data: bytes) -> int | None:
        """What is stored by now, where the client is to be told; raises Ended."""
        if pace := self.faults.get("pace"):
            time.sleep(pace.params["seconds"])
        self._store(start, data)
        self._brought += len(data)
        self._chunks += 1
        self._drop()
        return self._told()

    def _store(self, start: Any, data: bytes) -> None:
        if type(start) is not int or not data:
            raise Ended(Why.INVALID, BAD_CHUNK)
        try:
            with self.session.lock:
                self._check_turn()
                agrees = self.recording.add(start, data)
        except Mismatch as error:
            raise Ended(Why.INVALID, BAD_CHUNK) from error
        if not agrees:
            self.session.offend("other_bytes_after_a_resume")

    def _told(self) -> int | None:
        fault = self.faults.get("acks")
        if self._chunks % self._settings.chunks_an_ack or (fault and fault.name == "no_acks"):
            return None
        return self.recording.size + (fault.params["bytes"] if fault and fault.name == "acks_beyond" else 0)

    @property
    def padding(self) -> int:
        """By how many bytes too long a message is that says so."""
        fault = self.faults.get("acks")
        return fault.params["bytes"] if fault and fault.name == "acks_huge" else 0

    def _check_turn(self) -> None:
        if self.recording.opened != self._turn:
            raise Ended(Why.TAKEN_OVER, "The recording was opened again")

    def _drop(self) -> None:
        drop = self.faults.get("drop")
        if drop and self._brought >= drop.params["bytes"]:
            raise Ended(Why.DROPPED)

    def close(self, body: Mapping[str, Any]) -> int:
        """Its whole length in bytes; raises Ended."""
        seconds = body.get("recordingLengthSeconds", 0)
        if str(body.get("recordingId")).lower() != self.recording.id or not isinstance(seconds, int | float):
            raise Ended(Why.INVALID, BAD_CLOSE)
        with self.session.lock:
            self._check_turn()
            self.recording.close()
        self._dragon.write_up_so_far(self.session)
        if not self._settings.minimum_seconds <= seconds <= self._settings.maximum_seconds:
            self.session.offend("duration_out_of_limits")
        if "closing" in self.faults:
            raise Ended(Why.SILENT)
        return self.recording.size


def note_strange(dragon: "Dragon", session: Session, opened: Opening, user: str) -> None:
    """Writes down what may be an oversight of the caller's, though nothing is said against it."""
    settings = dragon.settings
    found = {
        **{f"another_{name}": True for name in dragon.strange_owners(opened.owners)},
        "another_user": opened.users[:1] not in ([], [user]),
        "format_not_supported": opened.format not in (*settings.audio_formats, UNSPECIFIED),
        "locale_not_supported": not set(opened.locales) <= set(settings.recording_locales),
        "opened_after_processing": session.processed,
    }
    for name, is_so in found.items():
        if is_so:
            session.offend(name)
