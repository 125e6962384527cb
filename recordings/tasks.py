"""Celery's task of the recordings."""

from __future__ import annotations

from config.celery import app


@app.task(name="recordings.forget_listenings")
def forget_listenings() -> None:
    from recordings import listening

    listening.forget()
