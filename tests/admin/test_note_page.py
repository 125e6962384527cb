"""A note's page: what it offers to whom, and that nothing that was typed is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.models import AccessEntry, Clinic, User
from notes import pdf, review
from notes.models import Draft, Note, NoteVersion
from notes.paper import paper
from tests.admin.conftest import member, signed_in
from tests.admin.rows import list_of, page_of
from tests.factories import (
    PASSWORD,
    MembershipFactory,
    NoteFactory,
    NoteSectionFactory,
    NoteVersionFactory,
    TranscriptFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

State = Note.State


@pytest.fixture
def note(clinic: Clinic) -> Note:
    made: Note = NoteFactory(request__session__clinic=clinic, request__session__encounter_ref="enc-77")
    return made


@pytest.fixture
def anna(clinic: Clinic) -> User:
    person: User = MembershipFactory(clinic=clinic, user__first_name="Anna", user__last_name="Berg").user
    return person


@pytest.fixture
def desk(anna: User) -> Client:
    return signed_in(anna)


def words(text: str = "The right knee hurts.", based_on: int = 1, **more: str) -> dict[str, str]:
    return {"based_on": str(based_on), "title": "Knee pain", "text-0": text, **more}


def save(desk: Client, note: Note, **changes: Any) -> Any:
    return desk.post(page_of(note, "save"), words(**changes), follow=True)


def told(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def press(desk: Client, note: Note, action: str, **answers: str) -> list[str]:
    answers = {"action": action, "confirm": "yes", **answers}
    return told(desk.post(page_of(note, "press"), answers, follow=True))


def offered(desk: Client, note: Note) -> set[str]:
    """The words on the bar's buttons and links."""
    page = desk.get(page_of(note))
    words = {label for _, label in page.context["buttons"]} | {label for _, label in page.context["ways"]}
    return words | ({"Save"} if page.context["may_edit"] else set())


def fresh(note: Note) -> Note:
    return Note.objects.get(pk=note.pk)


OFFERED = [
    (State.NEEDS_REVIEW, {"Claim", "Reject", "Save"}),
    (State.APPROVED, {"Sign and lock", "Claim", "Reject", "Save"}),
    (State.SIGNED, {"Add an addendum", "Entered in error"}),
    (State.AMENDED, {"Add an addendum", "Entered in error"}),
    (State.REJECTED, {"Take up again", "Entered in error"}),
    (State.ENTERED_IN_ERROR, set()),
]


@pytest.mark.parametrize(("state", "does"), OFFERED)
def test_it_offers_what_makes_sense(desk: Client, viewer: Client, clinic: Clinic, state: str, does: set[str]) -> None:
    signed = {"signed_at": timezone.now(), "signed_by": UserFactory()} if state in ("signed", "amended") else {}
    note = NoteFactory(request__session__clinic=clinic, state=state, **signed)
    assert offered(desk, note) == does
    assert offered(viewer, note) == set()


def test_a_note_in_review_is_its_reviewers_and_others_take_it_over(desk: Client, clinic: Clinic, note: Note) -> None:
    press(desk, note, "claim")
    assert offered(desk, note) == {"Release", "Reject", "Save"}
    colleague = member(clinic, "reviewer")
    assert offered(colleague, note) == {"Take over"}
    assert "Anna Berg has it in review." in colleague.get(page_of(note)).content.decode()
    assert press(colleague, note, "take_over") == ["You have it now."]
    assert press(desk, note, "release") != ["Others may claim it now."]
    assert press(colleague, note, "release") == ["Others may claim it now."]


def test_next_unreviewed_is_claimed_and_opened(desk: Client, note: Note, anna: User) -> None:
    assert desk.post("/admin/notes/note/next/").headers["Location"] == page_of(note)
    assert fresh(note).holder == anna
    assert told(desk.post("/admin/notes/note/next/", follow=True)) == ["No note waits for review."]


# --- Correcting
def test_what_was_corrected_shows_beside_what_the_vendor_wrote(desk: Client, note: Note) -> None:
    assert told(save(desk, note)) == ["It is saved."]
    page = desk.get(page_of(note)).content.decode()
    assert "The <del>left</del><ins>right</ins> knee hurts." in page
    version = desk.get(page_of(note).replace("change/", "versions/2/")).content.decode()
    assert "The <del>left</del><ins>right</ins> knee hurts." in version
    assert "Anna Berg" in version
    assert desk.get(page_of(note).replace("change/", "versions/3/")).status_code == 404


def test_approve_saves_too(desk: Client, note: Note) -> None:
    assert told(save(desk, note, then="approve")) == ["It is approved."]
    assert (fresh(note).state, fresh(note).version) == (State.APPROVED, 2)


def test_what_a_browser_gives_back_otherwise_is_no_correction(desk: Client, clinic: Clinic) -> None:
    note = NoteFactory(request__session__clinic=clinic, title="Two\n lines ", text="One.\r\nTwo.\n\rThree.")
    sent = {"based_on": "1", "title": "Two lines", "text-0": "One.\r\nTwo.\r\n\r\nThree."}
    assert told(desk.post(page_of(note, "save"), sent, follow=True)) == ["Nothing was changed."]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"based_on": "1", "title": "x"},
        {"based_on": "1", "text-0": "x"},
        {"based_on": "-1", "title": "x", "text-0": "x"},
        {"based_on": "9" * 30, "title": "x", "text-0": "x"},
        {"based_on": "one", "title": "x", "text-0": "x"},
        {"based_on": "0", "title": "x", "text-0": "x"},
        {"based_on": "2", "title": "x", "text-0": "x"},
    ],
)
def test_what_no_page_of_ours_sends_is_refused_in_words(desk: Client, note: Note, sent: dict[str, str]) -> None:
    assert "Nothing" not in str(told(desk.post(page_of(note, "save"), sent, follow=True)))
    assert desk.post(page_of(note, "draft"), sent).status_code == 422
    assert fresh(note).version == 1
    assert not Draft.objects.exists()


def test_a_character_that_postgresql_has_not_is_replaced(desk: Client, note: Note) -> None:
    save(desk, note, text="a\0b")
    assert fresh(note).sections.get().text == "a\ufffdb"


def test_over_a_newer_version_both_are_shown_and_nothing_is_lost(desk: Client, anna: User, note: Note) -> None:
    save(desk, note)
    shown = save(desk, note, text="The left elbow hurts.")
    page = shown.content.decode()
    assert shown.redirect_chain == [(page_of(note, "conflict"), 302)]
    assert "The <del>right knee</del><ins>left elbow</ins> hurts." in page
    assert fresh(note).sections.get().text == "The right knee hurts."
    assert told(save(desk, note, text="The right knee and the left elbow hurt.", based_on=2)) == ["It is saved."]
    assert not Draft.objects.exists()


def test_whose_note_was_taken_over_keeps_what_they_typed(desk: Client, clinic: Clinic, note: Note) -> None:
    press(desk, note, "claim")
    press(member(clinic, "reviewer"), note, "take_over")
    assert "Take it over" in told(save(desk, note))[0]
    assert "The right knee hurts." in desk.get(page_of(note)).content.decode()
    assert Draft.objects.get().texts == ["The right knee hurts."]


def test_a_draft_is_on_the_page_again_and_can_be_discarded(desk: Client, viewer: Client, note: Note) -> None:
    assert desk.post(page_of(note, "draft"), words("The right k")).json()["said"].startswith("Draft kept, ")
    page = desk.get(page_of(note)).content.decode()
    assert "words here that are not saved" in page
    assert "\nThe right k</textarea>" in page
    assert "The right k<" not in viewer.get(page_of(note)).content.decode()
    assert told(desk.post(page_of(note, "discard"), follow=True)) == ["Your draft is discarded."]
    assert "not saved" not in desk.get(page_of(note)).content.decode()


def test_a_draft_over_a_newer_version_is_told_of(desk: Client, clinic: Clinic, note: Note) -> None:
    save(member(clinic, "reviewer"), note)
    assert "Version 2 was saved meanwhile" in desk.post(page_of(note, "draft"), words("Other.")).json()["said"]
    press(desk, note, "take_over")
    assert "see both" in desk.get(page_of(note)).content.decode()


def test_words_typed_before_a_colleague_signed_can_be_copied(desk: Client, note: Note, anna: User) -> None:
    desk.post(page_of(note, "draft"), words("The right k"))
    signed = {"state": "signed", "signed_at": timezone.now(), "signed_by": UserFactory()}
    Note.objects.filter(pk=note.pk).update(**signed)
    page = desk.get(page_of(note)).content.decode()
    assert "never saved" in page
    assert "readonly" in page


def test_what_is_too_long_is_refused_and_kept(desk: Client, note: Note) -> None:
    assert "200,000 characters at most" in told(save(desk, note, text="x" * 300_000))[0]
    assert Draft.objects.get().texts == ["x" * 300_000]


def test_saving_what_is_approved_as_it_stands_leaves_it_approved(desk: Client, clinic: Clinic, note: Note) -> None:
    save(desk, note, text="The left knee hurts.", then="approve")
    assert told(save(member(clinic, "reviewer"), note, text="The left knee hurts.")) == ["Nothing was changed."]
    assert fresh(note).state == State.APPROVED


def test_a_conflict_leaves_alone_what_one_has_not_touched(desk: Client, clinic: Clinic) -> None:
    note = NoteFactory(request__session__clinic=clinic)
    NoteSectionFactory(note=note, position=2, key="PLAN", title="Plan", text="Rest.")
    first = [{"key": section.key, "title": section.title, "text": section.text} for section in note.sections.all()]
    NoteVersion.objects.filter(note=note).update(sections=first)
    save(desk, note, **{"text-1": "Rest."})
    sent = {"based_on": "1", "title": "Knee pain", "text-0": "The left knee hurts.", "text-1": "Walk."}
    shown = desk.post(page_of(note, "save"), sent, follow=True)
    assert [text for _, _, text, _ in shown.context["both"]] == ["The right knee hurts.", "Walk."]
    assert AccessEntry.objects.filter(mode="conflict").count() == 1


def test_what_was_on_its_way_when_its_typist_saved_is_no_draft(desk: Client, clinic: Clinic, note: Note) -> None:
    save(desk, note)
    desk.post(page_of(note, "draft"), words("The right k"))
    assert not Draft.objects.exists()


# --- In two tabs
def opened(desk: Client, note: Note, page: str = "change") -> dict[str, str]:
    """What a tab sends along that has the note's page open now."""
    shown = desk.get(page_of(note, page)).content.decode()
    found = re.findall('<input type="hidden" name="(tab|draft)" value="([^"]*)">', shown)
    return dict(found)


def test_the_tab_that_came_second_is_told_that_it_is_not_kept(desk: Client, note: Note) -> None:
    one, other = opened(desk, note), opened(desk, note)
    for tab, text, status in ((one, "One", 200), (other, "Other", 409), (one, "One and more", 200)):
        answer = desk.post(page_of(note, "draft"), words(text) | tab)
        assert answer.status_code == status
        assert ("in another tab as well" in answer.json()["said"]) == (status == 409)
    assert Draft.objects.get().texts == ["One and more"]


def test_a_page_that_shows_a_draft_goes_on_from_it(desk: Client, note: Note) -> None:
    desk.post(page_of(note, "draft"), words("The right k") | opened(desk, note))
    assert desk.post(page_of(note, "draft"), words("The right knee") | opened(desk, note)).status_code == 200
    assert Draft.objects.get().texts == ["The right knee"]


@pytest.mark.parametrize("tab", [{"tab": "\0", "draft": "yesterday"}, {"tab": "9" * 99, "draft": "2026-99-99T00:00Z"}])
def test_a_tab_that_is_none_knows_no_draft(desk: Client, note: Note, tab: dict[str, str]) -> None:
    desk.post(page_of(note, "draft"), words("One") | opened(desk, note))
    assert desk.post(page_of(note, "draft"), words("Other") | tab).status_code == 409


def test_what_was_typed_in_another_tab_is_not_discarded(desk: Client, note: Note) -> None:
    stale = opened(desk, note)
    desk.post(page_of(note, "draft"), words("One") | opened(desk, note))
    assert "typed more in another tab" in told(desk.post(page_of(note, "discard"), stale, follow=True))[0]
    assert told(desk.post(page_of(note, "discard"), opened(desk, note), follow=True)) == ["Your draft is discarded."]


def test_what_is_typed_beside_a_newer_version_goes_on_from_the_draft(desk: Client, clinic: Clinic, note: Note) -> None:
    tab = opened(desk, note)
    save(desk, note)
    save(desk, note, text="The left elbow hurts.", **tab)
    both = opened(desk, note, "conflict")
    assert desk.post(page_of(note, "draft"), words("Both.", based_on=2) | both).status_code == 200
    assert told(save(desk, note, text="Both hurt.", based_on=2, **both)) == ["It is saved."]
    assert not Draft.objects.exists()


# --- What it comes to
def sign(desk: Client, note: Note, password: str = PASSWORD, version: int = 1) -> Any:
    return desk.post(page_of(note, "sign"), {"password": password, "version": version}, follow=True)


def test_signing_takes_the_signers_own_password(desk: Client, note: Note, anna: User) -> None:
    save(desk, note, text="The left knee hurts.", then="approve")
    assert "This is not your password." in sign(desk, note, "guess").content.decode()
    assert fresh(note).state == State.APPROVED
    assert told(sign(desk, note)) == ["It is signed and locked."]
    assert (fresh(note).state, fresh(note).signed_by) == (State.SIGNED, anna)
    assert AccessEntry.objects.filter(action="signed", object_ids=[str(note.pk)], actor_id=str(anna.pk)).count() == 1


def test_guessing_at_the_signers_password_locks_the_account(desk: Client, note: Note, settings: Any) -> None:
    save(desk, note, text="The left knee hurts.", then="approve")
    for _ in range(settings.SIGN_IN_FAILURES):
        sign(desk, note, "guess")
    assert sign(desk, note).status_code in (200, 429)
    assert fresh(note).state == State.APPROVED


def test_only_the_version_that_was_seen_is_signed(desk: Client, note: Note) -> None:
    save(desk, note, then="approve")
    assert f'{page_of(note, "sign")}?version=2"' in desk.get(page_of(note)).content.decode()
    for seen in ({}, {"version": "1"}):
        assert desk.get(page_of(note, "sign"), seen).headers["Location"] == page_of(note)
    assert "It was changed since you opened this page." in sign(desk, note, version=1).content.decode()
    assert fresh(note).state == State.APPROVED


def test_an_addendum_is_on_the_page_and_on_paper(desk: Client, note: Note) -> None:
    save(desk, note, text="The left knee hurts.", then="approve")
    sign(desk, note)
    desk.post(page_of(note, "addendum"), {"text": "The right one too."})
    for page in ("change", "print"):
        shown = desk.get(page_of(note, page)).content.decode()
        assert "The right one too." in shown
        assert "Addendum 1, Anna Berg" in shown


def test_what_must_not_be_used_says_so_on_the_page_and_on_paper(desk: Client, note: Note) -> None:
    assert "Preliminary: not signed." in desk.get(page_of(note, "print")).content.decode()
    desk.post(page_of(note, "error"), {"reason": "Another patient's"})
    for page, words in (("change", "Entered in error:"), ("print", "Entered in error: do not use.")):
        shown = desk.get(page_of(note, page)).content.decode()
        assert words in shown
        assert "Another patient&#x27;s" in shown


def test_a_rejection_needs_a_reason(desk: Client, note: Note) -> None:
    asked = desk.post(page_of(note, "press"), {"action": "reject"})
    assert b"Reason" in asked.content
    assert b"required" in desk.post(page_of(note, "press"), {"action": "reject", "confirm": "yes"}).content
    assert fresh(note).state == State.NEEDS_REVIEW
    assert press(desk, note, "reject", reason="A test recording") == ["It is rejected."]
    assert "A test recording" in desk.get(page_of(note)).content.decode()


# --- Several at once
def act(desk: Client, action: str, notes: list[Note], **answers: str) -> list[str]:
    sent = {"action": action, "_selected_action": [note.pk for note in notes], "confirm": "yes", **answers}
    return told(desk.post(list_of("notes_note"), sent, follow=True))


def test_several_are_claimed_approved_and_rejected_at_once(desk: Client, clinic: Clinic, anna: User) -> None:
    notes: list[Note] = [NoteFactory(request__session__clinic=clinic) for _ in range(3)]
    assert act(desk, "claim", notes) == ["You have claimed it. (3 of them)"]
    review.edit(notes[0].pk, review_by(anna), 1, review.Words("Knee pain", ("Corrected.",)))
    said = act(desk, "approve_unchanged", notes)
    assert said == [
        "It is approved as the vendor wrote it. (2 of them)",
        "Not done: Its words were changed: open it to approve it.",
    ]
    assert act(desk, "reject", notes, reason="Twice") == ["It is rejected. (3 of them)"]
    assert {note.reason for note in Note.objects.all()} == {"Twice"}


def review_by(user: User) -> Any:
    from access.log import Actor, Kind

    return Actor(Kind.USER, str(user.pk))


def test_no_list_signs(desk: Client, note: Note) -> None:
    for action in ("sign", "addendum", "error", "take_over"):
        act(desk, action, [note])
        assert fresh(note).state == State.NEEDS_REVIEW


# --- Reading
def test_every_opening_is_in_the_access_log(viewer: Client, note: Note) -> None:
    TranscriptFactory(request=note.request)
    for page in ("change", "print", "pdf"):
        viewer.get(page_of(note, page))
    viewer.get(page_of(note).replace("change/", "versions/1/"))
    entries = AccessEntry.objects.order_by("pk").values_list("action", "object_type", "mode")
    assert list(entries) == [
        ("read", "note", ""),
        ("read", "transcript", ""),
        ("read", "note", "print"),
        ("exported", "note", "pdf"),
        ("read", "note", "version 1"),
    ]


def test_the_pdf_is_one_whatever_the_note_says(viewer: Client, clinic: Clinic) -> None:
    hostile = '#panic() *x* $y$ \\ "quoted" ] [ { 日本 العربية µg ≥ \u200b\ufffd'
    note = NoteFactory(request__session__clinic=clinic, title=hostile, text=f"{hostile}\n\n- {hostile}")
    answer = viewer.get(page_of(note, "pdf"))
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert hostile not in answer.headers["Content-Disposition"]


def test_the_pdf_is_made_for_screen_readers_too(note: Note) -> None:
    made = pdf.pdf(paper(Note.objects.get(pk=note.pk)))
    assert b"/Lang" in made
    assert b"/MarkInfo" in made, "it is tagged"


def test_no_word_of_the_note_is_in_an_address_or_a_title(desk: Client, note: Note) -> None:
    for page in ("change", "print", "sign", "error"):
        shown = desk.get(page_of(note, page), {"version": "1"}).content.decode()
        title = shown[shown.index("<title>") : shown.index("</title>")]
        assert "Knee" not in title
        assert "knee" not in "".join(part.split('"')[0] for part in shown.split('href="')[1:])


def test_a_note_whose_sections_changed_since_version_1_is_shown(desk: Client, note: Note) -> None:
    NoteSectionFactory(note=note, position=2, key="PLAN", title="Plan", text="Rest.")
    now = [{"key": section.key, "title": section.title, "text": section.text} for section in note.sections.all()]
    NoteVersionFactory(note=note, number=2, sections=now)
    Note.objects.filter(pk=note.pk).update(version=2)
    assert "<ins>Rest.</ins>" in desk.get(page_of(note)).content.decode()
    assert desk.get(page_of(note).replace("change/", "versions/2/")).status_code == 200
    assert NoteVersion.objects.count() == 2


def test_a_note_that_no_pdf_can_be_made_of_says_so_and_is_quoted_nowhere(
    viewer: Client, clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    note = NoteFactory(request__session__clinic=clinic, language="nonsense", text="Canary phrase.")
    assert "print it from the browser" in told(viewer.get(page_of(note, "pdf"), follow=True))[0]
    assert "Canary" not in caplog.text
