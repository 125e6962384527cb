"""A session's recordings on their way: by REST, or by a stream, each going on from where an earlier try came to."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from vendors.base import Progress, Sound, VendorError
from vendors.dragon import wire
from vendors.dragon.configuration import Configuration
from vendors.dragon.content import FORMS, Content, chosen
from vendors.dragon.grpc_client import GrpcClient
from vendors.dragon.patience import Patience
from vendors.dragon.recording import Take, record
from vendors.dragon.rest_client import AudioService, PartnerApi
from vendors.dragon.uploading import Upload, upload
from vendors.dragon.websocket_client import WebSocketClient
from vendors.dragon.wire import Asked
from vendors.outbound import Kept, Outbound

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sending:
    """What is sent, and how far it has come. Methods give the last call's id; raise VendorError and Superseded."""

    asked: Asked
    sounds: Sequence[Sound]
    configuration: Configuration
    progress: Progress
    patience: Patience

    def by_rest(self, partner_api: PartnerApi, audio: AudioService, outbound: Outbound, chunk_bytes: int) -> str:
        """Session, chunks, how many they were, and the session's end."""
        asked, left, call_id = self.asked, self._left(streamed=False), ""
        if not self.progress.place:
            partner_api.make_session(asked)
            self.progress.opened(asked.correlation_id)
        for number, form, content, begins_ms in left:
            place = {"number": number, "form": form, "begins_ms": begins_ms, "chunk_bytes": chunk_bytes}
            sent = Upload(content, self.progress, **place)

            def store(way: Kept, chunk: int, data: bytes | None, is_last: bool, number: int = number) -> None:
                audio.store(way, asked, number, chunk, data, is_last=is_last)

            upload(sent, outbound, store, self.patience)
            call_id = audio.finalize(asked, number, sent.total, again=sent.was_stored)
            self._done(number, begins_ms + content.sound.duration_ms, streamed=False)
        ended = self._end(partner_api)
        return call_id or ended

    def by_stream(self, client: WebSocketClient | GrpcClient) -> str:
        """Opening the first recording makes the session."""
        left = self._left(streamed=True)
        self.progress.opened(self.asked.correlation_id)
        for number, form, content, begins_ms in left:
            take = Take(content, self.progress, number=number, form=form, begins_ms=begins_ms)
            name = wire.recording_id(self.asked.correlation_id, number)
            record(take, partial(client.recording, self.asked, name, content), self.patience)
            self._done(number, begins_ms + content.sound.duration_ms, streamed=True)
        return client.start_processing(self.asked)

    def _end(self, partner_api: PartnerApi) -> str:
        """The call's id; empty where it could not be ended, which is no failure of what was sent.

        Its recordings are declared whole, and the vendor's pages say that they are processed then. That a session can
        be ended at all is one client's reading.
        """

        def end() -> str:
            self.progress.reached(self.progress.place, self.progress.sent_ms)  # each try takes its time
            return partner_api.end_session(self.asked.correlation_id)

        try:
            return self.patience.insist(end, time.sleep)
        except VendorError as error:
            log.warning("the session of submission %s was not ended: %s", self.asked.correlation_id, error.code)
            return ""

    def _left(self, *, streamed: bool) -> list[tuple[int, int, Content, int]]:
        """The recordings that are not stored whole: number, form, content, and the audio before it in milliseconds.

        One that was begun keeps its form, whatever the configuration says by now. Raises VendorError for another that
        cannot be sent in any.
        """
        place = self.progress.place
        begins_ms, first, left = 0, place.get("recording", 1), []
        for number, sound in enumerate(self.sounds, start=1):
            if number == first and "form" in place:
                left.append((number, place["form"], Content(sound, FORMS[place["form"]]), begins_ms))
            elif number >= first:
                content = chosen(sound, self.configuration, streamed=streamed)
                left.append((number, FORMS.index(content.form), content, begins_ms))
            begins_ms += sound.duration_ms
        return left

    def _done(self, number: int, until_ms: int, *, streamed: bool) -> None:
        self.progress.reached({"recording": number + 1, "streamed": int(streamed)}, until_ms)
