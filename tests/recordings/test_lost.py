"""What was lost: told of, what is left of it played, and looked for again where nobody knows for certain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import Clinic
from recordings import archive, rate, services
from recordings.models import Recording
from recordings.playback import player_of_request
from tests.admin.conftest import member
from tests.admin.rows import list_of, page_of
from tests.factories import AsyncRequestFactory, SessionFactory, SubmissionFactory, VendorAccountFactory
from tests.recordings.conftest import FAST
from tests.recordings.store import Keeper, Store, gone, pending, sound, wav
from tests.recordings.test_desk import played
from tests.rest.api import Api, assert_problem
from vendors.base import VendorError

pytestmark = pytest.mark.django_db


def tried(recording: Recording, **facts: Any) -> Recording:
    Recording.objects.filter(pk=recording.pk).update(next_attempt_at=timezone.now(), **facts)
    assert archive.archive_due()
    recording.refresh_from_db()
    return recording


@pytest.fixture
def half(recording: Recording, keeper: Keeper, store: Store) -> Recording:
    """Lost, with one of its two parts."""
    keeper.parts.append((2, "two"))
    store.files["two"], store.answers = wav(sound(1)), [500]
    tried(recording)
    keeper.errors = [gone()]
    return tried(recording)


@pytest.fixture
def viewer(clinic: Clinic) -> Client:
    return member(clinic, "viewer")


# --- What is left
def test_a_part_that_was_copied_is_played_and_linked_to(api: Api, half: Recording, store: Store) -> None:
    assert half.state == "lost"
    assert api.get(f"recordings/{half.pk}/parts/2/audio").getvalue() == store.files["two"]
    (link,) = api.post(f"recordings/{half.pk}/link").json()["recordings"]
    assert link["sequence_number"] == 2
    assert Client().get(urlsplit(link["presigned_url"]).path).getvalue() == store.files["two"]
    for path in ("parts/1/audio", "parts/3/audio", "audio"):
        assert_problem(api.get(f"recordings/{half.pk}/{path}"), 410)


def test_the_desk_plays_it_and_says_what_it_is(viewer: Client, half: Recording, store: Store) -> None:
    told = viewer.get(page_of(half)).content.decode()
    assert (
        "The vendor had deleted it before all of it was copied. 1 of its 2 parts had been copied and are kept." in told
    )
    assert "not copied before" not in told
    assert "These parts of it were copied before: each is played by itself." in told
    assert viewer.get(played(told)).getvalue() == store.files["two"]
    request = AsyncRequestFactory(session=half.session, vendor="suki", ready=True, audio=None, submitted_elsewhere=True)
    found = player_of_request(SubmissionFactory(request=request).request)
    assert (found.source, found.recording) == ("", page_of(half))
    assert "Only some of its parts were copied before" in found.problem


def test_of_one_that_is_lost_altogether_there_is_nothing(api: Api, recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [gone()]
    assert tried(recording).state == "lost"
    for answer in (api.get(f"recordings/{recording.pk}/audio"), api.post(f"recordings/{recording.pk}/link")):
        assert_problem(answer, 410)


# --- Told
def test_a_loss_is_an_error_in_the_log_and_counted_for_a_week(
    viewer: Client, half: Recording, caplog: pytest.LogCaptureFixture, keeper: Keeper
) -> None:
    front = reverse("admin:index")
    assert "recordings lost in the last week" in viewer.get(front).content.decode()
    listed = viewer.get(list_of("recordings_recording") + "?lost=yes")
    assert str(half.pk) in listed.content.decode()
    Recording.objects.update(lost_at=timezone.now() - timedelta(days=8))
    assert str(half.pk) not in viewer.get(list_of("recordings_recording") + "?lost=yes").content.decode()
    (told,) = [record for record in caplog.get_records("setup") if record.levelname == "ERROR"]
    assert told.getMessage() == f"recording {half.pk} is lost: recording_gone"


# --- Not for certain
WHYS = {
    "pending": pending(),
    "unavailable": VendorError("HTTP 503", permanent=False, code="vendor_unavailable"),
}


@pytest.mark.parametrize("why", WHYS)
@pytest.mark.parametrize("way", ["adopted", "pressed"])
def test_what_was_given_up_is_looked_for_again(
    api: Api, clinic: Clinic, recording: Recording, keeper: Keeper, why: str, way: str
) -> None:
    past = timezone.now() - timedelta(days=9)
    keeper.errors = [WHYS[why], WHYS[why]]
    assert tried(recording, created_at=past, available_until=past).state == "lost"
    manager = member(clinic, "manager")
    assert "Try again has it looked for once more." in manager.get(page_of(recording)).content.decode()
    if way == "adopted":
        named = {"session": str(recording.session_id), "vendor": "suki", "ambient_session_id": recording.vendor_ref}
        answer = api.post("recordings", named)
        assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    else:
        manager.post(page_of(recording, "press"), {"action": "archive_now"})
    recording.refresh_from_db()
    assert (recording.state, recording.lost_at, recording.attempts) == ("pending", None, 0)
    assert tried(recording).state == "pending"  # for a day
    assert tried(recording).state == "archived"


def test_what_a_worker_looks_for_again_already_is_adopted_all_the_same(
    api: Api, recording: Recording, keeper: Keeper
) -> None:
    past = timezone.now() - timedelta(days=9)
    keeper.errors = [pending()]
    assert tried(recording, created_at=past, available_until=past).state == "lost"
    Recording.objects.filter(pk=recording.pk).update(lease_until=timezone.now() + timedelta(minutes=1))
    named = {"session": str(recording.session_id), "vendor": "suki", "ambient_session_id": recording.vendor_ref}
    assert api.post("recordings", named).status_code == 202


def test_what_the_vendor_called_gone_is_not(clinic: Clinic, half: Recording) -> None:
    with pytest.raises(services.NotNow):
        services.archive_now(half)
    named: dict[str, Any] = {name: getattr(half, name) for name in ("clinic_id", "session_id", "account_id", "vendor")}
    named |= {"ref": half.vendor_ref, "clinician_ref": "", "ended_at": timezone.now()}
    assert services.adopt(services.Kept(**named)).state == "lost"
    page = member(clinic, "manager").get(page_of(half)).content.decode()
    assert "Try again has it" not in page
    assert "archive_now" not in page


def test_what_has_to_wait_for_its_turn_is_never_lost(recording: Recording, keeper: Keeper) -> None:
    past = timezone.now() - timedelta(days=9)
    for _ in range(20):
        rate.take(recording.account_id, 0.1, 10_000.0)
    recording.account.options = {"recordings_per_second": 0.1}
    recording.account.save()
    assert tried(recording, created_at=past, available_until=past).state == "pending"
    assert keeper.asked == []


@pytest.mark.parametrize("began", ["9999-12-30T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_session_of_any_time_may_have_one(api: Api, clinic: Clinic, keeper: Keeper, began: str) -> None:
    account = VendorAccountFactory(clinic=clinic, vendor="suki", options=FAST)
    session = SessionFactory(clinic=clinic, started_at=began)
    named = {"session": str(session.pk), "vendor": "suki", "ambient_session_id": "x"}
    assert api.post("recordings", named).status_code == 202
    keeper.errors = [pending()]
    assert archive.archive_due()
    assert Recording.objects.get(account=account).state == "pending"
