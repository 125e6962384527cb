"""Recordings over REST: listed, shown, adopted, and links given to them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from access.log import Actor
from access.models import AccessEntry, ApiKey, Clinic
from recordings import archive, handing
from recordings.models import Recording
from tests.factories import SessionFactory, VendorAccountFactory
from tests.recordings.conftest import a_recording
from tests.recordings.store import Keeper, Store, gone, pending
from tests.rest.api import Api, a_key, assert_problem

pytestmark = pytest.mark.django_db
SHAPE = {
    "id",
    "session",
    "vendor",
    "state",
    "available_until",
    "archived_at",
    "sha256",
    "bytes",
    "duration_ms",
    "parts",
}


def link(api: Api, recording: Recording, query: str = "") -> Any:
    return api.post(f"recordings/{recording.pk}/link{query}")


def given(answer: Any) -> Any:
    assert answer.status_code == 200, answer.content
    (one,) = answer.json()["recordings"]
    assert set(one) == {"recording_id", "presigned_url", "expires_at", "sequence_number"}
    assert (one["recording_id"], one["sequence_number"]) == ("part-one", 1)
    return one


# --- Shown
def test_a_recording_is_shown_as_it_stands(api: Api, recording: Recording, store: Store) -> None:
    shown = api.get(f"recordings/{recording.pk}").json()
    assert set(shown) >= SHAPE
    assert (shown["state"], shown["sha256"], shown["bytes"], shown["parts"]) == ("pending", None, None, 0)
    archive.archive_due()
    shown = api.get(f"recordings/{recording.pk}").json()
    assert (shown["state"], shown["bytes"], shown["parts"]) == ("archived", len(store.files["one"]), 1)
    assert (len(shown["sha256"]), shown["duration_ms"], shown["session"]) == (64, 2000, str(recording.session_id))


def test_they_are_listed_newest_first_and_by_session_and_state(api: Api, recording: Recording, clinic: Clinic) -> None:
    other = a_recording(clinic, state="lost")
    assert [row["id"] for row in api.get("recordings").json()["results"]] == [str(other.pk), str(recording.pk)]
    for query in (f"session={other.session_id}", "state=lost"):
        assert [row["id"] for row in api.get(f"recordings?{query}").json()["results"]] == [str(other.pk)]
    assert_problem(api.get("recordings?state=broken"), 422, "state")


# --- Links
@pytest.mark.parametrize(("query", "download"), [("", False), ("?download=false", False), ("?download=true", True)])
def test_the_vendors_links_are_given_while_there_is_no_copy(
    api: Api, recording: Recording, keeper: Keeper, store: Store, query: str, download: bool
) -> None:
    answer = link(api, recording, query)
    assert answer.json()["is_streamable"] is True
    assert given(answer)["presigned_url"].startswith(f"http://127.0.0.1:{store.port}/")
    assert given(answer)["expires_at"] == pytest.approx(time.time() + (3600 if download else 900), abs=10)
    assert [asked for _, asked in keeper.asked] == [download]
    entry = AccessEntry.objects.get(action="linked")
    assert (entry.object_ids, entry.mode) == ([str(recording.pk)], "download" if download else "play")


def test_what_is_not_streamable_is_said_to_be(api: Api, recording: Recording, keeper: Keeper) -> None:
    keeper.is_streamable = False
    assert link(api, recording).json()["is_streamable"] is False
    assert [asked for _, asked in keeper.asked] == [False, True]


def test_links_of_ours_open_the_copy_without_a_key_and_expire(api: Api, recording: Recording, store: Store) -> None:
    archive.archive_due()
    one = given(link(api, recording))
    path = one["presigned_url"].removeprefix(settings.PUBLIC_URL)
    assert one["presigned_url"].startswith(settings.PUBLIC_URL)
    assert one["expires_at"] == pytest.approx(time.time() + 900, abs=5)
    answer = Client().get(path, headers={"Range": "bytes=10-19", "Accept": "audio/*"})
    assert (answer.status_code, answer.getvalue()) == (206, store.files["one"][10:20])
    entry = AccessEntry.objects.get(action="listened")
    assert (entry.actor_kind, entry.actor_id, entry.mode) == ("api_key", str(ApiKey.objects.get().pk), "link")
    past = handing.ticket(recording.parts.get().pk, int(time.time()) - 1, Actor(entry.actor_kind, entry.actor_id))
    assert_problem(Client().get(f"/recordings/{past}"), 404)
    assert_problem(Client().get(path[:-1] + ("A" if path[-1] != "A" else "B")), 404)


def test_a_ticket_for_a_file_of_the_door_opens_no_recording(recording: Recording) -> None:
    from ingest import tickets

    assert_problem(Client().get(f"/recordings/{tickets.for_file(recording.pk, seconds=60)}"), 404)
    assert handing.read("é" * 10, None) is None


@pytest.mark.parametrize(
    ("minutes", "download", "seconds"),
    [(15, False, 900), (16, False, 16 * 60 + 600), (90, False, 6000), (90, True, 3600)],
)
def test_our_links_last_as_long_as_the_vendors(
    api: Api, recording: Recording, minutes: int, download: bool, seconds: int
) -> None:
    archive.archive_due()
    Recording.objects.update(duration_ms=minutes * 60_000)
    one = given(link(api, recording, f"?download={str(download).lower()}"))
    assert one["expires_at"] == pytest.approx(time.time() + seconds, abs=5)


def test_an_s3_storage_signs_its_own_links(api: Api, recording: Recording, settings: Any, s3: None) -> None:
    archive_of(recording, "recordings/key")
    settings.PLAYBACK_REDIRECT = "s3"
    url = given(link(api, recording))["presigned_url"]
    assert "/bucket/kept/recordings/key?" in url
    assert "Signature=" in url
    answer = api.get(f"recordings/{recording.pk}/audio")
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, url.split("?")[0])
    assert AccessEntry.objects.filter(action="listened").count() == 1


def archive_of(recording: Recording, key: str) -> None:
    from recordings.models import RecordingPart

    facts = {
        "storage_key": key,
        "size": 100,
        "pcm_start": 44,
        "pcm_size": 56,
        "header_holds": True,
        "state": "archived",
    }
    RecordingPart.objects.create(recording=recording, clinic=recording.clinic, number=1, vendor_ref="part-one", **facts)
    Recording.objects.update(state="archived", next_attempt_at=None)


def test_pending_and_gone_are_problems(api: Api, recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [pending(), gone()]
    assert_problem(link(api, recording), 404)
    assert_problem(link(api, recording), 410)
    assert_problem(link(api, recording), 410)
    assert len(keeper.asked) == 2


@pytest.mark.parametrize("word", ["", "yes", "1", "True"])
def test_download_is_true_or_false(api: Api, recording: Recording, word: str) -> None:
    assert_problem(link(api, recording, f"?download={word}"), 422, "download")


def test_links_are_for_those_who_may_listen(clinic: Clinic, recording: Recording) -> None:
    assert_problem(link(Api(a_key(clinic, "sessions:read", "notes:read")), recording), 403)


# --- Adopted
def wanted(session: Any, **facts: Any) -> dict[str, Any]:
    return {"session": str(session.pk), "vendor": "suki", "ambient_session_id": "made-elsewhere", **facts}


def test_a_recording_made_elsewhere_is_adopted_once_and_copied(
    api: Api, clinic: Clinic, keeper: Keeper, storage: Any
) -> None:
    begun = timezone.now() - timedelta(days=1)
    session = SessionFactory(clinic=clinic, clinician_ref="dr-7", started_at=begun)
    VendorAccountFactory(clinic=clinic, vendor="suki")
    first, again = (api.post("recordings", wanted(session)) for _ in range(2))
    assert (first.status_code, first.json()["id"]) == (202, again.json()["id"])
    assert first["Location"].endswith(f"/api/v1/recordings/{first.json()['id']}")
    assert datetime.fromisoformat(first.json()["available_until"]) == (begun + timedelta(days=7)).astimezone(UTC)
    assert archive.archive_due()
    assert keeper.asked[0][0].clinician_ref == "dr-7"
    assert api.get(f"recordings/{first.json()['id']}").json()["state"] == "archived"


def test_what_cannot_be_adopted(api: Api, clinic: Clinic, other_clinic: Clinic, keeper: Keeper) -> None:
    session = SessionFactory(clinic=clinic)
    assert_problem(api.post("recordings", wanted(session)), 422, "vendor")
    VendorAccountFactory(clinic=clinic, vendor="suki")
    assert_problem(api.post("recordings", wanted(SessionFactory(clinic=other_clinic))), 422, "session")
    assert_problem(api.post("recordings", wanted(SessionFactory(clinic=clinic, consent=False))), 422, "session")
    assert_problem(api.post("recordings", wanted(SessionFactory(clinic=clinic, kind="dictation"))), 422, "session")
    assert_problem(api.post("recordings", wanted(session, vendor="nabla")), 422, "vendor")
    assert_problem(api.post("recordings", wanted(session, ambient_session_id="")), 422, "ambient_session_id")
    assert api.post("recordings", wanted(session)).status_code == 202
    assert_problem(api.post("recordings", wanted(SessionFactory(clinic=clinic))), 409)
    assert Recording.objects.count() == 1
