"""Celery's tasks: bells. Each calls a service; what is due stands in the rows, so a task may be lost or come twice."""

from __future__ import annotations

from uuid import UUID

from config.bell import bell
from config.celery import app
from vendors import VENDORS


@app.task(name="ingest.submit")
def submit(submission_id: str) -> None:
    from ingest import submission

    submission.send(UUID(submission_id))


@app.task(name="ingest.stream")
def stream() -> None:
    """For whatever audio is to be streamed: it takes as long as it lasts, and has workers of its own."""
    from ingest import submission

    if submission.stream_due():
        ring_streams()


@app.task(name="ingest.inquire")
def inquire() -> None:
    from ingest import inquiries

    if inquiries.inquire_due():
        ring_inquiries()


@app.task(name="ingest.process")
def process() -> None:
    from ingest import processing
    from notes import quiet

    if processing.process_due() or (processing.is_quiet() and quiet.go_on()):
        ring_callbacks()


@app.task(name="ingest.draw")
def draw() -> None:
    from recordings import waveforms

    if waveforms.draw_due():
        ring_waveforms()


@app.task(name="ingest.sweep")
def sweep() -> None:
    from ingest import sweeps

    sweeps.sweep()


def ring_submission(submission_id: UUID, vendor: str) -> None:
    if VENDORS[vendor].takes_audio == "stream":
        ring_streams()
    else:
        bell.ring("ingest.submit", str(submission_id))


def ring_streams() -> None:
    bell.ring("ingest.stream")


def ring_inquiries() -> None:
    """For whatever inquiries are due."""
    bell.ring("ingest.inquire")


def ring_callbacks() -> None:
    """For whatever callbacks are due."""
    bell.ring("ingest.process")


def ring_waveforms() -> None:
    """For whatever waveforms are due."""
    bell.ring("ingest.draw")


@app.task(name="ingest.heartbeat")
def heartbeat(queue: str) -> None:
    from ingest import heartbeats

    heartbeats.consumed(queue)
