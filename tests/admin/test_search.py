"""Staff search notes and transcripts by words. No such word stands in an address, and what is shown is logged."""

from __future__ import annotations

import html
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access.desk import searching
from access.models import AccessEntry, Clinic, User
from notes.admin.notes import NoteAdmin
from notes.models import Note, Transcript
from tests.admin.conftest import member, signed_in
from tests.admin.rows import list_of, page_of
from tests.factories import AsyncRequestFactory, MembershipFactory, NoteFactory, TranscriptFactory
from tests.notes.slow import looked_at, make_slow

LISTS = ["notes_note", "notes_transcript"]


def search(client: Client, words: str, name: str = "notes_note", **filters: str) -> Any:
    """The page that follows."""
    return client.post(reverse(f"admin:{name}_search"), {"q": words, **filters}, follow=True)


def shown(client: Client, words: str, name: str = "notes_note", **filters: str) -> str:
    response = search(client, words, name, **filters)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def knee(clinic: Clinic) -> Note:
    request = AsyncRequestFactory(session__clinic=clinic, ready=True)
    TranscriptFactory(request=request, lines=[{"text": "It clicks when I climb stairs.", "speaker": "family_member"}])
    note: Note = NoteFactory(request=request, title="Knee pain", text="The left knee hurts.")
    NoteFactory(request__session__clinic=clinic, title="Elbow", text="The elbow.")
    return note


# --- The match in its place
def test_the_match_is_shown_under_the_notes_title(viewer: Client, knee: Note) -> None:
    page = shown(viewer, "hurting knees")
    assert page_of(knee) in page
    assert page.count("lp-excerpt") == 1
    assert "<strong>Chief complaint:</strong> The left <mark>knee</mark> <mark>hurts</mark>." in page
    assert "1 note" in page


def test_what_was_said_is_shown_with_who_said_it(viewer: Client, knee: Note) -> None:
    said = "<strong>Family member:</strong> It <mark>clicks</mark> when I climb stairs."
    assert said in shown(viewer, "clicking")
    page = shown(viewer, "clicking", "notes_transcript")
    assert said in page
    assert page_of(Transcript.objects.get(request=knee.request)) in page


def test_the_part_that_has_all_the_words_is_shown_before_one_that_has_some(viewer: Client, clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, ready=True)
    TranscriptFactory(request=request, lines=[{"text": "The knee clicks.", "speaker": "patient"}])
    NoteFactory(request=request, title="Knee", text="Left knee.")
    assert "The <mark>knee</mark> <mark>clicks</mark>." in shown(viewer, "knee clicking")


def test_words_without_one_place_are_still_found(viewer: Client, knee: Note) -> None:
    page = shown(viewer, "-elbow")
    assert page_of(knee) in page
    assert "lp-excerpt" not in page


def test_an_excerpt_is_short_and_says_where_the_text_goes_on(viewer: Client, clinic: Clinic) -> None:
    NoteFactory(request__session__clinic=clinic, title="", text=f"{'before ' * 100}the knee {'afterwards ' * 100}")
    page = shown(viewer, "knee")
    excerpt = page.partition('<p class="lp-excerpt">')[2].partition("</p>")[0]
    assert "<mark>knee</mark>" in excerpt
    assert excerpt.endswith(" …")
    assert "</strong> … before" in excerpt
    assert len(excerpt) < 300


@pytest.mark.parametrize("text", ["<script>alert(1)</script> knee", 'knee <b & "c"', "knee \x02<i>\x03 &lt;"])
def test_an_excerpt_is_text(viewer: Client, clinic: Clinic, text: str) -> None:
    NoteFactory(request__session__clinic=clinic, title="", text=text)
    page = shown(viewer, "knee")
    assert "<mark>knee</mark>" in page
    for markup in ("<script>alert", "<b &", "<i>", "\x02", "\x03"):
        assert markup not in page


def test_the_box_holds_the_words_again_as_text(viewer: Client, knee: Note) -> None:
    assert 'value="&quot;left knee&quot; &lt;b&gt;"' in shown(viewer, '"left knee" <b>')


# --- Where it is looked for
@pytest.mark.parametrize("name", LISTS)
def test_another_clinics_words_are_never_found(colleague_elsewhere: Client, knee: Note, name: str) -> None:
    page = shown(colleague_elsewhere, "knee clicks OR climb", name)
    assert "here has these words" in page
    assert "lp-excerpt" not in page


def test_somebody_of_two_clinics_finds_in_both_and_an_operator_in_all(
    operator: Client, clinic: Clinic, other_clinic: Clinic, knee: Note
) -> None:
    other = NoteFactory(request__session__clinic=other_clinic)
    of_both = MembershipFactory(clinic=clinic).user
    MembershipFactory(clinic=other_clinic, user=of_both)
    for client in (signed_in(of_both), operator):
        page = shown(client, "knee")
        assert page_of(knee) in page
        assert page_of(other) in page


def test_filters_and_pages_go_on_with_the_words(viewer: Client, clinic: Clinic) -> None:
    notes = [NoteFactory(request__session__clinic=clinic, template="SOAP") for _ in range(51)]
    NoteFactory(request__session__clinic=clinic, template="OTHER")
    first = search(viewer, "knee", template="SOAP")
    address = first.redirect_chain[0][0]
    assert "template=SOAP" in address
    assert page_of(notes[50]) in first.content.decode()
    assert page_of(notes[0]) not in first.content.decode()
    second = viewer.get(f"{address}&p=2").content.decode()
    assert page_of(notes[0]) in second
    assert page_of(notes[50]) not in second
    assert parse_qs(urlsplit(address).query)["q"][0].rstrip("=") in second


def test_a_search_keeps_to_filters_that_the_list_has(viewer: Client, knee: Note) -> None:
    response = search(viewer, "knee", title__startswith="K", state__exact="needs_review", p="3", e="1")
    assert set(parse_qs(urlsplit(response.redirect_chain[0][0]).query)) == {"q", "state__exact"}


# --- No word in an address
def test_no_word_stands_in_an_address(viewer: Client, knee: Note) -> None:
    response = search(viewer, "knee")
    assert "knee" not in str(response.redirect_chain).lower()
    links = [part.partition('"')[0] for part in response.content.decode().split('href="')[1:]]
    assert not [link for link in links if "knee" in link]


def asked_again(client: Client, sealed: str) -> Any:
    response = client.get(list_of("notes_note"), {"q": sealed, "template": "SOAP"}, follow=True)
    assert response.redirect_chain == [(f"{list_of('notes_note')}?template=SOAP", 302)]
    assert searching.AGAIN in response.content.decode()
    return response


def sealed_by(client: Client, words: str = "knee") -> str:
    address = search(client, words).redirect_chain[0][0]
    return parse_qs(urlsplit(address).query)["q"][0]


@pytest.mark.parametrize("forged", ["knee", "x" * 3000, "gAAAAABm", "é", "=&%"])
def test_a_forged_search_asks_for_the_words_again(viewer: Client, knee: Note, forged: str) -> None:
    asked_again(viewer, forged)


def test_somebody_elses_search_asks_for_the_words_again(viewer: Client, reviewer: Client, knee: Note) -> None:
    asked_again(reviewer, sealed_by(viewer))


def test_a_search_ends_with_the_longest_session(viewer: Client, knee: Note, settings: Any) -> None:
    long_ago = int(time.time()) - settings.SESSION_LONGEST_SECONDS - 1
    person = viewer.session["_auth_user_id"]
    asked_again(viewer, searching.keys().encrypt_at_time(f"{person} knee".encode(), long_ago).decode())


def test_a_search_ends_with_its_key_unless_that_is_kept_for_a_while(
    viewer: Client, clinic: Clinic, knee: Note, settings: Any
) -> None:
    sealed, person = sealed_by(viewer), User.objects.get(pk=viewer.session["_auth_user_id"])
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    assert page_of(knee) in viewer.get(list_of("notes_note"), {"q": sealed}).content.decode()
    settings.SECRET_KEY_FALLBACKS = []
    asked_again(signed_in(person), sealed)


# --- Words that find nothing
@pytest.mark.parametrize("words", ["the", "and the", "?!...", "knee\0", "'", '"', "\\", "-", "OR", "😀", "knee " * 40])
@pytest.mark.parametrize("name", LISTS)
def test_whatever_is_typed_gets_a_plain_answer(viewer: Client, knee: Note, words: str, name: str) -> None:
    response = search(viewer, words, name)
    assert response.status_code == 200


@pytest.mark.parametrize("words", ["x" * 201, "knee\0"])
def test_what_is_too_long_or_no_text_is_told(viewer: Client, knee: Note, words: str) -> None:
    response = search(viewer, words)
    assert searching.NOT_SO in response.content.decode()
    assert response.redirect_chain == [(list_of("notes_note"), 302)]


def test_no_words_show_the_whole_list(viewer: Client, knee: Note) -> None:
    response = search(viewer, "  ")
    assert response.redirect_chain == [(list_of("notes_note"), 302)]
    assert "2 notes" in response.content.decode()


def test_nothing_found_is_said(viewer: Client, knee: Note) -> None:
    assert "No note here has these words." in shown(viewer, "shoulder")
    assert "No note here has these words." in shown(viewer, "the")


# --- The access log
def logged() -> list[tuple[str, str, str, set[str]]]:
    entries = AccessEntry.objects.filter(action="read").order_by("object_type")
    return [(entry.object_type, entry.mode, entry.actor_kind, set(entry.object_ids)) for entry in entries]


def test_showing_matches_is_a_reading(viewer: Client, clinic: Clinic, knee: Note) -> None:
    other = NoteFactory(request__session__clinic=clinic, text="The other knee.")
    shown(viewer, "knee")
    assert logged() == [("note", "search", "user", {str(knee.pk), str(other.pk)})]


def test_a_transcript_whose_words_are_shown_is_read_too(viewer: Client, knee: Note) -> None:
    shown(viewer, "clicks")
    said = Transcript.objects.get(request=knee.request)
    assert logged() == [
        ("note", "search", "user", {str(knee.pk)}),
        ("transcript", "search", "user", {str(said.pk)}),
    ]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_and_a_search_for_nothing_are_no_readings(viewer: Client, knee: Note, name: str) -> None:
    shown(viewer, "shoulder", name)
    viewer.get(list_of(name))
    assert logged() == []


def test_each_clinics_log_names_its_own_rows(
    clinic: Clinic, other_clinic: Clinic, knee: Note, operator: Client
) -> None:
    other = NoteFactory(request__session__clinic=other_clinic)
    shown(operator, "knee")
    ids = {entry.clinic_id: set(entry.object_ids) for entry in AccessEntry.objects.filter(mode="search")}
    assert ids == {clinic.pk: {str(knee.pk)}, other_clinic.pk: {str(other.pk)}}


# --- What it costs
def test_a_search_costs_the_same_queries_however_much_it_finds(
    clinic: Clinic, knee: Note, django_assert_num_queries: Any
) -> None:
    viewer = member(clinic, "viewer")
    address = search(viewer, "knee").redirect_chain[0][0]
    with CaptureQueriesContext(connection) as few:
        viewer.get(address)
    for _ in range(20):
        request = AsyncRequestFactory(session__clinic=clinic, ready=True)
        TranscriptFactory(request=request)
        NoteFactory(request=request)
    with django_assert_num_queries(len(few)):
        assert viewer.get(address).content.decode().count("lp-excerpt") == 21


def test_what_is_found_beyond_the_last_page_is_guessed(
    viewer: Client, clinic: Clinic, knee: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching.FoundList, "MOST", 2)
    newest: list[UUID] = [NoteFactory(request__session__clinic=clinic).pk for _ in range(2)]
    page = shown(viewer, "knee")
    assert "The newest 2 of about" in page
    assert str(knee.pk) not in page
    assert all(str(pk) in page for pk in newest)


# --- What would take too long
@pytest.fixture
def slow(knee: Note, monkeypatch: pytest.MonkeyPatch) -> Note:
    """One note takes a second to look at, as many thousands would."""
    make_slow()
    find = NoteAdmin.find

    def find_slowly(page: NoteAdmin, request: HttpRequest, rows: Any, words: str) -> Any:
        return find(page, request, looked_at(rows, knee.pk, 1), words)

    monkeypatch.setattr(NoteAdmin, "find", find_slowly)
    return knee


def test_a_search_that_takes_too_long_says_how_far_it_looked_and_goes_on_when_asked(
    viewer: Client, clinic: Clinic, slow: Note
) -> None:
    Clinic.objects.update(time_zone="Asia/Kolkata")
    newer = NoteFactory(pk=UUID(int=(slow.pk.int >> 80) + 9_000_000 << 80), request__session__clinic=clinic)
    page = shown(viewer, "knee")
    assert page_of(newer) in page
    assert page_of(slow) not in page
    assert re.search(r"Looked back to \d+ \w+ \d{4}, \d\d:\d\d\.", page)
    further = re.search(r'href="(\?[^"]*thoroughly=yes[^"]*)" data-further>Looking further back', page)
    assert further
    page = viewer.get(list_of("notes_note") + html.unescape(further[1])).content.decode()
    assert page_of(slow) in page
    assert "Looked back" not in page


def test_also_one_that_was_asked_to_take_its_time_ends(
    viewer: Client, slow: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notes.admin.searching.THOROUGHLY", 0.1)
    sealed = sealed_by(viewer)
    page = viewer.get(list_of("notes_note"), {"q": sealed, "thoroughly": "yes"}).content.decode()
    assert "narrow the list by a day or a filter" in page
    assert "No note since then has these words" in page
    assert "data-further" not in page
