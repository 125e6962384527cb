"""A vendor's later text of a note: in place of words that nobody touched, beside all others, and never lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.log import Actor, Kind
from access.models import AccessEntry, Clinic
from feed.models import Event
from notes import deciding, review, services, weighing
from notes.indexing import index_due
from notes.models import Draft, Note, NoteVersion
from notes.review import NotNow, Overtaken, Tab, Words
from notes.services import Revised
from tests.factories import UserFactory
from tests.notes.revised import (
    BLANK,
    FIRST,
    LAST,
    LATER,
    at,
    fresh,
    noted,
    origin,
    origin_of,
    revise,
    said,
    supplement,
    text,
    versions,
    words,
)
from vendors.base import Line, NoteText, Result, Section

pytestmark = pytest.mark.django_db

State = Note.State
OURS = Words("Knee", ("The left knee clicks, and aches.", "Rest."))
Does = Callable[[Note, Actor], object]


@pytest.fixture
def note(clinic: Clinic) -> Note:
    return noted(clinic)


@pytest.fixture
def anna(db: None) -> Actor:
    return person("Anna", "Berg")


@pytest.fixture
def bruno(db: None) -> Actor:
    return person("Bruno", "Costa")


def person(first: str, last: str) -> Actor:
    return Actor(Kind.USER, str(UserFactory(first_name=first, last_name=last).pk))


def told(note: Note) -> list[tuple[str, int | None]]:
    events = Event.objects.filter(object_id=note.pk).order_by("pk")
    return [(event.kind, event.data.get("version")) for event in events]


def done(note: Note) -> list[str]:
    entries = AccessEntry.objects.filter(object_ids=[str(note.pk)], action="changed").order_by("pk")
    return list(entries.values_list("mode", flat=True))


# --- In place of words that nobody has touched
def test_what_nobody_has_touched_gets_the_newer_words(note: Note) -> None:
    index_due()
    assert revise(note, as_of=at(1)) == Revised.REPLACED
    assert words(note) == said(LATER)
    assert (fresh(note).version, fresh(note).offered_version, fresh(note).state) == (2, None, State.NEEDS_REVIEW)
    assert versions(note) == [(1, None, 1), (2, None, 2)]
    assert NoteVersion.objects.get(note=note, number=2).as_of == at(1)
    assert told(note) == [("note.created", None), ("note.revised", 2), ("note.updated", 2)]


def test_it_is_found_by_the_newer_words_and_weighed_by_them(note: Note) -> None:
    services.store_transcripts([(origin(note), (Line("My right knee clicks.", "patient", 0, None),))])
    index_due()
    weighing.weigh_due()
    revise(note)
    assert fresh(note).search is None
    weighing.weigh_due()
    assert note.evidence.version == 2


def test_words_without_sections_are_replaced_too(clinic: Clinic) -> None:
    note = noted(clinic, text())
    assert revise(note, LATER) == Revised.REPLACED
    assert words(note) == said(LATER)


def test_a_note_that_was_blank_gets_its_words(clinic: Clinic) -> None:
    assert revise(noted(clinic, BLANK), FIRST) == Revised.REPLACED


# --- Beside all others
def release(note: Note, by: Actor) -> None:
    review.edit(note.pk, by, 1, OURS)
    review.release(note.pk, by)


def sign(note: Note, by: Actor) -> None:
    review.approve(note.pk, by)
    review.sign(note.pk, by, fresh(note).version)


def amend(note: Note, by: Actor) -> None:
    sign(note, by)
    review.amend(note.pk, by, "More.")


TOUCHES: list[Does] = [
    lambda note, by: review.claim(note.pk, by),
    release,
    lambda note, by: review.keep_draft(note.pk, by, 1, OURS),
    lambda note, by: review.approve(note.pk, by),
    lambda note, by: review.reject(note.pk, by, "Twice"),
    sign,
    amend,
    lambda note, by: review.enter_in_error(note.pk, by, "Another patient's"),
]


@pytest.mark.parametrize("touch", TOUCHES)
def test_what_somebody_has_touched_stays_and_the_newer_text_stands_beside_it(
    note: Note, anna: Actor, touch: Does
) -> None:
    touch(note, anna)
    before, there = fresh(note), words(note)
    assert revise(note) == Revised.BESIDE
    after = fresh(note)
    assert words(note) == there
    assert (after.version, after.state, after.holder) == (before.version, before.state, before.holder)
    assert after.offered_version == before.version + 1
    assert told(note)[-1] == ("note.revised", after.offered_version)


def test_of_two_that_nobody_has_decided_about_the_last_is_offered_and_both_are_kept(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    revise(note, LATER)
    assert revise(note, LAST) == Revised.BESIDE
    assert fresh(note).offered_version == 3
    assert versions(note) == [(1, None, 1), (2, None, 2), (3, None, 3)]


def test_what_is_saved_beside_a_newer_text_is_numbered_after_it(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    revise(note)
    review.edit(note.pk, anna, 1, OURS)
    assert versions(note) == [(1, None, 1), (2, None, 2), (3, anna.id, 1)]
    assert (fresh(note).version, fresh(note).offered_version) == (3, 2)


def test_a_note_given_back_untouched_gets_what_comes_next(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    revise(note, LATER)
    review.release(note.pk, anna)
    assert revise(note, LAST) == Revised.REPLACED
    assert (words(note), fresh(note).offered_version) == (said(LAST), None)


# --- What changes nothing
@pytest.mark.parametrize(
    ("later", "as_of", "revised"),
    [
        (FIRST, None, Revised.SAME),
        (FIRST, at(-5), Revised.SAME),
        (BLANK, at(1), Revised.BLANK),
        (text(), None, Revised.BLANK),
        (LATER, at(-1), Revised.OLDER),
    ],
)
def test_what_says_nothing_new_is_not_kept(
    note: Note, later: NoteText, as_of: datetime | None, revised: Revised
) -> None:
    assert revise(note, later, as_of) == revised
    assert versions(note) == [(1, None, 1)]
    assert words(note) == said(FIRST)
    assert told(note) == [("note.created", None)]


@pytest.mark.parametrize("as_of", [at(0), at(1), None])
def test_what_may_be_as_new_is_kept(note: Note, as_of: datetime | None) -> None:
    assert revise(note, LATER, as_of) == Revised.REPLACED


def test_it_is_compared_with_the_vendors_newest_and_not_with_ours(note: Note, anna: Actor) -> None:
    review.edit(note.pk, anna, 1, OURS)
    revise(note, LATER, at(2))
    assert revise(note, LATER, at(3)) == Revised.SAME
    assert revise(note, LAST, at(1)) == Revised.OLDER
    assert revise(note, FIRST, at(4)) == Revised.BESIDE, "the vendor has thought better of it"


def test_another_order_is_another_text(note: Note) -> None:
    assert revise(note, NoteText(FIRST.title, FIRST.sections[::-1])) == Revised.REPLACED
    assert words(note) == said(FIRST)[::-1]


def test_a_request_without_a_note_is_left_out(clinic: Clinic, note: Note) -> None:
    other = origin_of(clinic)
    assert services.revise_notes([(other, LATER, None), (origin(note), LATER, None)]) == {
        note.request_id: Revised.REPLACED
    }
    assert services.judge_revisions({other.request_id: (LATER, None)}) == {}


# --- Supplements
def test_a_supplement_takes_no_place_of_words_and_none_of_a_later_text_that_waits(note: Note, anna: Actor) -> None:
    assert supplement(note, LAST) == Revised.SUPPLEMENT
    assert (words(note), fresh(note).version, fresh(note).offered_version) == (said(FIRST), 1, 2)
    review.claim(note.pk, anna)
    assert revise(note) == Revised.BESIDE
    assert fresh(note).offered_version == 3
    assert supplement(note, text("LETTER: To the surgeon.")) == Revised.SUPPLEMENT
    assert (fresh(note).offered_version, len(versions(note))) == (3, 4)
    assert [row.is_supplement for row in note.versions.order_by("number")] == [False, True, False, True]


def test_newer_words_leave_an_undecided_supplement_beside_them_and_an_undecided_text_not(note: Note) -> None:
    supplement(note, LAST)
    assert revise(note) == Revised.REPLACED
    assert (words(note), fresh(note).version, fresh(note).offered_version) == (said(LATER), 3, 2)
    Note.objects.update(offered_version=1)
    revise(note, FIRST)
    assert (fresh(note).version, fresh(note).offered_version) == (4, None)


def test_a_supplement_is_seen_and_never_taken_over(note: Note, anna: Actor) -> None:
    supplement(note, LAST)
    with pytest.raises(NotNow, match="does not take its place"):
        deciding.take(note.pk, anna, 1, 2)
    deciding.keep(note.pk, anna, 2)
    assert (words(note), fresh(note).offered_version) == (said(FIRST), None)
    assert revise(note) == Revised.REPLACED


# --- For many at once
def test_judging_says_what_would_be_done_and_does_nothing(clinic: Clinic, anna: Actor) -> None:
    free, claimed, blank = (noted(clinic) for _ in range(3))
    review.claim(claimed.pk, anna)
    brought = {free: (LATER, None), claimed: (LATER, None), blank: (BLANK, None)}
    judged = services.judge_revisions({note.request_id: later for note, later in brought.items()})
    assert not NoteVersion.objects.filter(number__gt=1).exists()
    assert judged == services.revise_notes([(origin(note), *later) for note, later in brought.items()])
    assert list(judged.values()) == [Revised.REPLACED, Revised.BESIDE, Revised.BLANK]


def test_fifty_notes_cost_as_many_statements_as_one(clinic: Clinic, anna: Actor) -> None:
    counts = []
    for count in (1, 50):
        notes = [noted(clinic) for _ in range(2 * count)]
        for note in notes[:count]:
            review.claim(note.pk, anna)
        with CaptureQueriesContext(connection) as asked:
            services.judge_revisions({note.request_id: (LATER, None) for note in notes})
            services.revise_notes([(origin(note), LATER, None) for note in notes])
            beside = {note.request_id for note in notes}
            services.revise_notes([(origin(note), LAST, None) for note in notes], beside)
        counts.append(len(asked))
    assert counts[0] == counts[1] < 30


def test_sources_say_nothing_of_lines_that_are_not_kept(note: Note) -> None:
    services.store_transcripts([(origin(note), (Line("Good morning.", "doctor", 0, None),))])
    sourced = NoteText("Knee", (Section("PLAN", "Plan", "Walk.", (0,)),))
    revise(note, sourced)
    assert "sources" not in NoteVersion.objects.get(note=note, number=2).sections[0]


def test_other_words_are_other_than_the_newest(note: Note) -> None:
    revise(note, LATER)
    for again, differing in ((FIRST, {"note"}), (LATER, set())):
        assert services.differing({note.request_id: Result(note=again)})[note.request_id] == differing


# --- Taken over
def test_taken_over_it_is_the_notes_next_version_by_whoever_takes_it(note: Note, anna: Actor) -> None:
    review.edit(note.pk, anna, 1, OURS)
    revise(note)
    deciding.take(note.pk, anna, 2, 3)
    assert words(note) == said(LATER)
    assert versions(note) == [(1, None, 1), (2, anna.id, 1), (3, None, 3), (4, anna.id, 3)]
    assert (fresh(note).version, fresh(note).offered_version, fresh(note).search) == (4, None, None)
    assert done(note) == ["claimed", "edited", "revision_taken"]
    assert told(note)[-1] == ("note.updated", 4)


def test_who_takes_it_over_has_claimed_the_note(note: Note, anna: Actor) -> None:
    review.approve(note.pk, anna)
    revise(note)
    deciding.take(note.pk, anna, 1, 2)
    assert (fresh(note).state, str(fresh(note).holder_id)) == (State.IN_REVIEW, anna.id)


def test_what_follows_began_as_the_text_that_was_taken(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    revise(note, LAST)
    deciding.take(note.pk, anna, 1, 2)
    review.edit(note.pk, anna, 3, Words("Knee", ("Both knees click and ache.",)))
    assert versions(note)[-1] == (4, anna.id, 2)


def test_a_newer_text_still_is_read_first(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    revise(note, LATER)
    revise(note, LAST)
    for decide in (partial(deciding.take, note.pk, anna, 1), partial(deciding.keep, note.pk, anna)):
        with pytest.raises(NotNow, match="a newer text still"):
            decide(2)
    assert fresh(note).offered_version == 3


def test_over_words_that_were_saved_meanwhile_nothing_is_taken(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    revise(note)
    review.edit(note.pk, anna, 1, OURS)
    with pytest.raises(Overtaken):
        deciding.take(note.pk, anna, 1, 2)
    assert words(note)[0] == f"ASSESSMENT: {OURS.texts[0]}"


def test_who_has_the_note_decides(note: Note, anna: Actor, bruno: Actor) -> None:
    review.claim(note.pk, anna)
    revise(note)
    with pytest.raises(NotNow, match="Anna Berg has it now"):
        deciding.take(note.pk, bruno, 1, 2)
    with pytest.raises(NotNow, match="Anna Berg has it now"):
        deciding.keep(note.pk, bruno, 2)


@pytest.mark.parametrize("closed", [sign, amend, lambda note, by: review.reject(note.pk, by, "Twice")])
def test_into_a_note_that_is_closed_nothing_is_taken(note: Note, anna: Actor, closed: Does) -> None:
    closed(note, anna)
    revise(note)
    with pytest.raises(NotNow):
        deciding.take(note.pk, anna, 1, 2)
    assert words(note) == said(FIRST)
    deciding.keep(note.pk, anna, 2)
    assert fresh(note).offered_version is None


def test_what_is_set_aside_changes_no_word_and_is_on_record(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    revise(note)
    deciding.keep(note.pk, anna, 2)
    assert (fresh(note).version, fresh(note).offered_version, words(note)) == (1, None, said(FIRST))
    assert done(note) == ["claimed", "revision_set_aside"]
    with pytest.raises(NotNow, match="decided already"):
        deciding.keep(note.pk, anna, 2)


# --- What was typed meanwhile
def test_a_draft_outlives_that_a_newer_text_is_taken_over(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    review.keep_draft(note.pk, anna, 1, OURS)
    revise(note)
    deciding.take(note.pk, anna, 1, 2)
    draft = Draft.objects.get()
    assert (draft.based_on, draft.texts) == (1, list(OURS.texts))
    review.approve(note.pk, anna)
    with pytest.raises(NotNow, match="not saved"):
        review.sign(note.pk, anna, 3)


def test_the_last_words_typed_may_arrive_after_the_newer_text_was_taken_over(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    revise(note)
    deciding.take(note.pk, anna, 1, 2)
    assert review.keep_draft(note.pk, anna, 1, OURS, Tab(), autosaved=True)
    with pytest.raises(Overtaken):
        review.edit(note.pk, anna, 1, OURS)


def test_whoever_typed_into_words_that_were_replaced_keeps_what_they_typed(note: Note, anna: Actor) -> None:
    revise(note)
    with pytest.raises(Overtaken):
        review.edit(note.pk, anna, 1, OURS)
    assert review.keep_draft(note.pk, anna, 1, OURS)


# --- Approved as it came
def test_only_the_vendors_newest_words_are_approved_unread(clinic: Clinic, anna: Actor) -> None:
    replaced, offered, taken = (noted(clinic) for _ in range(3))
    revise(replaced)
    review.approve(replaced.pk, anna, unchanged=True)
    review.keep_draft(offered.pk, anna, 1, OURS)
    revise(offered)
    with pytest.raises(NotNow, match="has sent a newer text"):
        review.approve(offered.pk, anna, unchanged=True)
    review.claim(taken.pk, anna)
    revise(taken)
    deciding.take(taken.pk, anna, 1, 2)
    with pytest.raises(NotNow, match="open it"):
        review.approve(taken.pk, anna, unchanged=True)


# --- Races
def at_once(*does: Callable[[], object]) -> list[Any]:
    """What each gives, or raises of what people are told."""
    ready, gave = Barrier(len(does)), dict[int, Any]()

    def run(place: int, do: Callable[[], object]) -> None:
        ready.wait()
        try:
            gave[place] = do()
        except (NotNow, Overtaken) as refusal:
            gave[place] = refusal
        finally:
            connection.close()

    threads = [Thread(target=run, args=one) for one in enumerate(does)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [gave[place] for place in range(len(does))]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(5))
def test_a_person_saves_while_a_newer_text_arrives(clinic: Clinic, _: int) -> None:
    note, anna = noted(clinic), person("Anna", "Berg")
    saved, revised = at_once(lambda: review.edit(note.pk, anna, 1, OURS), lambda: revise(note))
    if revised == Revised.BESIDE:
        assert saved is True
        assert [section.text for section in note.sections.all()] == list(OURS.texts)
        assert versions(note) == [(1, None, 1), (2, anna.id, 1), (3, None, 3)]
    else:
        assert isinstance(saved, Overtaken)
        assert words(note) == said(LATER)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(5))
def test_a_note_is_signed_while_a_newer_text_arrives(clinic: Clinic, _: int) -> None:
    note, anna = noted(clinic), person("Anna", "Berg")
    review.approve(note.pk, anna)
    at_once(lambda: review.sign(note.pk, anna, 1), lambda: revise(note))
    assert (fresh(note).state, fresh(note).version, fresh(note).offered_version) == (State.SIGNED, 1, 2)
    assert words(note) == said(FIRST)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(5))
def test_of_two_that_arrive_at_once_the_later_one_stands(clinic: Clinic, _: int) -> None:
    note = noted(clinic)
    at_once(lambda: revise(note, LAST, at(2)), lambda: revise(note, LATER, at(1)))
    assert words(note) == said(LAST)
    assert fresh(note).version == NoteVersion.objects.filter(note=note).count()


@pytest.mark.django_db(transaction=True)
def test_two_batches_with_the_same_notes_wait_for_each_other(clinic: Clinic) -> None:
    notes = [noted(clinic) for _ in range(20)]
    one = [(origin(note), LATER, at(1)) for note in notes]
    other = [(origin(note), LAST, at(2)) for note in reversed(notes)]
    at_once(lambda: services.revise_notes(one), lambda: services.revise_notes(other))
    assert {tuple(words(note)) for note in notes} == {tuple(said(LAST))}
