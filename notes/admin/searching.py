"""Lists of notes and transcripts that are searched by their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from access import desk, roles
from access.models import Clinic, Membership
from notes import search
from notes.excerpts import excerpts

#: Seconds that PostgreSQL looks before a page is shown, and then for the page that goes on from there by itself.
QUICKLY, THOROUGHLY = 0.01, 3.0


@dataclass(frozen=True)
class Words:
    """What certain words find among rows."""

    words: str
    asked: search.Asked
    among: QuerySet[Any]

    def rows(self) -> QuerySet[Any]:
        return search.guessed(self.among, self.asked)

    def newest(self, most: int, *, thoroughly: bool) -> tuple[Sequence[UUID], datetime | None]:
        hits = search.found(self.among, self.asked, most, THOROUGHLY if thoroughly else QUICKLY)
        return hits.ids, hits.back_to

    def excerpts(self, rows: Sequence[Any]) -> Mapping[UUID, desk.Excerpt]:
        return excerpts(rows, self.words)


class Searching(desk.SearchedModelAdmin):
    doers = Membership.Role.REVIEWER

    def find(self, request: HttpRequest, rows: QuerySet[Any], words: str) -> desk.Found:
        every = Clinic.objects.values_list("pk", flat=True)
        clinics = list(every) if roles.is_operator(request) else roles.clinics(request, self.readers)
        return Words(words, search.asked(words, clinics), rows)

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Reviewers of the clinic. Operators run the service: they are no clinicians, unless a clinic has them too."""
        theirs = roles.clinics(request, self.doers)
        return bool(theirs) if obj is None else obj.clinic_id in theirs
