"""Suki's calls, one method each: what is asked, and what its status means. Access and streaming do the rest of the I/O.

Source: Suki's developer pages on ambient sessions, recordings and dictation.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from vendors.answers import Response
from vendors.base import NOTE, TRANSCRIPT, Job, RecordingLinks, Speech, Unreadable
from vendors.outbound import MIB
from vendors.suki import answers, wire
from vendors.suki.access import Access
from vendors.suki.refusals import (
    PRECONDITION_STATUSES,
    busy,
    is_precondition,
    is_running,
    not_opened,
    recording_gone,
    recording_pending,
    refusal,
    unreadable,
)
from vendors.websocket import WebSocket

NOT_ASKED_FOR = b"{}"
MOST_CONTENT_BYTES, MOST_TRANSCRIPT_BYTES = 8 * MIB, 32 * MIB


class Client:
    """Each method raises VendorError."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def create_ambient(self, job: Job) -> str:
        """The session's id, which is ours: asked twice, it is one session."""
        body = wire.ambient_body(job)
        answer = self._ask("POST", "ambient/session/create", body, also=(409,))
        return wire.read_session_id(answer.body, "ambient_session_id") or body["ambient_session_id"]

    def give_context(self, ref: str, job: Job, specialty: str) -> None:
        # Another worker may have given it before it could say so.
        self._ask("POST", f"{_ambient(ref)}/context", wire.context_body(job, specialty), also=(409,))

    def end_ambient(self, ref: str) -> None:
        """That it has ended already is as good."""
        self._end(_ambient(ref))

    def open_stream(self, ref: str, *, seconds: float) -> WebSocket:
        return self._open("/ws/stream", {"ambient_session_id": ref}, seconds)

    def answers(self, ref: str, wanted: Collection[str]) -> Sequence[bytes]:
        """What became of an ambient session, in one body; none while Suki is at work. `wanted`: the halves of it."""
        try:
            status = wire.read_status(self._ask("GET", f"{_ambient(ref)}/status").body)
        except Unreadable as error:
            raise unreadable(error) from None
        if status in answers.AT_WORK:
            return ()
        if status != answers.COMPLETED:
            return (answers.ended(ref, status),)
        content = transcript = NOT_ASKED_FOR
        if NOTE in wanted:
            content = self._read(f"{_ambient(ref)}/content?cumulative=false", MOST_CONTENT_BYTES)
        if TRANSCRIPT in wanted:
            transcript = self._read(f"{_ambient(ref)}/transcript", MOST_TRANSCRIPT_BYTES)
        return (answers.completed(ref, content, transcript),)

    def recordings(self, ref: str, *, download: bool) -> RecordingLinks:
        path = f"{_ambient(ref)}/recording?download={'true' if download else 'false'}"
        asked_at = datetime.now(UTC)
        answer = self._ask("GET", path, also=(404, 410))
        if answer.status == 410:
            raise recording_gone()
        try:
            links = wire.read_recordings(answer.body, asked_at) if answer.status != 404 else None
        except Unreadable as error:
            raise unreadable(error) from None
        if links is None or (not links.links and (download or links.is_streamable)):
            raise recording_pending()
        return links

    def create_dictation(self, job: Job, speech: Speech) -> str:
        """The session's id. Suki may give it another than ours."""
        body = wire.dictation_body(job, speech)
        answer = self._ask("POST", "transcription/session/create", body, also=(409,))
        return wire.read_session_id(answer.body, "transcription_session_id") or body["transcription_session_id"]

    def end_dictation(self, ref: str) -> bytes:
        """What it came to, as Suki says it, which may be nothing; that it has ended already comes to the same."""
        return self._end(f"transcription/session/{quote(ref, safe='')}")

    def open_dictation(self, ref: str, *, seconds: float) -> WebSocket:
        return self._open("/ws/transcribe", {"transcription_session_id": ref}, seconds)

    def _end(self, session: str) -> bytes:
        """What its end is answered with; nothing where it has ended already."""
        answer = self._ask("POST", f"{session}/end", also=PRECONDITION_STATUSES)
        if answer.status not in PRECONDITION_STATUSES:
            return answer.body
        if is_running(answer):
            raise busy()
        if is_precondition(answer):
            return b""
        raise refusal(answer)

    def _read(self, path: str, max_bytes: int) -> bytes:
        return self._ask("GET", path, max_bytes=max_bytes).body

    def _ask(
        self, method: str, path: str, json: Any = None, *, also: Sequence[int] = (), max_bytes: int = MIB
    ) -> Response:
        """A success, or an answer of a status that is one of `also`."""
        answer = self._access.ask(method, path, json, max_bytes=max_bytes)
        if 200 <= answer.status < 300 or answer.status in also:
            return answer
        raise refusal(answer)

    def _open(self, path: str, session: dict[str, str], seconds: float) -> WebSocket:
        line = self._access.open(path, session, seconds=seconds)
        if isinstance(line, WebSocket):
            return line
        raise not_opened(line)


def _ambient(ref: str) -> str:
    return f"ambient/session/{quote(ref, safe='')}"
