from __future__ import annotations

from datetime import UTC, datetime

import pytest

from access.models import Clinic
from notes.models import Addendum, Note
from tests.factories import NoteFactory, NoteSectionFactory, TranscriptFactory, UserFactory
from tests.rest.api import Api

SECTION = {"key": "CHIEF_COMPLAINT", "title": "Chief complaint", "text": "The left knee hurts."}


@pytest.fixture
def note(clinic: Clinic) -> Note:
    return NoteFactory(request__session__clinic=clinic)


def test_a_note_is_shown_with_its_sections_in_order(api: Api, note: Note) -> None:
    NoteSectionFactory(note=note, position=3, key="odd key", title="", text="")
    NoteSectionFactory(note=note, position=2, key="PLAN", title="Plan", text="Rest.")
    assert api.get(f"notes/{note.pk}").json() == {
        "id": str(note.pk),
        "session": str(note.session_id),
        "request": str(note.request_id),
        "title": "Knee pain",
        "template": "GENERAL_MEDICINE",
        "language": "en-US",
        "state": "needs_review",
        "fhir_status": "preliminary",
        "reason": "",
        "version": 1,
        "sections": [
            SECTION,
            {"key": "PLAN", "title": "Plan", "text": "Rest."},
            {"key": "odd key", "title": "", "text": ""},
        ],
        "addenda": [],
        "created_at": note.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": note.updated_at.isoformat().replace("+00:00", "Z"),
        "signed_at": None,
        "signed_by": None,
        "revision": None,
    }


def test_a_signed_note_names_its_signer(api: Api, clinic: Clinic) -> None:
    signer = UserFactory(username="dr.grey")
    at = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    note = NoteFactory(request__session__clinic=clinic, state="signed", signed_by=signer, signed_at=at)
    shown = api.get(f"notes/{note.pk}").json()
    assert (shown["signed_by"], shown["signed_at"]) == ("dr.grey", "2026-03-01T09:30:00Z")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("in_review", "preliminary"),
        ("approved", "preliminary"),
        ("signed", "final"),
        ("amended", "amended"),
        ("rejected", "entered-in-error"),
        ("entered_in_error", "entered-in-error"),
    ],
)
def test_every_state_has_its_word_in_fhir(api: Api, clinic: Clinic, state: str, said: str) -> None:
    signed = {"signed_by": UserFactory(), "signed_at": datetime(2026, 3, 1, tzinfo=UTC)}
    note = NoteFactory(
        request__session__clinic=clinic, state=state, **(signed if state in ("signed", "amended") else {})
    )
    assert api.get(f"notes/{note.pk}").json()["fhir_status"] == said


def test_addenda_come_with_the_sections(api: Api, note: Note) -> None:
    author = UserFactory(username="dr.grey")
    for number in (2, 1):
        Addendum.objects.create(note=note, clinic=note.clinic, number=number, text=f"More {number}", author=author)
    shown = api.get(f"notes/{note.pk}").json()["addenda"]
    assert [(one["number"], one["text"], one["author"]) for one in shown] == [
        (1, "More 1", "dr.grey"),
        (2, "More 2", "dr.grey"),
    ]


def test_a_list_gives_sections_and_transcripts_when_asked(api: Api, note: Note, clinic: Clinic) -> None:
    transcript = TranscriptFactory(request=note.request)
    plain = api.get("notes").json()["results"][0]
    assert not {"sections", "transcript"} & plain.keys()
    with_both = api.get("notes?include=sections,transcript").json()["results"][0]
    assert with_both["sections"] == [SECTION]
    assert with_both["transcript"]["id"] == str(transcript.pk)
    assert with_both["transcript"]["items"][1]["text"] == "My knee hurts."
    assert api.get("notes?include=sections").json()["results"][0] == plain | {"sections": [SECTION], "addenda": []}


def test_a_note_without_transcript_says_so(api: Api, note: Note) -> None:
    assert api.get(f"notes/{note.pk}?include=transcript").json()["transcript"] is None


def test_notes_are_listed_by_session_and_state(api: Api, note: Note, clinic: Clinic) -> None:
    other = NoteFactory(request__session__clinic=clinic, state="rejected")
    NoteFactory()
    assert api.ids("notes") == [str(other.pk), str(note.pk)]
    assert api.ids(f"notes?session={note.session_id}") == [str(note.pk)]
    assert api.ids("notes?state=rejected") == [str(other.pk)]
    assert api.ids(f"notes?state=rejected&session={note.session_id}") == []


@pytest.mark.parametrize(
    ("since", "found"),
    [
        ("2026-03-01T09:30:00Z", True),
        ("2026-03-01T10:30:00%2B01:00", True),
        ("2026-03-01T10:30:00+01:00", True),
        ("2026-03-01T09:30:00.000001Z", False),
    ],
)
def test_notes_are_listed_since_a_change(api: Api, note: Note, since: str, found: bool) -> None:
    Note.objects.update(updated_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
    assert bool(api.ids(f"notes?updated_since={since}")) is found


def test_a_stranger_lists_and_finds_nothing(stranger: Api, note: Note) -> None:
    for query in ("", "?q=knee", f"?session={note.session_id}", "?include=sections,transcript"):
        assert stranger.ids(f"notes{query}") == []


@pytest.mark.parametrize(
    ("language", "text", "query", "found"),
    [
        ("en-US", "The knees were hurting", "knee hurts", True),
        ("en-US", "The knees were hurting", "elbow", False),
        ("en-US", "The knees were hurting", "knee -hurt", False),
        ("en-US", "The knees were hurting", '"hurting knees"', False),
        ("en-US", "The knees were hurting", "elbow OR knee", True),
        ("en", "The knees were hurting", "hurt", True),
        ("fr-FR", "Les douleurs thoraciques", "douleur thoracique", True),
        ("FR-fr", "Les douleurs thoraciques", "douleur -thoracique", False),
        ("es-MX", "Dolores de cabeza", "dolor", True),
        ("de-DE", "Die Knie schmerzen", "schmerzen", True),
        ("de-DE", "Die Knie schmerzen", "schmerz", False),
        ("enm", "Kneowe", "kneowe", True),
    ],
)
def test_a_note_is_found_by_words_of_its_own_language(
    api: Api, clinic: Clinic, language: str, text: str, query: str, found: bool
) -> None:
    NoteFactory(request__session__clinic=clinic, language=language, title="", text=text)
    assert bool(api.ids(f"notes?q={query}")) is found


@pytest.mark.parametrize("query", ["'", '"', "-", "the", "!!! & | <-> ( ) :*", "\\", "%", "😀", "OR OR", "a" * 200])
def test_no_query_breaks_the_search(api: Api, note: Note, query: str) -> None:
    assert api.get("notes", query_params={"q": query}).status_code == 200
