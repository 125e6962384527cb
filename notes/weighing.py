"""Evidence for each version of each note, made by a worker when nothing else waits.

A note whose `weighed_version` is behind its `version` is due; one without a transcript has nothing to be weighed by.
"""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import F, QuerySet

from notes import evidence
from notes.models import Evidence, Note, Transcript

log = logging.getLogger(__name__)

BATCH = 16


def is_due() -> bool:
    return bool(due().exists())


def weigh_due() -> bool:
    """Weighs a batch, the newest first. True when more may be due."""
    with transaction.atomic():
        notes = list(due().defer("search").prefetch_related("sections")[:BATCH])
        spoken = Transcript.objects.filter(request__in=[note.request_id for note in notes])
        lines = dict(spoken.values_list("request", "lines"))
        for note in notes:
            weigh(note, lines.get(note.request_id))
            Note.objects.filter(pk=note.pk).update(weighed_version=note.version)
    return len(notes) == BATCH


def due() -> QuerySet[Note]:
    behind: QuerySet[Note] = Note.objects.filter(weighed_version__lt=F("version")).order_by("-pk")
    return behind.select_for_update(skip_locked=True, no_key=True)


def weigh(note: Note, lines: list[dict[str, object]] | None) -> None:
    """A note that cannot be weighed has no evidence, and keeps the others from nothing."""
    if lines is None:
        return
    said = [str(line.get("text") or "") for line in lines]
    try:
        found = evidence.weigh([section.text for section in note.sections.all()], said, note.language)
    except Exception as error:
        log.error("note %s could not be weighed (%s)", note.pk, type(error).__name__)
        return
    facts = {
        "version": note.version,
        "sources": [[*place(source.passage), list(source.lines)] for source in found.sources],
        "unsaid": [[number.section, number.start, number.end, number.said] for number in found.unsaid],
        "unreflected": [[line.line, line.kind] for line in found.unreflected],
    }
    Evidence.objects.update_or_create(note=note, defaults=facts | {"clinic_id": note.clinic_id})


def place(passage: evidence.Passage) -> tuple[int, int, int]:
    return passage.section, passage.start, passage.end
