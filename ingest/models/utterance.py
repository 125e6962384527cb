"""What a dictation was understood as, while it is streamed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from access.models import ClinicOwned
from ingest.models.request import Submission


class Utterance(ClinicOwned):
    """A stretch of a dictation, kept as it comes: a crash loses none that is final. The last one may still change."""

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="utterances", db_index=False)
    number = models.PositiveIntegerField(help_text="Counts from 1 in its submission.")
    text = models.TextField()
    is_final = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["submission", "number"], name="utterance_numbered_in_its_submission"),
            models.UniqueConstraint(
                fields=["submission"], condition=Q(is_final=False), name="utterance_one_still_changes"
            ),
        ]
