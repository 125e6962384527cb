"""Celery's tasks: bells. Each calls a service; what is due stands in the rows, so a task may be lost or come twice."""

from __future__ import annotations

import logging
from uuid import UUID

from config.celery import app

log = logging.getLogger(__name__)


@app.task(name="ingest.submit")
def submit(submission_id: str) -> None:
    from ingest import submission

    submission.send(UUID(submission_id))


@app.task(name="ingest.process")
def process() -> None:
    from ingest import processing

    if processing.process_due():
        ring_callbacks()


@app.task(name="ingest.sweep")
def sweep() -> None:
    from ingest import sweeps

    sweeps.sweep()


@app.task(name="ingest.tidy")
def tidy() -> None:
    from ingest import sweeps

    sweeps.tidy()


def ring_submission(submission_id: UUID) -> None:
    """A bell that cannot be rung is no error: the sweep finds the row."""
    try:
        submit.delay(str(submission_id))
    except Exception as error:  # whatever the broker's trouble is
        log.warning("the bell did not ring: %s", type(error).__name__)


def ring_callbacks() -> None:
    """As above, for whatever callbacks are due."""
    try:
        process.delay()
    except Exception as error:  # whatever the broker's trouble is
        log.warning("the bell did not ring: %s", type(error).__name__)
