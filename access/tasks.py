"""Celery's tasks of the access log, and of what is kept of coming and going."""

from __future__ import annotations

from config.celery import app


@app.task(name="access.seal")
def seal() -> None:
    from access import sealing

    sealing.seal()


@app.task(name="access.clear_sessions")
def clear_sessions() -> None:
    from access.signin import sweeping

    sweeping.sweep()


@app.task(name="access.clear_answers")
def clear_answers() -> None:
    from access import idempotency

    idempotency.clear()
