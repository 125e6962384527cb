"""Notes are made up by the thousand: such as real ones, once each, and never beside real ones."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from access.models import Clinic, Membership
from feed import events, sequencer
from feed.models import Event, Feed
from ingest.models import AsyncRequest, Callback, Session, Submission
from notes import indexing
from notes.management import making
from notes.management.commands import make_notes
from notes.management.texts import name, write
from notes.models import Note, NoteVersion, Transcript
from tests.factories import ClinicFactory, MembershipFactory, NoteFactory

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 75
REVIEWED = {
    **{"needs_review": [], "rejected": ["note.rejected"]},
    **{"in_review": ["note.in_review"], "approved": ["note.in_review", "note.approved"]},
}


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Clinic:
    """A clinic with a reviewer. Few consultations have texts of their own, as ours are few in all."""
    for module in (making, make_notes):
        monkeypatch.setattr(module, "POOL", 40)
    monkeypatch.setattr(making, "COPIED", making.COPIED.replace("1999", "39"))
    monkeypatch.setattr(make_notes, "BATCH", 10)
    clinic: Clinic = MembershipFactory(clinic__slug="large").clinic
    return clinic


def make(count: int = COUNT) -> None:
    call_command("make_notes", "large", count=count, jobs=2)


def test_each_consultation_has_all_that_comes_of_one(large: Clinic) -> None:
    make()
    for model in (Session, AsyncRequest, Submission, Callback, Transcript, Note, NoteVersion):
        assert model.objects.filter(clinic=large).count() == COUNT, model
    for note in Note.objects.prefetch_related("sections", "versions").select_related("request__transcript"):
        kept = [{"key": one.key, "title": one.title, "text": one.text} for one in note.sections.all()]
        assert [version.sections for version in note.versions.all()] == [kept]
        assert (note.vendor, note.template) == (note.request.vendor, note.request.note_template)
        assert 20 <= len(note.request.transcript.lines) <= 61
        assert note.addenda.count() == (note.state == "amended")


def test_the_feed_tells_what_the_service_would_have_told_of_each(large: Clinic) -> None:
    make(50)
    make(300)
    told: dict[UUID, list[tuple[str, Any]]] = {}
    for event in Event.objects.filter(clinic=large, position__isnull=False).order_by("position"):
        told.setdefault(event.object_id, []).append((event.kind, event.data))
    for note in Note.objects.select_related("request__transcript"):
        session = {"session": str(note.session_id)}
        request = session | {"request": str(note.request_id)}
        assert told.pop(note.session_id) == [("session.created", {}), ("session.closed", {})]
        assert told.pop(note.request_id) == [("request.created", session), ("request.ready", session)]
        assert told.pop(note.request.transcript.pk) == [("transcript.created", request)]
        addenda = [{"addendum": str(one)} for one in note.addenda.values_list("pk", flat=True)]
        kinds = ["note.created", *REVIEWED.get(note.state, ["note.in_review", "note.approved", "note.signed"])]
        kinds += [f"note.{note.state}"] if note.state in ("amended", "entered_in_error") else []
        data = [request | addenda[0] if kind == "note.amended" else request for kind in kinds]
        assert told.pop(note.pk) == list(zip(kinds, data, strict=True))
    assert not told


def test_their_events_fill_the_feed_without_a_gap_and_what_is_told_later_follows(large: Clinic) -> None:
    make(50)
    make()
    make()
    events.record("session.created", clinic_id=large.pk, object_id=large.pk)
    sequencer.sequence()
    told = dict(Event.objects.filter(clinic=large).order_by("position").values_list("position", "object_id"))
    assert [*told] == [*range(1, len(told) + 1)]
    assert Feed.objects.get(clinic=large).position == len(told)
    assert told[len(told)] == large.pk


def test_they_lie_in_two_years_by_their_ids_too(large: Clinic) -> None:
    make()
    times = dict(Note.objects.order_by("pk").values_list("pk", "created_at"))
    assert list(times.values()) == sorted(times.values())
    assert all(pk.int >> 80 == int(at.timestamp() * 1000) for pk, at in times.items())
    first, *_, last = times.values()
    assert timedelta(days=700) < last - first < timedelta(days=731)
    assert timezone.now() - last < timedelta(days=20)


def test_the_newest_wait_and_most_others_are_signed_by_somebody_of_the_clinic(large: Clinic) -> None:
    make(1000)
    states = Counter(Note.objects.values_list("state", flat=True))
    assert (states["needs_review"], states["in_review"] + states["approved"]) == (3, 2 - 1)
    assert states["signed"] > 900
    newest = Note.objects.order_by("-pk").first()
    assert newest is not None
    assert newest.state in ("needs_review", "in_review", "approved")
    assert {*Note.objects.exclude(signed_by=None).values_list("signed_by", flat=True)} == {
        Membership.objects.get(clinic=large).user_id
    }


def test_the_same_count_again_adds_what_is_missing_alone(large: Clinic) -> None:
    make(50)
    before = set(Note.objects.values_list("pk", flat=True))
    make(COUNT)
    made = set(Note.objects.values_list("pk", flat=True))
    assert before < made
    assert len(made) == COUNT
    make(COUNT)
    assert set(Note.objects.values_list("pk", flat=True)) == made


def test_they_are_indexed_as_if_they_had_come_one_by_one(large: Clinic) -> None:
    make()
    assert not indexing.is_due()
    for model in (Transcript, Note):
        made = dict(model.objects.values_list("pk", "search"))
        model.objects.update(search=None)
        while indexing.index_due():
            pass
        for pk, search in model.objects.values_list("pk", "search"):
            assert lexemes(made[pk]) == lexemes(search)


def lexemes(vector: Any) -> set[str]:
    return {word.partition(":")[0] for word in vector.split()}


def test_no_two_hold_the_same_name_of_their_own() -> None:
    assert len({name(number) for number in range(100_000)}) == 100_000


def test_a_number_always_gives_the_same_text() -> None:
    assert write(5) == write(5) != write(6)


def test_clinics_with_real_notes_are_refused(large: Clinic) -> None:
    make(45)
    NoteFactory(request__session__clinic=large)
    with pytest.raises(CommandError, match="not made here"):
        make()
    assert Note.objects.count() == 46


def test_what_it_cannot_work_with_is_said() -> None:
    with pytest.raises(CommandError, match="no clinic"):
        make()
    ClinicFactory(slug="large")
    with pytest.raises(CommandError, match="Nobody signs"):
        make()
