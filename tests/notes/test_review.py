"""What people do with a note, over the services that every page calls: who may, in which state, and what stays."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from access.log import Actor, Kind
from access.models import AccessEntry, Clinic, User
from feed.models import Event
from notes import review
from notes.models import Addendum, Draft, Note, NoteVersion
from notes.review import Elsewhere, NotNow, Overtaken, Tab, Words
from tests.factories import NoteFactory, NoteSectionFactory, UserFactory

pytestmark = pytest.mark.django_db

State = Note.State


@pytest.fixture
def note(clinic: Clinic) -> Note:
    made: Note = NoteFactory(request__session__clinic=clinic)
    return made


@pytest.fixture
def anna(db: None) -> Actor:
    return as_actor(UserFactory(first_name="Anna", last_name="Berg"))


@pytest.fixture
def bruno(db: None) -> Actor:
    return as_actor(UserFactory(first_name="Bruno", last_name="Costa"))


def as_actor(user: User) -> Actor:
    return Actor(Kind.USER, str(user.pk))


def new_words(text: str = "The right knee hurts.", title: str = "Knee pain") -> Words:
    return Words(title, (text,))


def fresh(note: Note) -> Note:
    return Note.objects.get(pk=note.pk)


def signed(note: Note, by: Actor) -> None:
    review.approve(note.pk, by)
    review.sign(note.pk, by, fresh(note).version)


def done(note: Note) -> list[tuple[str, str]]:
    entries = AccessEntry.objects.filter(object_ids=[str(note.pk)]).order_by("pk")
    return list(entries.values_list("action", "mode"))


def told(note: Note) -> list[str]:
    return list(Event.objects.filter(object_id=note.pk).order_by("pk").values_list("kind", flat=True))


def test_the_whole_way_is_in_the_access_log_and_in_the_feed(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    review.edit(note.pk, anna, 1, new_words())
    review.approve(note.pk, anna)
    review.sign(note.pk, anna, 2)
    review.amend(note.pk, anna, "The left one too.")
    ways = ["claimed", "edited", "approved"]
    assert done(note) == [*(("changed", way) for way in ways), ("signed", ""), ("changed", "amended")]
    assert told(note) == ["note.in_review", "note.updated", "note.approved", "note.signed", "note.amended"]
    assert fresh(note).state == State.AMENDED
    assert str(fresh(note).signed_by_id) == anna.id


# --- Who has it
def test_a_colleagues_note_is_not_claimed_but_taken_over(note: Note, anna: Actor, bruno: Actor) -> None:
    review.claim(note.pk, anna)
    review.claim(note.pk, anna)  # a repeat is nothing
    with pytest.raises(NotNow, match="Anna Berg has claimed it"):
        review.claim(note.pk, bruno)
    review.take_over(note.pk, bruno)
    with pytest.raises(NotNow, match="Bruno Costa has it now"):
        review.edit(note.pk, anna, 1, new_words())
    assert done(note) == [("changed", "claimed"), ("changed", "taken_over")]


def test_a_released_note_waits_for_anybody(note: Note, anna: Actor, bruno: Actor) -> None:
    review.claim(note.pk, anna)
    with pytest.raises(NotNow):
        review.release(note.pk, bruno)
    review.release(note.pk, anna)
    assert (fresh(note).state, fresh(note).holder) == (State.NEEDS_REVIEW, None)
    review.claim(note.pk, bruno)


def test_the_next_is_the_one_that_has_waited_longest(clinic: Clinic, other_clinic: Clinic, anna: Actor) -> None:
    NoteFactory(request__session__clinic=other_clinic)
    first, second = (NoteFactory(request__session__clinic=clinic) for _ in range(2))
    assert review.claim_next([clinic.pk], anna) == first
    assert review.claim_next([clinic.pk], anna) == second
    assert review.claim_next([clinic.pk], anna) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_each_gets_another_note(clinic: Clinic) -> None:
    for _ in range(4):
        NoteFactory(request__session__clinic=clinic)
    people = [as_actor(UserFactory()) for _ in range(4)]
    got: list[Any] = []
    at_once(lambda by: got.append(review.claim_next([clinic.pk], by)), people)
    assert len({note.pk for note in got}) == 4


def at_once(do: Callable[[Actor], object], people: list[Actor]) -> None:
    ready = Barrier(len(people))

    def run(by: Actor) -> None:
        ready.wait()
        try:
            do(by)
        finally:
            connection.close()

    threads = [Thread(target=run, args=[by]) for by in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- Its words
def test_saving_makes_a_version_and_leaves_the_vendors_own_as_it_was(note: Note, anna: Actor) -> None:
    assert review.edit(note.pk, anna, 1, new_words(title="Right knee"))
    versions = list(NoteVersion.objects.filter(note=note).order_by("number"))
    assert [version.author_id and str(version.author_id) for version in versions] == [None, anna.id]
    assert [version.sections[0]["text"] for version in versions] == ["The left knee hurts.", "The right knee hurts."]
    assert [version.title for version in versions] == ["Knee pain", "Right knee"]
    assert fresh(note).sections.get().text == "The right knee hurts."
    assert fresh(note).search is None, "its words are indexed anew"
    assert fresh(note).state == State.IN_REVIEW, "who corrects it has claimed it"


def test_saving_the_same_words_makes_no_version(note: Note, anna: Actor) -> None:
    assert not review.edit(note.pk, anna, 1, new_words("The left knee hurts."))
    assert NoteVersion.objects.filter(note=note).count() == 1


def test_nobody_saves_over_what_they_have_not_seen(note: Note, anna: Actor) -> None:
    review.edit(note.pk, anna, 1, new_words())
    with pytest.raises(Overtaken):
        review.edit(note.pk, anna, 1, new_words("The elbow hurts."))
    assert fresh(note).sections.get().text == "The right knee hurts."


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_told(clinic: Clinic) -> None:
    note = NoteFactory(request__session__clinic=clinic)
    people = [as_actor(UserFactory()) for _ in range(2)]
    refused: list[Exception] = []

    def save(by: Actor) -> None:
        try:
            review.edit(note.pk, by, 1, new_words(f"By {by.id}."))
        except NotNow as refusal:
            refused.append(refusal)

    at_once(save, people)
    assert len(refused) == 1
    assert NoteVersion.objects.filter(note=note).count() == 2


def test_a_page_with_other_sections_saves_nothing(note: Note, anna: Actor) -> None:
    NoteSectionFactory(note=note, position=2, key="PLAN")
    with pytest.raises(NotNow, match="Load the page again"):
        review.edit(note.pk, anna, 1, new_words())


def test_a_draft_is_its_typists_own_and_goes_when_it_is_saved(note: Note, anna: Actor, bruno: Actor) -> None:
    review.keep_draft(note.pk, anna, 1, new_words("The right k"))
    review.keep_draft(note.pk, bruno, 1, new_words("Other words"))
    review.keep_draft(note.pk, anna, 1, new_words())
    assert Draft.objects.get(user_id=int(anna.id)).texts == ["The right knee hurts."]
    review.edit(note.pk, anna, 1, new_words())
    assert [str(draft.user_id) for draft in Draft.objects.all()] == [bruno.id]


def test_a_draft_that_comes_after_its_words_were_saved_is_none(note: Note, anna: Actor) -> None:
    review.edit(note.pk, anna, 1, new_words())
    review.keep_draft(note.pk, anna, 1, new_words())
    assert not Draft.objects.exists()


def test_a_draft_outlives_that_the_note_is_signed(note: Note, anna: Actor, bruno: Actor) -> None:
    signed(note, bruno)
    review.keep_draft(note.pk, anna, 1, new_words())
    assert Draft.objects.get().texts == ["The right knee hurts."]


# --- In two tabs of one person
ONE, OTHER = Tab(UUID(int=1)), Tab(UUID(int=2))


def autosave(note: Note, by: Actor, text: str, tab: Tab, based_on: int = 1) -> bool:
    return review.keep_draft(note.pk, by, based_on, new_words(text), tab, autosaved=True)


def loaded(tab: Tab) -> Tab:
    """The page, loaded again in that tab: with the draft that there is."""
    return Tab(UUID(int=10 + tab.id.int if tab.id else 0), Draft.objects.get().saved_at)


def test_a_second_tab_does_not_write_over_what_is_typed_in_the_first(note: Note, anna: Actor) -> None:
    autosave(note, anna, "One.", ONE)
    for text in ("Other.", "The left knee hurts."):  # the second is the note's own, which would remove the draft
        with pytest.raises(Elsewhere, match="in another tab as well"):
            autosave(note, anna, text, OTHER)
    assert autosave(note, anna, "One and more.", ONE), "whatever became of the answer before"
    assert Draft.objects.get().texts == ["One and more."]


def test_of_two_tabs_that_began_with_a_draft_the_first_that_types_goes_on_from_it(note: Note, anna: Actor) -> None:
    autosave(note, anna, "The", ONE)
    one, other = loaded(ONE), loaded(OTHER)
    assert autosave(note, anna, "The one.", one)
    for late in (other, ONE):
        with pytest.raises(Elsewhere):
            autosave(note, anna, "The other.", late)
    assert Draft.objects.get().texts == ["The one."]


def test_a_tab_loaded_before_the_last_words_arrived_does_not_write_over_them(note: Note, anna: Actor) -> None:
    autosave(note, anna, "The", ONE)
    reloaded = loaded(ONE)
    autosave(note, anna, "The last words.", ONE)
    with pytest.raises(Elsewhere):
        autosave(note, anna, "The more", reloaded)
    assert autosave(note, anna, "The last words, and more.", loaded(ONE))


def test_a_tab_whose_draft_is_gone_begins_one_anew(note: Note, anna: Actor) -> None:
    autosave(note, anna, "One.", ONE)
    stale = loaded(OTHER)
    assert review.drop_draft(note.pk, anna, ONE)
    assert autosave(note, anna, "Other.", stale)
    with pytest.raises(Elsewhere):
        autosave(note, anna, "One again.", ONE)


def test_a_tab_saves_and_discards_only_the_draft_that_it_knows(note: Note, anna: Actor) -> None:
    autosave(note, anna, "One.", ONE)
    assert not review.drop_draft(note.pk, anna, OTHER)
    assert review.edit(note.pk, anna, 1, new_words("Other."), OTHER)
    assert Draft.objects.get().texts == ["One."]
    assert autosave(note, anna, "One and more.", ONE)
    with pytest.raises(Overtaken):
        review.edit(note.pk, anna, 1, new_words("One and more."), ONE)


def test_a_tab_that_knows_nothing_of_what_its_typist_saved_is_told(note: Note, anna: Actor, bruno: Actor) -> None:
    review.edit(note.pk, anna, 1, new_words(), ONE)
    with pytest.raises(Elsewhere, match="You saved version 2 meanwhile"):
        autosave(note, anna, "Other.", OTHER)
    assert not Draft.objects.exists()
    assert autosave(note, bruno, "A colleague's.", OTHER), "who has saved nothing"


# --- What it comes to
def test_only_what_is_approved_is_signed_and_only_the_version_that_was_seen(note: Note, anna: Actor) -> None:
    review.claim(note.pk, anna)
    with pytest.raises(NotNow, match="Approve it first"):
        review.sign(note.pk, anna, 1)
    review.edit(note.pk, anna, 1, new_words())
    review.approve(note.pk, anna)
    with pytest.raises(Overtaken):
        review.sign(note.pk, anna, 1)
    review.sign(note.pk, anna, 2)
    with pytest.raises(NotNow, match="signed, and locked"):
        review.sign(note.pk, anna, 2)


def test_who_has_words_that_are_not_saved_does_not_sign_without_them(note: Note, anna: Actor) -> None:
    review.approve(note.pk, anna)
    review.keep_draft(note.pk, anna, 1, new_words())
    with pytest.raises(NotNow, match="not saved"):
        review.sign(note.pk, anna, 1)


def test_what_was_corrected_is_not_approved_unchanged(note: Note, anna: Actor) -> None:
    review.edit(note.pk, anna, 1, new_words())
    with pytest.raises(NotNow, match="were changed"):
        review.approve(note.pk, anna, unchanged=True)


def test_what_is_approved_can_be_corrected_and_needs_approval_again(note: Note, anna: Actor, bruno: Actor) -> None:
    review.approve(note.pk, anna)
    review.edit(note.pk, bruno, 1, new_words())
    assert (fresh(note).state, str(fresh(note).holder_id)) == (State.IN_REVIEW, bruno.id)


def test_addenda_are_for_signed_notes_and_count_up(note: Note, anna: Actor) -> None:
    with pytest.raises(NotNow, match="Only signed notes"):
        review.amend(note.pk, anna, "More.")
    signed(note, anna)
    for text in ("First.", "Second."):
        review.amend(note.pk, anna, text)
    assert list(Addendum.objects.order_by("number").values_list("number", "text")) == [(1, "First."), (2, "Second.")]


def test_a_rejected_note_says_why_and_can_be_taken_up_again(note: Note, anna: Actor, bruno: Actor) -> None:
    review.claim(note.pk, anna)
    with pytest.raises(NotNow, match="Anna Berg has it"):
        review.reject(note.pk, bruno, "Twice")
    review.reject(note.pk, anna, "A test recording")
    assert (fresh(note).state, fresh(note).reason) == (State.REJECTED, "A test recording")
    review.take_up(note.pk, bruno)
    assert (fresh(note).state, fresh(note).reason) == (State.NEEDS_REVIEW, "")


def test_nothing_follows_on_what_was_entered_in_error(note: Note, anna: Actor) -> None:
    signed(note, anna)
    review.enter_in_error(note.pk, anna, "Another patient's")
    for do in (lambda: review.amend(note.pk, anna, "x"), lambda: review.claim(note.pk, anna)):
        with pytest.raises(NotNow):
            do()
    assert fresh(note).signed_at, "that it was signed stays"


def test_a_warning_is_set_aside_once_by_whoever_was_first(note: Note, anna: Actor, bruno: Actor) -> None:
    for by in (anna, bruno):
        review.dismiss(note.pk, by, "0" * 32, "Not relevant for the note")
    assert str(note.dismissals.get().author_id) == anna.id
    assert done(note) == [("changed", "warning_dismissed")]
