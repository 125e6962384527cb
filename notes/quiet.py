"""What is done with notes and transcripts once nothing else waits: their words are indexed, then they are weighed."""

from __future__ import annotations

from notes import indexing, weighing


def is_due() -> bool:
    return indexing.is_due() or weighing.is_due()


def go_on() -> bool:
    """A batch of it. True when more may be due."""
    return indexing.index_due() or weighing.weigh_due()
