"""An audio as it is sent to a vendor: as it was stored, or decoded by a child process no faster than it is read.

The child's part is ingest/pcm.py.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from django.core.files.storage import default_storage

from config import decoding, files
from ingest import pcm
from ingest.models import Audio
from vendors.base import Speech, VendorError

log = logging.getLogger(__name__)


class StoredSound:
    """The `Sound` of vendors.base, of whatever was uploaded."""

    def __init__(self, audio: Audio, speech: Speech) -> None:
        self.audio = audio
        self.speech = speech
        self.duration_ms = audio.duration_ms
        self.content_type = audio.content_type
        self.size = audio.size

    def frames(self, start_ms: int) -> Iterator[bytes]:
        """From there to its end, exact to the sample: 100 ms of LINEAR16 each, the last may be shorter.

        The child lives until the last frame was read or the iterator is closed. Raises VendorError as `stored` does,
        `audio_unreadable`, permanent, and `audio_undecoded` where the child died of something else.
        """
        if start_ms >= self.duration_ms:
            return
        with told(), files.at_hand(self.audio.storage_key, self.audio.size) as path:
            rate = self.speech.sample_rate_hertz
            yield from read(str(path), rate, start_ms, self.duration_ms)

    def stored(self, start: int) -> Iterator[bytes]:
        """Its stored bytes from there on. Raises VendorError: `audio_missing`, permanent, and `storage_failed`."""
        with told():
            if not default_storage.exists(self.audio.storage_key):
                raise files.Missing
            yield from files.read(self.audio.storage_key, start, self.size)


@contextmanager
def told() -> Iterator[None]:
    """What a storage says of itself holds names and addresses, and is no reason to end the task. Raises VendorError."""
    try:
        yield
        return
    except files.Missing:
        message = "The audio is not in the storage any more: tell the operator."
        failure = VendorError(message, permanent=True, code="audio_missing")
    except (OSError, BotoCoreError, ClientError) as error:
        log.warning("an audio cannot be read from the storage: %s", type(error).__name__)
        message = "The audio could not be read from the storage just now. Where that goes on, tell the operator."
        failure = VendorError(message, permanent=False, code="storage_failed")
    raise failure from None


def read(path: str, rate: int, start_ms: int, stop_ms: int) -> Iterator[bytes]:
    frame_bytes = 2 * rate // 10
    with decoding.piped("ingest.pcm", path, str(rate), str(start_ms), str(stop_ms)) as child:
        while len(frame := child.stdout.read(frame_bytes)) == frame_bytes:
            yield frame
        if status := child.wait():
            give_up(status)
        if frame:
            yield frame


def give_up(status: int) -> NoReturn:
    if status == pcm.UNREADABLE:
        message = "The audio cannot be decoded. Listen to it, and upload it again in another format."
        raise VendorError(message, permanent=True, code="audio_unreadable")
    message = "The audio could not be decoded this time: the decoder stopped before its end."
    raise VendorError(message, permanent=False, code="audio_undecoded")
