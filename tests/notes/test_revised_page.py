"""A vendor's later text on the desk: who is told of it where, who decides, and that nothing typed is lost by it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access.log import Actor, Kind
from access.models import Clinic, User
from notes import review
from notes.models import Draft, Note
from notes.paper import paper
from tests.admin.conftest import member, signed_in
from tests.admin.rows import list_of, page_of
from tests.factories import PASSWORD, MembershipFactory
from tests.notes.revised import FIRST, LAST, LATER, fresh, noted, revise, said, supplement, text, versions, words
from tests.rest.api import Api

pytestmark = pytest.mark.django_db

NEWS = "The vendor has sent a newer text of this note on"


@pytest.fixture
def anna(clinic: Clinic) -> User:
    person: User = MembershipFactory(clinic=clinic, user__first_name="Anna", user__last_name="Berg").user
    return person


@pytest.fixture
def desk(anna: User) -> Client:
    return signed_in(anna)


@pytest.fixture
def viewer(clinic: Clinic) -> Client:
    return member(clinic, "viewer")


@pytest.fixture
def note(clinic: Clinic, anna: User) -> Note:
    """Anna has claimed it, then the vendor sent another text."""
    made = noted(clinic)
    review.claim(made.pk, Actor(Kind.USER, str(anna.pk)))
    revise(made)
    return fresh(made)


def shown(desk: Client, note: Note, page: str = "change") -> str:
    return desk.get(page_of(note, page)).content.decode()


def offers(desk: Client, note: Note) -> list[str]:
    return re.findall(r'name="decision" value="\w+" class="[^"]*">([^<]+)<', shown(desk, note))


def decide(desk: Client, note: Note, decision: str, version: int = 2, based_on: int = 1, **more: Any) -> list[str]:
    answers = {"decision": decision, "version": version, "based_on": based_on} | more
    answer = desk.post(page_of(note, "revision"), answers, follow=True)
    assert answer.redirect_chain == [(page_of(note), 302)]
    return told(answer)


def told(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_a_supplement_is_shown_as_it_is_and_not_to_be_taken_over(desk: Client, clinic: Clinic) -> None:
    made = noted(clinic)
    supplement(made, LAST)
    page = shown(desk, made)
    assert "The vendor has sent a supplement to this note on" in page
    assert "What it would change" not in page
    assert "Take it over" not in page
    assert all(section.text in page for section in LAST.sections)
    assert 'value="keep" class="button">Seen' in page


def save(desk: Client, note: Note, based_on: int, *texts: str, **more: str) -> Any:
    fields = {f"text-{place}": text for place, text in enumerate(texts)}
    return desk.post(page_of(note, "save"), {"based_on": based_on, "title": "Knee"} | fields | more, follow=True)


def keep_draft(desk: Client, note: Note, based_on: int, *texts: str) -> int:
    fields = {f"text-{place}": text for place, text in enumerate(texts)}
    answer = desk.post(page_of(note, "draft"), {"based_on": based_on, "title": "Knee"} | fields)
    return answer.status_code


# --- Who is told
def test_the_page_shows_what_it_would_change_word_by_word(desk: Client, viewer: Client, note: Note) -> None:
    for reader in (desk, viewer):
        page = shown(reader, note)
        assert NEWS in page
        assert "The <del>left</del><ins>right</ins> knee clicks." in page
        assert "<ins>None.</ins>" in page, "a section that is new"


def test_sections_that_it_has_no_more_are_shown_as_taken_out(desk: Client, note: Note) -> None:
    revise(note, LAST)
    assert "<del>Rest.</del>" in shown(desk, note)


def test_one_that_differs_in_no_word_says_so(desk: Client, note: Note) -> None:
    revise(note, text(*reversed(said(FIRST))))
    assert "Its words are those of the note." in shown(desk, note)


def test_a_note_without_one_says_nothing_of_it(desk: Client, clinic: Clinic) -> None:
    other = noted(clinic)
    revise(other)  # nobody had touched it
    assert NEWS not in shown(desk, other)
    assert ">newer text<" not in desk.get(list_of("notes_note")).content.decode()


def test_lists_and_the_front_page_lead_to_it(desk: Client, clinic: Clinic, note: Note) -> None:
    other = noted(clinic)
    for address, found in ((list_of("notes_note"), [note, other]), (f"{list_of('notes_note')}?newer=yes", [note])):
        page = desk.get(address).content.decode()
        assert [row for row in (note, other) if page_of(row) in page] == found
        assert page.count(">newer text</span>") == 1
    front = desk.get(reverse("admin:index")).content.decode()
    assert re.search(r'newer=yes"><strong>1</strong> <span>have a newer text from the vendor<', front)


def test_it_costs_a_list_no_statement_and_its_filter_takes_an_index_of_its_own(
    desk: Client, clinic: Clinic, note: Note
) -> None:
    counts = []
    for query in ("", "?newer=yes"):
        for more in (0, 5):
            for _ in range(more):
                revise(rejected(clinic))
            with CaptureQueriesContext(connection) as asked:
                desk.get(list_of("notes_note") + query)
            counts.append(len(asked))
    assert len(set(counts)) == 1


def rejected(clinic: Clinic) -> Note:
    made = noted(clinic)
    review.reject(made.pk, Actor(Kind.USER, str(MembershipFactory(clinic=clinic).user.pk)), "Twice")
    return made


def test_it_costs_the_page_no_statement(desk: Client, note: Note) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            desk.get(page_of(note))
        counts.append(len(asked))
        decide(desk, note, "keep")
    assert counts[0] == counts[1]


def test_paper_says_no_more_than_that_there_is_one(viewer: Client, note: Note) -> None:
    page = shown(viewer, note, "print")
    assert "The vendor has sent one, which is not on this paper." in page
    assert "right knee" not in page
    assert [part.text for part in paper(note).sections] == ["The left knee clicks.", "Rest."]


def test_other_systems_are_told_that_there_is_one(api: Api, note: Note) -> None:
    for shown in (api.get(f"notes/{note.pk}").json(), api.get("notes").json()["results"][0]):
        received_at = note.versions.get(number=2).created_at.isoformat().replace("+00:00", "Z")
        assert shown["revision"] == {"version": 2, "received_at": received_at}
        assert shown["version"] == 1
    Note.objects.filter(pk=note.pk).update(offered_version=None)
    assert api.get(f"notes/{note.pk}").json()["revision"] is None


# --- Who decides
def test_who_has_the_note_is_asked_and_others_are_told_who_that_is(
    desk: Client, viewer: Client, clinic: Clinic, note: Note
) -> None:
    assert offers(desk, note) == ["Take it over", "Keep ours"]
    colleague = member(clinic, "reviewer")
    for other in (viewer, colleague):
        assert offers(other, note) == []
    assert "Anna Berg decides" in shown(colleague, note)
    assert "Anna Berg has it now" in decide(colleague, note, "take")[0]
    assert decide(colleague, note, "keep")[0].startswith("Not done")
    assert fresh(note).offered_version == 2


def test_a_signed_note_takes_nothing_over(desk: Client, note: Note) -> None:
    save(desk, note, 1, "The left knee clicks.", "Rest.", then="approve")
    page = desk.get(page_of(note, "sign"), {"version": "1"}).content.decode()
    assert "a newer text, which is not what you sign" in page
    desk.post(page_of(note, "sign"), {"password": PASSWORD, "version": 1})
    assert offers(desk, note) == ["Seen"]
    assert "can be an addendum" in shown(desk, note)
    assert decide(desk, note, "take")[0].startswith("Not done: It is signed")
    assert words(note) == said(FIRST)
    assert decide(desk, note, "keep") == ["The note stays as it is."]
    assert NEWS not in shown(desk, note)


def test_taken_over_its_words_are_the_notes(desk: Client, note: Note) -> None:
    assert decide(desk, note, "take") == ["The note has the vendor's newer text now."]
    page = shown(desk, note)
    assert NEWS not in page
    assert "Changed from AI" not in page, "it is as the vendor wrote it"
    assert "Anna Berg, from version 2" in page
    assert words(note) == said(LATER)


def test_what_is_corrected_then_is_compared_with_the_text_that_was_taken(desk: Client, note: Note) -> None:
    decide(desk, note, "take")
    save(desk, note, 3, "The right knee clicks.", "None.", "Rest for two weeks.")
    page = shown(desk, note)
    assert "Rest for <del>a week</del><ins>two weeks</ins>." in page
    assert page.count("Changed from AI") == 1


def test_words_of_ours_are_compared_with_the_text_that_they_began_as(desk: Client, note: Note) -> None:
    save(desk, note, 1, "The left knee aches.", "Rest.")
    page = shown(desk, note)
    assert "The left knee <del>clicks</del><ins>aches</ins>." in page
    version = desk.get(page_of(note).replace("change/", "versions/3/")).content.decode()
    assert "The left knee <del>clicks</del><ins>aches</ins>." in version
    assert "right" not in version, "what the note never had is no version before"


def test_only_what_was_on_the_page_is_decided_about(desk: Client, note: Note) -> None:
    revise(note, LAST)
    assert "newer text still" in decide(desk, note, "take")[0]
    save(desk, note, 1, "The left knee aches.", "Rest.")
    assert "changed since you opened this page" in decide(desk, note, "take", version=3)[0]
    assert decide(desk, note, "take", version=3, based_on=4) == ["The note has the vendor's newer text now."]
    assert "decided already" in decide(desk, note, "keep", version=3)[0]


@pytest.mark.parametrize(
    "sent", [{}, {"decision": "sign"}, {"version": "x"}, {"version": "9" * 30}, {"based_on": ""}, {"version": "-1"}]
)
def test_what_no_page_of_ours_sends_decides_nothing(desk: Client, note: Note, sent: dict[str, str]) -> None:
    answers = {"decision": "take", "version": "2", "based_on": "1"} | sent if sent else {}
    assert "did not say what to do" in told(desk.post(page_of(note, "revision"), answers, follow=True))[0]
    assert fresh(note).offered_version == 2


# --- What was typed
def test_words_typed_into_sections_that_are_gone_are_shown_and_not_lost(desk: Client, note: Note) -> None:
    assert keep_draft(desk, note, 1, "The left knee aches.", "Walk.") == 200
    revise(note, LAST)
    decide(desk, note, "take", version=3)
    page = shown(desk, note)
    assert "see both" in page
    assert "<textarea" not in page, "typing here would write over them"
    both = desk.get(page_of(note, "conflict"))
    assert [mine for _, _, mine, _ in both.context["both"]] == ["The left knee aches."]
    assert both.context["left"] == [("Plan", "Walk.")]
    assert "Walk." in both.content.decode()


def test_words_typed_into_sections_that_moved_go_with_them(desk: Client, note: Note) -> None:
    keep_draft(desk, note, 1, "The left knee clicks.", "Walk.")
    decide(desk, note, "take")
    both = desk.get(page_of(note, "conflict"))
    assert [mine for _, _, mine, _ in both.context["both"]] == ["The right knee clicks.", "None.", "Walk."]
    assert both.context["left"] == []
    saved = save(desk, note, 3, "The right knee clicks.", "None.", "Walk.", **opened(both))
    assert told(saved) == ["It is saved."]
    assert not Draft.objects.exists()


def opened(page: Any) -> dict[str, str]:
    """What the page sends along that says which it is."""
    return dict(re.findall('<input type="hidden" name="(tab|draft)" value="([^"]*)">', page.content.decode()))


def test_what_is_sent_from_a_page_with_the_old_sections_is_kept_with_them(desk: Client, clinic: Clinic) -> None:
    note = noted(clinic)
    revise(note)
    shown = save(desk, note, 1, "The left knee aches.", "Rest.")
    assert shown.redirect_chain == [(page_of(note, "conflict"), 302)]
    assert Draft.objects.get().texts == ["The left knee aches.", "Rest."]
    assert words(note) == said(LATER)


def test_who_may_not_change_the_note_finds_such_words_too(desk: Client, anna: User, note: Note) -> None:
    keep_draft(desk, note, 1, "The left knee aches.", "Walk.")
    revise(note, LAST)
    decide(desk, note, "take", version=3)
    review.release(note.pk, Actor(Kind.USER, str(anna.pk)))
    review.reject(note.pk, Actor(Kind.USER, str(anna.pk)), "Twice")
    assert "see both" in shown(desk, note)
    assert "Walk." in shown(desk, note, "conflict")
    assert versions(note)[-1][0] == 4
