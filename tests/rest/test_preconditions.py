"""Nobody overwrites what they have not seen: If-Match on writes. And what a session's change takes and refuses."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connection

from access.models import AccessEntry, Clinic
from feed.models import Event
from ingest.models import AsyncRequest, Session
from tests.factories import AsyncRequestFactory, SessionFactory, SubmissionFactory
from tests.locks import waiting
from tests.rest.api import Api, assert_problem

OTHER = '"0123456789abcdef0123456789abcdef"'
UNMATCHED = [OTHER, "W/{etag}", '""', "", "x", "W/*", "**", '"*"', "{bare}", OTHER + ', W/"x"', '"' * 3]


@pytest.fixture
def session(clinic: Clinic) -> Session:
    made: Session = SessionFactory(clinic=clinic, encounter_ref="visit 7", patient_ref="", clinician_ref="dr-1")
    return made


def patch(api: Api, session: Session, body: Any, match: str | None = "*") -> Any:
    headers = {} if match is None else {"If-Match": match}
    return api.send("PATCH", f"sessions/{session.pk}", body, headers=headers)


def kinds() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


# --- If-Match
def test_a_change_of_what_was_seen_is_made(api: Api, session: Session) -> None:
    seen = api.get(f"sessions/{session.pk}")
    changed = patch(api, session, {"patient_ref": "P-2"}, seen["ETag"])
    assert (changed.status_code, changed.json()) == (200, seen.json() | {"patient_ref": "P-2"})
    assert changed["ETag"] == api.get(f"sessions/{session.pk}")["ETag"] != seen["ETag"]
    assert_problem(patch(api, session, {"patient_ref": "P-3"}, seen["ETag"]), 412)
    assert patch(api, session, {"patient_ref": "P-3"}, f"{OTHER}, {changed['ETag']}").status_code == 200


def test_without_if_match_nothing_is_changed(api: Api, session: Session) -> None:
    problem = assert_problem(patch(api, session, {"patient_ref": "P-2"}, None), 428)
    assert (problem["type"], "If-Match" in problem["detail"]) == ("/problems/precondition-required", True)
    assert (Session.objects.get().patient_ref, kinds()) == ("", [])


@pytest.mark.parametrize("given", UNMATCHED)
def test_what_does_not_match_strongly_changes_nothing(api: Api, session: Session, given: str) -> None:
    etag = api.get(f"sessions/{session.pk}")["ETag"]
    header = given.replace("{etag}", etag).replace("{bare}", etag.strip('"'))
    assert_problem(patch(api, session, {"patient_ref": "P-2"}, header), 412)
    assert (Session.objects.get().patient_ref, kinds()) == ("", [])


@pytest.mark.parametrize(("action", "status"), [("retry", 202), ("cancel", 200)])
def test_an_action_holds_to_an_if_match_that_it_is_given(api: Api, clinic: Clinic, action: str, status: int) -> None:
    request = SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic, failed=True)).request
    address = f"requests/{request.pk}"
    seen = api.get(address)["ETag"]
    for given in (OTHER, f"W/{seen}"):
        assert_problem(api.post(f"{address}/{action}", headers={"If-Match": given}), 412)
    assert AsyncRequest.objects.get().state == "failed"
    done = api.post(f"{address}/{action}", headers={"If-Match": seen})
    assert (done.status_code, done["ETag"]) == (status, api.get(address)["ETag"])
    assert_problem(api.post(f"{address}/{action}", headers={"If-Match": seen}), 412)


def test_what_is_made_comes_with_its_tag(api: Api) -> None:
    opened = api.post("sessions", {"kind": "ambient", "language": "en-US", "consent": True})
    assert opened["ETag"] == api.get(opened["Location"])["ETag"]


# --- What may be changed of a session
def test_a_change_is_told_and_logged(api: Api, session: Session) -> None:
    refs = {"encounter_ref": "visit 8", "patient_ref": " P-1 ", "clinician_ref": "dr-2"}
    assert patch(api, session, refs | {"state": "closed"}).json()["state"] == "closed"
    assert Session.objects.filter(**refs, state="closed").exists()
    assert kinds() == ["session.updated", "session.closed"]
    entry = AccessEntry.objects.get(action="changed")
    assert (entry.object_ids, entry.mode) == ([str(session.pk)], "edited")


@pytest.mark.parametrize("body", [{}, {"state": "open"}, {"encounter_ref": "visit 7", "patient_ref": ""}])
def test_what_changes_nothing_is_neither_told_nor_logged(api: Api, session: Session, body: Any) -> None:
    assert patch(api, session, body).status_code == 200
    assert (kinds(), AccessEntry.objects.filter(action="changed").exists()) == ([], False)


def test_a_closed_session_is_closed_again_and_still_corrected(api: Api, session: Session) -> None:
    Session.objects.update(state="closed")
    assert patch(api, session, {"state": "closed", "encounter_ref": "visit 8"}).status_code == 200
    assert kinds() == ["session.updated"]


@pytest.mark.parametrize(("before", "after"), [("closed", "open"), ("closed", "recording"), ("open", "recording")])
def test_a_session_can_only_be_closed(api: Api, session: Session, before: str, after: str) -> None:
    Session.objects.update(state=before)
    assert_problem(patch(api, session, {"state": after, "encounter_ref": "visit 8"}), 409)
    assert (Session.objects.get().encounter_ref, Session.objects.get().state) == ("visit 7", before)


def test_a_clinician_stays_while_a_vendor_works_for_them(api: Api, session: Session) -> None:
    request = SubmissionFactory(request=AsyncRequestFactory(session=session)).request
    assert_problem(patch(api, session, {"clinician_ref": "dr-2"}), 409)
    assert patch(api, session, {"clinician_ref": "dr-1", "patient_ref": "P-2"}).status_code == 200
    assert api.post(f"requests/{request.pk}/cancel").status_code == 200
    assert patch(api, session, {"clinician_ref": "dr-2"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"consent": False}, "consent"),
        ({"kind": "dictation"}, "kind"),
        ({"Müller": 1}, "body"),
        ({"\ud800": 1}, "body"),
        ({"": 1}, "body"),
        ({"patient_ref": None}, "patient_ref"),
        ({"patient_ref": "x" * 201}, "patient_ref"),
        ({"encounter_ref": "\0"}, "encounter_ref"),
        ({"clinician_ref": 7}, "clinician_ref"),
        ({"state": "gone"}, "state"),
        ({"state": None}, "state"),
        ([], "body"),
        ("closed", "body"),
    ],
)
def test_what_cannot_be_changed_is_refused(api: Api, session: Session, body: Any, field: str) -> None:
    assert_problem(patch(api, session, body), 422, field)
    assert kinds() == []


def test_a_refusal_names_what_can_be_changed(api: Api, session: Session) -> None:
    problem = assert_problem(patch(api, session, {"consent": False}), 422, "consent")
    assert "encounter_ref, patient_ref, clinician_ref, state" in problem["errors"][0]["detail"]


# --- Two at once
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("action", "is_failed", "status"), [("cancel", False, 200), ("retry", True, 202)])
def test_of_two_who_act_at_once_upon_the_same_view_one_does(
    api: Api, clinic: Clinic, action: str, is_failed: bool, status: int
) -> None:
    request = SubmissionFactory(request__session__clinic=clinic, request__failed=is_failed).request
    path, answers = f"requests/{request.pk}", list[int]()
    seen = api.get(path)["ETag"]

    def act() -> None:
        answers.append(api.post(f"{path}/{action}", headers={"If-Match": seen}).status_code)
        connection.close()

    threads = [threading.Thread(target=act) for _ in range(2)]
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT FROM ingest_asyncrequest WHERE id = %s FOR NO KEY UPDATE", [request.pk])
        for thread in threads:
            thread.start()
        waiting(2)
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == [status, 412]


@pytest.mark.django_db(transaction=True)
def test_of_changes_at_once_from_the_same_view_one_is_made(api: Api, session: Session) -> None:
    seen, begin = api.get(f"sessions/{session.pk}")["ETag"], threading.Barrier(8)

    def change(number: int) -> int:
        begin.wait(60)
        try:
            return int(patch(api, session, {"patient_ref": f"P-{number}"}, seen).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(change, range(8))) == [200, *[412] * 7]
    assert kinds() == ["session.updated"]
