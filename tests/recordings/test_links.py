"""Links: kept encrypted, fresh while somebody listens, asked for by one however many want them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone

from access.models import Clinic
from config import leases, secrets
from recordings import links, rate, services
from recordings.models import Links, Recording
from tests.recordings.conftest import FAST, a_recording
from tests.recordings.store import CANARY, Keeper, gone, pending
from vendors.base import VendorError

pytestmark = pytest.mark.django_db


def soon(**facts: Any) -> None:
    Links.objects.update(next_attempt_at=timezone.now(), **facts)


def test_they_are_kept_encrypted_and_until_shortly_before_they_expire(recording: Recording) -> None:
    now = timezone.now()
    kept = links.playable(recording)
    row = Links.objects.get()
    assert CANARY in links.opened(kept)[0].url
    assert CANARY.encode() not in bytes(row.sealed)
    assert CANARY in str(secrets.decrypt(bytes(row.sealed)))
    assert timedelta(minutes=12) < row.next_attempt_at - now < timedelta(minutes=14)  # type: ignore[operator]
    assert row.opened_at is not None


def test_links_that_no_key_opens_any_more_are_asked_for_anew(
    recording: Recording, keeper: Keeper, settings: Any
) -> None:
    links.playable(recording)
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    recording.account.seal({})
    recording.account.save()
    assert links.opened(links.playable(recording))
    assert len(keeper.asked) == 2


def test_links_that_live_for_seconds_are_kept_for_most_of_them(recording: Recording, keeper: Keeper) -> None:
    keeper.lasts = timedelta(seconds=10)
    now = timezone.now()
    links.playable(recording)
    assert timedelta(seconds=6) < Links.objects.get().next_attempt_at - now < timedelta(seconds=9)  # type: ignore[operator]


@pytest.mark.parametrize("lasts", [timedelta(seconds=-1), timedelta(seconds=1), timedelta(days=-20_000)])
def test_links_that_seem_to_have_ended_are_asked_for_with_pauses(
    recording: Recording, keeper: Keeper, lasts: timedelta
) -> None:
    keeper.lasts = lasts
    links.playable(recording)
    for asked in (1, 2):
        assert not links.refresh_due()
        assert len(keeper.asked) == asked
        assert Links.objects.get().next_attempt_at > timezone.now() + timedelta(seconds=15)  # type: ignore[operator]
        soon()
        assert links.refresh_due()


def test_what_is_listened_to_gets_fresh_links_before_the_old_ones_expire(recording: Recording, keeper: Keeper) -> None:
    before = links.playable(recording)
    soon()
    assert links.is_due()
    assert links.refresh_due()
    after = Links.objects.get()
    assert bytes(after.sealed) != bytes(before.sealed)
    assert (after.attempts, after.lease_token, links.is_due()) == (0, None, False)
    assert len(keeper.asked) == 2


@pytest.mark.parametrize("minutes", [29, 31])
def test_what_nobody_has_opened_for_half_an_hour_is_let_be(recording: Recording, keeper: Keeper, minutes: int) -> None:
    links.playable(recording)
    soon(opened_at=timezone.now() - timedelta(minutes=minutes))
    links.refresh_due()
    assert len(keeper.asked) == (2 if minutes < 30 else 1)
    assert (Links.objects.get().next_attempt_at is None) == (minutes > 30)


def test_it_is_due_again_when_somebody_opens_it(recording: Recording) -> None:
    links.playable(recording)
    Links.objects.update(next_attempt_at=None, opened_at=timezone.now() - timedelta(minutes=31))
    links.playable(recording)
    kept = Links.objects.get()
    assert kept.next_attempt_at
    assert kept.opened_at > timezone.now() - timedelta(minutes=1)  # type: ignore[operator]


def test_a_copied_recording_needs_none(recording: Recording, keeper: Keeper) -> None:
    links.playable(recording)
    Recording.objects.update(state=Recording.State.ARCHIVED)
    soon()
    links.refresh_due()
    assert len(keeper.asked) == 1
    assert not links.is_due()


def test_a_vendor_that_fails_is_asked_again_a_few_times(recording: Recording, keeper: Keeper) -> None:
    before = links.playable(recording)
    keeper.errors = [VendorError("No.", permanent=False) for _ in range(20)]
    while Links.objects.get().next_attempt_at:
        soon()
        links.refresh_due()
    assert len(keeper.asked) == 1 + links.ATTEMPTS
    kept = Links.objects.get()
    assert (bytes(kept.sealed), kept.next_attempt_at) == (bytes(before.sealed), None)


def test_what_is_gone_is_noted_wherever_it_is_learned(recording: Recording, keeper: Keeper) -> None:
    links.playable(recording)
    keeper.errors = [gone()]
    soon()
    links.refresh_due()
    recording.refresh_from_db()
    assert recording.state == Recording.State.LOST
    assert not Links.objects.exists()


def test_whoever_copies_it_learns_for_themselves_that_it_is_gone(recording: Recording, keeper: Keeper) -> None:
    leases.claim(Recording, lease=timedelta(minutes=1))
    keeper.errors = [gone()]
    with pytest.raises(VendorError):
        links.playable(recording)
    recording.refresh_from_db()
    assert recording.state == Recording.State.PENDING


def test_where_the_links_went_away_meanwhile_others_are_asked_for(recording: Recording, keeper: Keeper) -> None:
    stale = links.playable(recording)
    Links.objects.all().delete()
    assert links.opened(links.refreshed(recording, stale))
    assert len(keeper.asked) == 2


def test_what_failed_is_free_for_the_next_one(recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [pending()]
    with pytest.raises(VendorError):
        links.playable(recording)
    assert links.playable(recording).expires_at


@pytest.mark.django_db(transaction=True)
def test_however_many_want_other_links_one_asks_for_them(recording: Recording, keeper: Keeper) -> None:
    stale = links.playable(recording)
    found, failed = list[bytes](), list[BaseException]()

    def want() -> None:
        try:
            found.append(bytes(links.refreshed(recording, stale).sealed))
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    together([want] * 12)
    assert failed == []
    assert len(set(found)) == 1
    assert len(keeper.asked) == 2


def together(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- Registered
def kept(recording: Recording, **facts: Any) -> services.Kept:
    given = {
        "clinic_id": recording.clinic_id,
        "session_id": recording.session_id,
        "account_id": recording.account_id,
        "vendor": "suki",
        "ref": "session-1",
        "clinician_ref": "dr-7",
        "ended_at": timezone.now(),
    }
    return services.Kept(**{**given, **facts})


def test_a_session_that_is_complete_is_registered_once_and_due_at_once(recording: Recording) -> None:
    Recording.objects.update(next_attempt_at=None)
    wanted = kept(recording)
    first, again = services.register(wanted), services.register(wanted)
    assert first == again
    assert (first.state, first.clinician_ref) == (Recording.State.PENDING, "dr-7")
    assert first.available_until == wanted.ended_at + timedelta(days=7)
    assert leases.due_ids(Recording, 10) == [first.pk]
    assert services.register_all([wanted, kept(recording, ref="session-2")]) != set()
    assert Recording.objects.count() == 3


def test_what_is_registered_again_is_left_as_it_is(recording: Recording) -> None:
    Recording.objects.update(state=Recording.State.ARCHIVED, next_attempt_at=None)
    assert services.register(kept(recording, ref=recording.vendor_ref)).state == Recording.State.ARCHIVED


def test_what_belongs_to_another_session_is_not_adopted(recording: Recording, clinic: Clinic) -> None:
    other = a_recording(clinic)
    with pytest.raises(services.OfAnother):
        services.adopt(kept(recording, ref=other.vendor_ref))


# --- In turn
def test_turns_come_at_the_accounts_rate_whoever_asks(recording: Recording) -> None:
    waits = [rate.take(recording.account_id, 20.0, 60.0) for _ in range(60)]
    assert all(is_taken for is_taken, _ in waits)
    # What comes in 0.4 s at once, and from then on one every 50 ms.
    assert [wait for _, wait in waits[:8]] == [0.0] * 8
    assert 2.4 < waits[-1][1] < 2.61
    assert [wait for _, wait in waits] == sorted(wait for _, wait in waits)


def test_nobody_waits_longer_than_they_care_to(recording: Recording) -> None:
    for _ in range(40):
        rate.take(recording.account_id, 20.0, 60.0)
    is_taken, wait = rate.take(recording.account_id, 20.0, 0.5)
    assert (is_taken, round(wait, 1)) == (False, 1.6)
    with pytest.raises(VendorError) as refused:
        rate.wait_for_turn(recording.account_id, {"recordings_per_second": 20}, patience=0.5)
    assert refused.value.code == "vendor_busy"
    assert refused.value.retry_after == pytest.approx(1.6, abs=0.1)


def test_accounts_do_not_wait_for_each_other(recording: Recording, clinic: Clinic) -> None:
    for _ in range(40):
        rate.take(recording.account_id, 20.0, 60.0)
    other = a_recording(clinic, vendor="other")
    assert rate.take(other.account_id, 20.0, 60.0) == (True, 0.0)


@pytest.mark.parametrize("wished", [None, 0, -1, "5", True, 10**9, float("nan"), [5]])
def test_a_rate_that_makes_no_sense_is_the_usual_one(wished: Any) -> None:
    assert rate.per_second({"recordings_per_second": wished}) == rate.USUAL
    assert rate.per_second(None) == rate.USUAL
    assert rate.per_second(FAST) == 1000


def test_what_has_to_wait_for_its_turn_uses_up_no_try(recording: Recording, keeper: Keeper) -> None:
    from recordings import archive

    for _ in range(20):
        rate.take(recording.account_id, 0.1, 10_000.0)
    recording.account.options = {"recordings_per_second": 0.1}
    recording.account.save()
    assert archive.archive_due()
    recording.refresh_from_db()
    assert (recording.attempts, recording.error_code, keeper.asked) == (0, "", [])
    assert recording.next_attempt_at > timezone.now() + timedelta(seconds=60)  # type: ignore[operator]


def test_without_redis_turns_come_slowly(recording: Recording, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    monkeypatch.setattr(rate, "ALONE_SECONDS", 0.2)
    rate._script.cache_clear()
    begun = timezone.now()
    together([lambda: rate.wait_for_turn(recording.account_id, FAST)] * 4)
    took = (timezone.now() - begun).total_seconds()
    rate._script.cache_clear()
    assert 0.8 <= took < 4
