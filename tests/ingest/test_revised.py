"""A vendor's later text of a note that is there: what its answer ends as, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access import log
from config import leases
from feed.models import Event
from ingest import processing, replays
from ingest.models import Callback, Submission
from notes.models import Note, NoteSection, NoteVersion, Transcript
from tests.factories import CallbackFactory, UserFactory
from tests.ingest.conftest import came, fresh, waiting_at_exchange
from tests.ingest.scripted_vendor import ExchangeVendor, Script, part

pytestmark = pytest.mark.django_db
NOON, LATER, EARLIER = "2026-11-22T12:00:00Z", "2026-11-22T12:30:00Z", "2026-11-22T11:30:00Z"


@pytest.fixture
def ready(script: Script) -> Submission:
    row = waiting_at_exchange()
    came(row, part(transcript="My knee hurts.", note="Rest.", as_of=NOON))
    return row


def text() -> str:
    return Note.objects.get().sections.get().text


def texts() -> list[str]:
    versions = NoteVersion.objects.order_by("number").values_list("sections", flat=True)
    return [sections[0]["text"] if sections else "" for sections in versions]


def claimed() -> None:
    Note.objects.update(state="in_review", holder=UserFactory())


def test_a_later_text_takes_the_place_of_one_that_nobody_has_touched(ready: Submission) -> None:
    newer = came(ready, part(note="Rest and ice.", as_of=LATER))
    assert (newer.state, newer.problem) == ("applied", "")
    assert (text(), texts()) == ("Rest and ice.", ["Rest.", "Rest and ice."])
    assert (fresh(ready.request).state, fresh(ready).state) == ("ready", "answered")
    assert Event.objects.filter(kind="request.ready").count() == 1


def test_it_stands_beside_one_that_is_under_review(ready: Submission) -> None:
    claimed()
    newer = came(ready, part(note="Rest and ice.", as_of=LATER))
    assert (newer.state, newer.problem) == (
        "applied",
        "A newer text of the note: it is kept beside the one under review.",
    )
    assert (text(), texts()) == ("Rest.", ["Rest.", "Rest and ice."])


@pytest.mark.parametrize(
    ("body", "state", "problem"),
    [
        (part(note="", as_of=LATER), "not_applied", "A blank repeat of the note. The fuller one stands."),
        (part(note="Ice.", as_of=EARLIER), "not_applied", "An older text of the note than the one that is kept."),
        (part(note="Rest.", as_of=LATER), "duplicate", "It says what was applied already."),
        (
            part(note="Rest.", transcript="Something else."),
            "conflict",
            "A second answer that differs from the first. The first one stands.",
        ),
    ],
)
def test_what_is_no_newer_text_is_not_kept(ready: Submission, body: bytes, state: str, problem: str) -> None:
    second = came(ready, body)
    assert (second.state, second.problem) == (state, problem)
    assert (text(), texts()) == ("Rest.", ["Rest."])


def test_a_newer_note_with_another_transcript_is_kept_and_says_so(ready: Submission) -> None:
    newer = came(ready, part(note="Rest and ice.", transcript="Something else.", as_of=LATER))
    assert (newer.state, newer.problem) == (
        "applied",
        "It gives the transcript in other words than before. The first one stands.",
    )
    assert text() == "Rest and ice."
    assert Transcript.objects.get().lines[0]["text"] == "My knee hurts."


def test_a_first_note_may_be_blank_and_a_fuller_one_follow(script: Script) -> None:
    row = waiting_at_exchange(request__output_objects=["note"])
    assert came(row, part(note="")).state == "applied"
    assert fresh(row.request).state == "ready"
    assert not Note.objects.get().sections.exists()
    assert came(row, part(note="Rest.")).state == "applied"
    assert text() == "Rest."


def test_a_text_is_revised_while_its_transcript_is_waited_for(script: Script) -> None:
    row = waiting_at_exchange()
    came(row, part(note="Rest.", as_of=NOON))
    assert came(row, part(note="", as_of=LATER)).state == "not_applied"
    assert came(row, part(note="Rest and ice.", as_of=LATER)).state == "applied"
    assert (text(), fresh(row.request).state) == ("Rest and ice.", "waiting")
    both = came(row, part(note="Rest, ice and walks.", transcript="My knee hurts.", as_of=LATER))
    assert (both.state, both.problem) == ("applied", "")
    assert (text(), fresh(row.request).state) == ("Rest, ice and walks.", "ready")


def test_what_is_cancelled_gets_no_newer_text(ready: Submission) -> None:
    Submission.objects.update(state="cancelled")
    type(ready.request).objects.update(state="cancelled")
    assert came(ready, part(note="Rest and ice.", as_of=LATER)).state == "not_applied"
    assert texts() == ["Rest."]


# --- What supplements a note
def supplement(text: str, **more: str) -> bytes:
    return part(note=text, supplement="yes", **more)


@pytest.mark.parametrize("touch", [claimed, lambda: None])
def test_a_supplement_stands_beside_the_note_whoever_has_it(ready: Submission, touch: Callable[[], None]) -> None:
    touch()
    beside = came(ready, supplement("A letter.", as_of=LATER))
    assert (beside.state, beside.problem) == ("applied", "A supplement to the note: it is kept beside it.")
    assert (text(), texts(), Note.objects.get().offered_version) == ("Rest.", ["Rest.", "A letter."], 2)
    assert fresh(ready.request).state == "ready"


def test_one_that_comes_before_its_note_is_processed_again_when_that_is_there(script: Script) -> None:
    row = waiting_at_exchange()
    early = came(row, supplement("A letter."))
    assert (early.state, early.problem) == (
        "not_applied",
        "It supplements a note that has not come yet. Process it again once the note is here.",
    )
    assert (Note.objects.exists(), fresh(row.request).state) == (False, "waiting")
    came(row, part(transcript="My knee hurts.", note="Rest."))
    assert list(replays.replay(row.clinic_id, Callback.objects.filter(pk=early.pk), "one", log.command()))
    processing.process_due()
    assert (fresh(early).state, texts(), text()) == ("applied", ["Rest.", "A letter."], "Rest.")


def test_one_that_comes_while_the_transcript_is_waited_for_is_no_end_of_that(script: Script) -> None:
    row = waiting_at_exchange()
    came(row, part(note="Rest."))
    assert came(row, supplement("A letter.", transcript="What nobody said.")).state == "applied"
    assert (Transcript.objects.exists(), fresh(row.request).state) == (False, "waiting")
    came(row, part(transcript="My knee hurts."))
    assert fresh(row.request).state == "ready"


def test_it_makes_no_later_text_an_older_one_nor_a_repeat_of_the_note_a_newer_one(ready: Submission) -> None:
    came(ready, supplement("A letter.", as_of="2026-11-22T13:00:00Z"))
    assert came(ready, part(note="Rest.", as_of=LATER)).state == "duplicate"
    assert came(ready, part(note="Ice.", as_of=EARLIER)).state == "not_applied"
    assert came(ready, part(note="Rest and ice.", as_of=LATER)).state == "applied"
    assert (text(), Note.objects.get().offered_version) == ("Rest and ice.", 2)


@pytest.mark.parametrize(
    ("note", "state"), [("A letter.", "duplicate"), ("Rest.", "duplicate"), ("", "not_applied"), ("More.", "applied")]
)
def test_one_that_says_what_was_said_or_nothing_is_not_kept(ready: Submission, note: str, state: str) -> None:
    came(ready, supplement("A letter."))
    assert came(ready, supplement(note, again="1")).state == state
    assert len(texts()) == (3 if state == "applied" else 2)


def test_where_a_vendor_answers_once_another_text_is_a_conflict(ready: Submission, monkeypatch: Any) -> None:
    monkeypatch.setattr(ExchangeVendor, "answers_once", True)
    assert came(ready, part(note="Rest and ice.", as_of=LATER)).state == "conflict"
    assert texts() == ["Rest."]


def test_fifty_newer_texts_take_as_many_statements_as_one(script: Script) -> None:
    counts = []
    for size in (1, 50):
        rows = [waiting_at_exchange(f"session-{size}-{number}") for number in range(size)]
        for row in rows:
            came(row, part(row.vendor_request_id, transcript="My knee hurts.", note="Rest."))
        for row in rows:
            CallbackFactory(submission=row, proven_by="polled", body=part(row.vendor_request_id, note="Ice."))
        due = leases.claim(Callback, lease=processing.LEASE, limit=size)
        with CaptureQueriesContext(connection) as asked:
            processing.process(due)
        revised = NoteSection.objects.filter(note__request__in=[row.request_id for row in rows])
        assert list(revised.values_list("text", flat=True)) == ["Ice."] * size
        counts.append(len(asked))
    assert counts[0] == counts[1]
