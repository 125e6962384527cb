"""The door's bell: tells the workers that callbacks wait. It names none of them, and one ring serves all that came."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from config.celery import app

log = logging.getLogger(__name__)


class Bell:
    """`ring` returns at once; a task of the event loop publishes, after the answers, one message for all so far."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        self.ringer: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.ringer = asyncio.create_task(self.run())

    async def stop(self) -> None:
        if self.ringer is None:
            return
        self.ringer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.ringer
        if self.wanted.is_set():
            await asyncio.to_thread(self.publish)

    def ring(self) -> None:
        self.wanted.set()

    async def run(self) -> None:
        while True:
            await self.wanted.wait()
            self.wanted.clear()
            await asyncio.to_thread(self.publish)

    def publish(self) -> None:
        try:
            app.send_task("ingest.process")
        except Exception as error:  # whatever the broker's trouble is, the sweep finds the rows
            log.warning("the bell did not ring: %s", type(error).__name__)
