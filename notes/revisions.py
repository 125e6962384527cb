"""What becomes of a vendor's later text of a note that is there already.

It takes the place of words that nobody has touched, and stands beside all others until somebody decides
(notes/deciding.py): docs/decisions/0017-revised-notes.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils import timezone

from config import rows
from feed import events
from feed.events import Happening
from notes.models import Draft, Note, NoteVersion
from notes.writing import Origin, Written, is_said_in, remove_sections, write_sections, write_versions
from vendors.base import NoteText

#: Whether a later text waits for a decision: what supplements the note does not stand in its place.
UNDECIDED = """EXISTS (SELECT FROM notes_noteversion AS offered
    WHERE offered.note_id = old.id AND offered.number = old.offered_version AND NOT offered.is_supplement)"""
REPLACE = f"""title = new.title, version = new.version, search = NULL, updated_at = new.updated_at,
    offered_version = CASE WHEN {UNDECIDED} THEN NULL ELSE old.offered_version END"""
OFFER = "offered_version = new.offered_version, updated_at = new.updated_at"
#: By request, a text and when it became so at the vendor, where that is said.
Brought = Mapping[UUID, tuple[NoteText, datetime | None]]


class Revised(StrEnum):
    REPLACED = "replaced"  # nobody had touched the note: these are its words now
    BESIDE = "beside"  # kept beside the words that somebody has claimed, corrected, decided about or signed
    SUPPLEMENT = "supplement"  # kept beside the words, whoever had them
    OLDER = "older"  # than the vendor's newest: not kept
    SAME = "same"  # as the vendor's newest: not kept
    BLANK = "blank"  # without a word where the vendor's newest has some: not kept


def judge_revisions(brought: Brought, supplements: Collection[UUID] = ()) -> dict[UUID, Revised]:
    """What `revise_notes` would make of these texts now, by request; requests without a note are left out.

    `brought`: by request, a text and when it became so at the vendor, where that is said. Reads only.
    """
    return {one.note.request_id: revised for one, revised in judge(brought, supplements)}


@transaction.atomic
def revise_notes(
    brought: Iterable[tuple[Origin, NoteText, datetime | None]], supplements: Collection[UUID] = ()
) -> dict[UUID, Revised]:
    """Keeps vendors' later texts, each as its note's next version. What became of each, by request.

    `supplements`: the requests whose text is one. Requests without a note are left out: `store_notes` is for these. Of
    several texts for one request the last counts.
    """
    later = {origin.request_id: (origin, text, as_of) for origin, text, as_of in brought}
    texts = {request_id: (text, as_of) for request_id, (_, text, as_of) in later.items()}
    hold(texts)
    found: dict[UUID, Revised] = {}
    kept: dict[str, list[Written]] = {Revised.REPLACED: [], Revised.BESIDE: [], Revised.SUPPLEMENT: []}
    for one, revised in judge(texts, supplements):
        origin, text, as_of = later[one.note.request_id]
        found[origin.request_id] = revised
        if revised in kept:
            is_supplement = revised == Revised.SUPPLEMENT
            kept[revised].append(Written(one.note_id, origin, text, one.last + 1, as_of, is_supplement))
    replace(kept[Revised.REPLACED])
    offer(kept[Revised.BESIDE])
    offer(kept[Revised.SUPPLEMENT], where=f"NOT {UNDECIDED}")
    return found


def hold(request_ids: Iterable[UUID]) -> None:
    """Their notes' rows, until the transaction ends: what is read after that stays as it is."""
    notes = Note.objects.filter(request__in=request_ids).order_by("pk").select_for_update(no_key=True)
    list(notes.values_list("pk"))


def judge(brought: Brought, supplements: Collection[UUID]) -> Iterator[tuple[Any, Revised]]:
    """The vendor's newest text of each of these requests' notes, and what becomes of what is brought now."""
    before = {one.note_id: one for one in newest(supplements, is_supplement=True)} if supplements else {}
    for one in newest(brought):
        text, as_of = brought[one.note.request_id]
        if one.note.request_id in supplements:
            yield one, judged_beside(text, [one, *filter(None, [before.get(one.note_id)])])
        else:
            yield one, judged(one, text, as_of)


def newest(request_ids: Iterable[UUID], *, is_supplement: bool = False) -> QuerySet[Any]:
    """The vendor's newest text of each of these requests' notes; or its newest supplement, where there is one.

    `last`: the note's last version, whoever's. `is_touched`: somebody has typed into the note, saved or not.
    """
    versions = NoteVersion.objects.filter(note=OuterRef("note"))
    typed = versions.filter(number=OuterRef("note__version"), author__isnull=False)
    found: QuerySet[Any] = (
        NoteVersion.objects.filter(note__request__in=request_ids, author=None, is_supplement=is_supplement)
        .annotate(last=Subquery(versions.order_by("-number").values("number")[:1]))
        .annotate(is_touched=Exists(typed) | Exists(Draft.objects.filter(note=OuterRef("note"))))
        .select_related("note")
        .defer("note__search")
        .order_by("note_id", "-number")
        .distinct("note_id")
    )
    return found


def judged(known: Any, text: NoteText, as_of: datetime | None) -> Revised:
    """`known`: the vendor's newest text, as `newest` gives it."""
    if is_said_in(text, known.title, known.sections):
        return Revised.SAME
    had_words = any(section["text"].strip() for section in known.sections)
    if had_words and is_blank(text):
        return Revised.BLANK
    if as_of and known.as_of and as_of < known.as_of:
        return Revised.OLDER
    is_free = known.note.state == Note.State.NEEDS_REVIEW and not known.is_touched
    return Revised.REPLACED if is_free else Revised.BESIDE


def judged_beside(text: NoteText, known: Iterable[Any]) -> Revised:
    """Of a supplement. `known`: the vendor's newest text, and its newest supplement."""
    if any(is_said_in(text, one.title, one.sections) for one in known):
        return Revised.SAME
    return Revised.BLANK if is_blank(text) else Revised.SUPPLEMENT


def is_blank(text: NoteText) -> bool:
    return not any(section.text.strip() for section in text.sections)


def replace(written: Sequence[Written]) -> None:
    """Notes get these words, and are indexed and weighed anew."""
    write_versions(written)
    remove_sections([one.note_id for one in written])
    write_sections(written)
    now = timezone.now()
    rows.update(
        Note,
        [{"id": one.note_id, "title": one.text.title, "version": one.number, "updated_at": now} for one in written],
        to=REPLACE,
    )
    tell("note.revised", written)
    tell("note.updated", written)


def offer(written: Sequence[Written], where: str = "TRUE") -> None:
    """In place of what was offered before and nobody has decided about; as a version that stays too."""
    write_versions(written)
    now = timezone.now()
    offers = [{"id": one.note_id, "offered_version": one.number, "updated_at": now} for one in written]
    rows.update(Note, offers, to=OFFER, where=where)
    tell("note.revised", written)


def tell(kind: str, written: Iterable[Written]) -> None:
    events.record_all(
        Happening(
            kind,
            one.origin.clinic_id,
            one.note_id,
            {"session": str(one.origin.session_id), "request": str(one.origin.request_id), "version": one.number},
        )
        for one in written
    )
