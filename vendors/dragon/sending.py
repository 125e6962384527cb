"""A session's recordings on their way: by REST, or by a stream, each going on from where an earlier try came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from vendors.base import Progress, Sound
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
        asked = self.asked
        if not self.progress.place:
            partner_api.make_session(asked)
            self.progress.opened(asked.correlation_id)
        for number, form, content, begins_ms in self._left(streamed=False):
            place = {"number": number, "form": form, "begins_ms": begins_ms, "chunk_bytes": chunk_bytes}
            sent = Upload(content, self.progress, **place)

            def store(way: Kept, chunk: int, data: bytes | None, is_last: bool, number: int = number) -> None:
                audio.store(way, asked, number, chunk, data, is_last=is_last)

            upload(sent, outbound, store, self.patience)
            audio.finalize(asked, number, sent.total)
            self._done(number, begins_ms + content.sound.duration_ms, streamed=False)
        return partner_api.end_session(asked.correlation_id)

    def by_stream(self, client: WebSocketClient | GrpcClient) -> str:
        """Opening the first recording makes the session."""
        self.progress.opened(self.asked.correlation_id)
        for number, form, content, begins_ms in self._left(streamed=True):
            take = Take(content, self.progress, number=number, form=form, begins_ms=begins_ms)
            name = wire.recording_id(self.asked.correlation_id, number)
            record(take, partial(client.recording, self.asked, name, content), self.patience)
            self._done(number, begins_ms + content.sound.duration_ms, streamed=True)
        return client.start_processing(self.asked)

    def _left(self, *, streamed: bool) -> Iterator[tuple[int, int, Content, int]]:
        """The recordings that are not stored whole: number, form, content, and the audio before it in milliseconds.

        One that was begun keeps its form, whatever the configuration says by now.
        """
        place = self.progress.place
        begins_ms, first = 0, place.get("recording", 1)
        for number, sound in enumerate(self.sounds, start=1):
            if number >= first:
                content = chosen(sound, self.configuration, streamed=streamed)
                if number == first and "form" in place:
                    content = Content(sound, FORMS[place["form"]])
                yield number, FORMS.index(content.form), content, begins_ms
            begins_ms += sound.duration_ms

    def _done(self, number: int, until_ms: int, *, streamed: bool) -> None:
        self.progress.reached({"recording": number + 1, "streamed": int(streamed)}, until_ms)
