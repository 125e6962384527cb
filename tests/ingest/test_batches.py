"""Callbacks processed together: few statements, the same ends as one by one, and one bad row set aside alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.models import Clinic
from config import leases
from feed.models import Event
from ingest import processing
from ingest.models import AsyncRequest, Callback, Submission
from notes.models import Note, NoteSection, NoteVersion, Transcript
from tests.factories import CallbackFactory, OrphanFactory, SessionFactory, SubmissionFactory

pytestmark = pytest.mark.django_db

LINE = {"text": "My knee hurts.", "speaker": "patient", "start_offset_ms": 0, "end_offset_ms": 900}
SECTIONS = [{"key": "PLAN", "title": "Plan", "text": "Rest."}, {"key": "VITALS", "title": "", "text": "Fine."}]


def success(title: str = "Visit", **more: object) -> dict[str, object]:
    return {"transcript": [LINE], "note": {"title": title, "sections": SECTIONS}} | more


FAILURE: dict[str, object] = {"error_code": 83006}


def a_try(clinic: Clinic, **fields: Any) -> Submission:
    session = SessionFactory(clinic=clinic)
    row: Submission = SubmissionFactory(request__session=session, request__waiting=True, state="waiting", **fields)
    return row


def stored(submission: Submission, *bodies: dict[str, object]) -> list[Callback]:
    return [CallbackFactory(submission=submission, body=json.dumps(body).encode()) for body in bodies]


def posted(clinic: Clinic, proof: str, **body: Any) -> Callback:
    """Proven by something else than the ticket of a try."""
    row: Callback = OrphanFactory(clinic=clinic, proven_by=proof, body=json.dumps(body).encode(), state="stored")
    return row


def processed(rows: Sequence[Callback]) -> list[str]:
    """Processes what is due, and gives the rows' states."""
    processing.process_due()
    for row in rows:
        row.refresh_from_db()
    return [row.state for row in rows]


def test_each_gets_what_it_brought_and_nothing_of_its_neighbours(clinic: Clinic, other_clinic: Clinic) -> None:
    rows = [
        *stored(a_try(clinic), success("First")),
        *stored(a_try(other_clinic), success("Second")),
        *stored(a_try(clinic), {"transcript": []}),
        *stored(a_try(clinic), FAILURE),
        *stored(a_try(clinic), {"error_code": "nonsense", "request_id": "R-1"}),
    ]
    assert processed(rows) == ["applied"] * 5
    for row, title in zip(rows, ["First", "Second"], strict=False):
        note = Note.objects.get(request=row.request_id)
        transcript = Transcript.objects.get(request=row.request_id)
        assert (note.title, note.clinic_id, note.session_id) == (title, row.clinic_id, note.request.session_id)
        assert transcript.lines == [LINE]
        assert [(one.position, one.text) for one in note.sections.all()] == [(1, "Rest."), (2, "Fine.")]
        assert NoteVersion.objects.get(note=note).sections == SECTIONS
    requests: Any = AsyncRequest.objects.in_bulk([str(row.request_id) for row in rows])
    ends = [(requests[row.request_id].state, requests[row.request_id].failure_code) for row in rows]
    assert ends == [("ready", ""), ("ready", ""), ("failed", "incomplete"), ("failed", "83006"), ("failed", "unknown")]
    assert Submission.objects.get(pk=str(rows[-1].submission_id)).vendor_request_id == "R-1"
    told = dict(Event.objects.values_list("object_id", "kind"))
    assert [told[row.request_id] for row in rows] == ["request.ready"] * 2 + ["request.failed"] * 3  # type: ignore[index]


def test_the_events_of_a_result_are_in_their_order(clinic: Clinic) -> None:
    (row,) = stored(a_try(clinic), success())
    assert processed([row]) == ["applied"]
    told = Event.objects.filter(clinic=clinic).order_by("id").values_list("kind", "object_id", "data")
    of_session = {"session": str(AsyncRequest.objects.get().session_id)}
    of_request = of_session | {"request": str(row.request_id)}
    assert list(told) == [
        ("transcript.created", Transcript.objects.get().pk, of_request),
        ("note.created", Note.objects.get().pk, of_request),
        ("request.ready", row.request_id, of_session),
    ]


def test_fifty_take_as_many_statements_as_one(clinic: Clinic) -> None:
    counts = []
    for size in (1, 10, 50):
        rows = [row for _ in range(size) for row in stored(a_try(clinic), success())]
        claimed = leases.claim(Callback, lease=processing.LEASE, limit=size)
        with CaptureQueriesContext(connection) as asked:
            processing.process(claimed)
        assert {Callback.objects.get(pk=row.pk).state for row in rows} == {"applied"}
        counts.append(len(asked))
    assert counts[0] == counts[1] == counts[2]


def test_one_that_the_database_refuses_is_set_aside_alone(clinic: Clinic) -> None:
    rows = [row for title in ("a", "bad", "c", "d") for row in stored(a_try(clinic), success(title))]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE notes_note ADD CONSTRAINT refuse CHECK (title <> 'bad') NOT VALID")
    assert processed(rows) == ["applied", "stored", "applied", "applied"]
    assert "IntegrityError" in rows[1].problem
    assert rows[1].next_attempt_at
    assert rows[1].next_attempt_at > timezone.now()
    assert [row.attempts for row in rows] == [1, 1, 1, 1]
    assert set(Note.objects.values_list("title", flat=True)) == {"a", "c", "d"}
    assert Transcript.objects.count() == 3
    assert NoteSection.objects.count() == 6


def test_one_whose_lease_was_lost_is_left_to_its_new_holder(clinic: Clinic) -> None:
    rows = [row for _ in range(3) for row in stored(a_try(clinic), success())]
    claimed = leases.claim(Callback, lease=processing.LEASE, limit=3)
    other = "00000000-0000-0000-0000-000000000001"
    Callback.objects.filter(pk=rows[1].pk).update(lease_token=other)
    processing.process(claimed)
    assert processed(rows) == ["applied", "stored", "applied"]
    assert str(rows[1].lease_token) == other
    assert not Note.objects.filter(request=rows[1].request).exists()


def test_junk_and_what_used_up_its_attempts_end_beside_the_others(clinic: Clinic) -> None:
    bodies: list[dict[str, object]] = [{}, success(), {"note": 5}]
    rows = [row for body in bodies for row in stored(a_try(clinic), body)]
    (worn,) = stored(a_try(clinic), success())
    Callback.objects.filter(pk=worn.pk).update(attempts=processing.ATTEMPTS)
    assert processed([*rows, worn]) == ["junk", "applied", "junk", "failed"]
    assert rows[2].problem == "note: not an object"
    assert rows[2].submission_id


@pytest.mark.parametrize(
    ("bodies", "states"),
    [
        ([FAILURE, success()], ["applied", "applied"]),
        ([success(), FAILURE], ["applied", "not_applied"]),
        ([success(), success(more="")], ["applied", "duplicate"]),
        ([success(), success("Other")], ["applied", "conflict"]),
        ([{"transcript": [LINE]}, {"note": {"sections": []}}], ["applied", "applied"]),
        ([FAILURE, {**FAILURE, "more": ""}, success()], ["applied", "duplicate", "applied"]),
    ],
)
def test_several_of_one_request_end_as_if_they_had_come_alone(
    clinic: Clinic, bodies: list[dict[str, object]], states: list[str]
) -> None:
    submission = a_try(clinic)
    rows = stored(submission, *bodies)
    neighbours = [row for _ in range(2) for row in stored(a_try(clinic), success())]
    assert processed([*rows, *neighbours]) == [*states, "applied", "applied"]
    assert AsyncRequest.objects.get(pk=submission.request_id).state == "ready"
    assert Note.objects.filter(request=submission.request_id).count() == 1


def test_of_two_tries_answered_together_the_first_wins(clinic: Clinic) -> None:
    first = a_try(clinic)
    second = SubmissionFactory(request=first.request, number=2, state="queued")
    rows = [*stored(first, success("First")), *stored(second, success("Second"))]
    assert processed(rows) == ["applied", "not_applied"]
    second.refresh_from_db()
    assert (second.state, second.next_attempt_at) == ("replaced", None)


def backlog_behind(oldest: Callback, count: int) -> None:
    """So many for nobody, due just after it."""
    same = {name: getattr(oldest, name) for name in ("clinic_id", "vendor", "proven_by", "body", "digest", "size")}
    Callback.objects.bulk_create(
        Callback(
            **same,
            proven_id=oldest.proven_id,
            event_id=str(number),
            received_at=oldest.received_at,
            next_attempt_at=oldest.received_at + timedelta(microseconds=number + 1),
        )
        for number in range(count)
    )


def test_one_requests_answers_keep_their_order_behind_a_backlog(clinic: Clinic) -> None:
    (first,) = stored(a_try(clinic), success())
    backlog_behind(first, processing.BATCH)
    submission = a_try(clinic)
    (older,) = stored(submission, success("The first stands"))
    Callback.objects.filter(pk=older.pk).update(next_attempt_at=first.received_at + timedelta(microseconds=65))
    newer = stored(submission, success("Another"))[0]
    assert processed([older, newer]) == ["applied", "conflict"]
    assert Note.objects.get(request=submission.request_id).title == "The first stands"


def test_the_newest_are_taken_though_newer_ones_were_tried_before(clinic: Clinic) -> None:
    (oldest,) = stored(a_try(clinic), success())
    backlog_behind(oldest, processing.BATCH + 8)
    (fresh,) = stored(a_try(clinic), success())
    retried = stored(a_try(clinic), success())[0]
    Callback.objects.filter(pk=retried.pk).update(attempts=2)
    assert processing.process_due(processing.BATCH + 1)
    fresh.refresh_from_db()
    assert fresh.state == "applied"


def test_the_newest_are_not_kept_waiting_by_a_backlog(clinic: Clinic) -> None:
    """Older ones by the hundred are due; two batches later the newest are done, and so are the oldest."""
    (oldest,) = stored(a_try(clinic), success())
    backlog_behind(oldest, 3 * processing.BATCH)
    newest = [row for _ in range(5) for row in stored(a_try(clinic), success())]
    assert processing.process_due(2 * processing.BATCH)
    for row in [oldest, *newest]:
        row.refresh_from_db()
    assert [row.state for row in [oldest, *newest]] == ["applied"] * 6
    assert Callback.objects.filter(state="stored").count() == processing.BATCH + 6


# --- Parts of one answer, by several ways
OTHER = {**LINE, "text": "My elbow hurts."}


@pytest.mark.parametrize(
    ("again", "state"),
    [
        ({"note": success()["note"]}, "duplicate"),
        ({"transcript": [LINE]}, "duplicate"),
        ({"transcript": [{**LINE, "speaker": "doctor"}]}, "conflict"),
        ({"note": {"title": "Visit", "sections": SECTIONS[:1]}}, "conflict"),
        (success("Another title"), "conflict"),
    ],
)
def test_what_is_repeated_in_part_is_a_duplicate_unless_it_differs(clinic: Clinic, again: Any, state: str) -> None:
    assert processed(stored(a_try(clinic), success(), again)) == ["applied", state]


def test_a_later_part_that_repeats_another_in_other_words_says_so(clinic: Clinic) -> None:
    submission = a_try(clinic)
    rows = stored(submission, {"transcript": [LINE]}, success(transcript=[OTHER]))
    assert processed(rows) == ["applied", "applied"]
    assert rows[1].problem == "It gives the transcript in other words than before. The first one stands."
    assert Transcript.objects.get(request=submission.request_id).lines == [LINE]
    assert Note.objects.get(request=submission.request_id).title == "Visit"


# --- Proven by something else than a ticket
def test_a_signed_answer_is_for_whichever_request_of_its_clinic_it_names(clinic: Clinic, other_clinic: Clinic) -> None:
    ours, elsewhere, theirs = a_try(clinic), a_try(clinic, request__submitted_elsewhere=True), a_try(other_clinic)
    rows = [
        posted(clinic, "account", client_request_id=one.client_request_id, **success())
        for one in (ours, elsewhere, theirs)
    ]
    assert processed(rows) == ["applied", "applied", "orphan"]
    assert [row.submission_id for row in rows] == [ours.pk, elsewhere.pk, None]
    assert rows[2].named_request == theirs.client_request_id


@pytest.mark.parametrize("proof", ["api_key", "application"])
def test_a_partner_answers_only_what_was_submitted_elsewhere(clinic: Clinic, proof: str) -> None:
    tries = [a_try(clinic), a_try(clinic, request__submitted_elsewhere=True)]
    rows = [posted(clinic, proof, client_request_id=one.client_request_id, **success()) for one in tries]
    assert processed(rows) == ["mismatch", "applied"]


def test_answers_without_our_id_are_found_by_the_vendors_in_either_case(clinic: Clinic) -> None:
    first, second = a_try(clinic, vendor_request_id="AbC-1"), a_try(clinic, vendor_request_id="abc-2")
    rows = [posted(clinic, "account", request_id=ref, **success()) for ref in ("abc-1", "ABC-2", "abc-3")]
    assert processed(rows) == ["applied", "applied", "orphan"]
    assert [row.submission_id for row in rows] == [first.pk, second.pk, None]


def test_an_answer_finds_the_vendors_id_that_one_before_it_brought(clinic: Clinic) -> None:
    submission = a_try(clinic)
    named = {"client_request_id": submission.client_request_id, "request_id": "R-7"}
    first = posted(clinic, "account", **named, transcript=[LINE])
    second = posted(clinic, "account", request_id="r-7", note={"sections": []})
    assert processed([first, second]) == ["applied", "applied"]
    assert AsyncRequest.objects.get(pk=submission.request_id).state == "ready"


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_apply_everything_once(clinic: Clinic) -> None:
    """Each request is answered four times, so that the workers' batches meet at the same requests."""
    tries = [a_try(clinic) for _ in range(40)]
    for body in (FAILURE, success(), success(more=""), success("Other")):
        for submission in tries:
            stored(submission, body)

    def work() -> None:
        while processing.process_due():
            pass
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Note.objects.count() == Transcript.objects.count() == 40
    assert set(AsyncRequest.objects.values_list("state", flat=True)) == {"ready"}
    assert not Callback.objects.filter(state="stored").exists()
    assert Callback.objects.filter(state="applied").exclude(body=json.dumps(FAILURE).encode()).count() == 40
