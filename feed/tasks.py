"""Celery's tasks of the feed. What is due stands in the rows: a task may be lost or come twice."""

from __future__ import annotations

from config.bell import bell
from config.celery import app


@app.task(name="feed.sequence")
def sequence() -> None:
    from feed import sequencer

    if sequencer.sequence():
        ring_sequence()


@app.task(name="feed.deliver")
def deliver() -> None:
    from feed.webhooks.sending import deliver_due

    deliver_due()


@app.task(name="feed.forget_deliveries")
def forget_deliveries() -> None:
    from feed.webhooks import forgetting

    forgetting.forget()


def ring_sequence() -> None:
    """For whatever events have no position yet."""
    bell.ring("feed.sequence")


def ring_deliver() -> None:
    """For whatever deliveries are due."""
    bell.ring("feed.deliver")
