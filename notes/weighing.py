"""Evidence for each version of each note, made by a worker when nothing else waits.

A note whose `weighed_version` is behind its `version` is due; one without a transcript has nothing to be weighed by.
Weighing holds no row, so nobody who saves waits for it.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from notes import evidence
from notes.models import Evidence, Note, Transcript

log = logging.getLogger(__name__)

BATCH = 16
# A process has one core for this: threads would weigh the same notes beside each other.
one_at_a_time = threading.Lock()


def is_due() -> bool:
    return bool(due().exists())


def due() -> QuerySet[Note]:
    behind: QuerySet[Note] = Note.objects.filter(weighed_version__lt=F("version")).order_by("-pk")
    return behind


def weigh_due() -> bool:
    """Weighs a batch, the newest first. True when more may be due; False too while another thread here is at it."""
    if not one_at_a_time.acquire(blocking=False):
        return False
    try:
        notes = list(due().defer("search").prefetch_related("sections")[:BATCH])
        spoken = Transcript.objects.filter(request__in=[note.request_id for note in notes])
        lines = dict(spoken.values_list("request", "lines"))
        for note in notes:
            weigh(note, lines.get(note.request_id))
    finally:
        one_at_a_time.release()
    return len(notes) == BATCH


def weigh(note: Note, lines: list[dict[str, Any]] | None) -> None:
    """Writes the evidence for the version at hand, unless there is another, or the first transcript, meanwhile."""
    found = found_in(note, lines)
    as_it_was = Note.objects.filter(pk=note.pk, version=note.version)
    if lines is None:
        as_it_was = as_it_was.exclude(Exists(Transcript.objects.filter(request=OuterRef("request"))))
    with transaction.atomic():
        is_latest = as_it_was.update(weighed_version=note.version)
        if found and is_latest:
            facts = found | {"version": note.version, "clinic_id": note.clinic_id}
            Evidence.objects.update_or_create(note=note, defaults=facts)


def found_in(note: Note, lines: list[dict[str, Any]] | None) -> dict[str, Any]:
    """The columns of its Evidence. A note that cannot be weighed has none, and keeps the others from nothing."""
    if lines is None:
        return {}
    said = [str(line.get("text") or "") for line in lines]
    try:
        found = evidence.weigh([section.text for section in note.sections.all()], said, note.language)
    except Exception as error:
        log.error("note %s could not be weighed (%s)", note.pk, type(error).__name__)
        return {}
    return {
        "sources": [[*place(source.passage), list(source.lines)] for source in found.sources],
        "unsaid": [[number.section, number.start, number.end, number.said] for number in found.unsaid],
        "unreflected": [[line.line, line.kind] for line in found.unreflected],
    }


def place(passage: evidence.Passage) -> tuple[int, int, int]:
    return passage.section, passage.start, passage.end
