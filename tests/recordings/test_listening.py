"""Playing an audio at the desk: who may, what of it, and what the access log says."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from access.models import AccessEntry, Clinic, Membership
from recordings import listening
from recordings.models import Listening
from recordings.tasks import forget_listenings
from tests.admin.conftest import member, signed_in
from tests.factories import MembershipFactory, UserFactory
from tests.recordings.conftest import BYTES, stored

pytestmark = pytest.mark.django_db


def address(audio: Any, listened: Any = None) -> str:
    return reverse("admin:recordings_recording_listen", args=[listened or uuid4(), audio.pk])


def entries(audio: Any) -> list[AccessEntry]:
    return list(AccessEntry.objects.filter(action="listened", object_ids=[str(audio.pk)]))


@pytest.mark.parametrize("role", Membership.Role.values)
def test_every_member_of_the_clinic_may_listen(audio: Any, role: str) -> None:
    answer = member(audio.clinic, role).get(address(audio))
    assert (answer.status_code, answer.getvalue()) == (200, BYTES)
    (entry,) = entries(audio)
    assert (entry.clinic_id, entry.object_type, entry.role) == (audio.clinic_id, "audio", role)


def test_operators_may_too(audio: Any) -> None:
    assert signed_in(UserFactory(is_superuser=True)).get(address(audio)).status_code == 200


def test_for_strangers_it_is_not_there(audio: Any, other_clinic: Clinic) -> None:
    assert member(other_clinic, Membership.Role.MANAGER).get(address(audio)).status_code == 404
    assert entries(audio) == []


def test_nobody_is_asked_to_sign_in(audio: Any) -> None:
    answer = Client().get(address(audio))
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, reverse("admin:login"))


@pytest.mark.parametrize(
    ("headers", "status", "content"),
    [
        ({}, 200, BYTES),
        ({"Range": "bytes=0-9"}, 206, BYTES[:10]),
        ({"Range": "bytes=-10"}, 206, BYTES[-10:]),
        ({"Range": "bytes=10000-"}, 206, BYTES[10000:]),
        ({"Range": "bytes=0-1,5-6"}, 200, BYTES),
        ({"Range": "bytes=0-9", "If-Range": '"other"'}, 200, BYTES),
        ({"Range": "bytes=99999-"}, 416, b""),
    ],
)
def test_all_of_it_or_a_range(audio: Any, headers: dict[str, str], status: int, content: bytes) -> None:
    answer = member(audio.clinic, "viewer").get(address(audio), headers=headers)
    assert (answer.status_code, answer.getvalue()) == (status, content)
    assert answer["ETag"] == f'"{audio.sha256}"'
    assert int(answer["Content-Length"]) == len(content)
    assert len(entries(audio)) == (0 if status == 416 else 1)


def test_the_ranges_of_a_page_are_one_listening_and_each_page_is_another(audio: Any) -> None:
    listener, page = member(audio.clinic, "viewer"), uuid4()
    for start in range(5):
        listener.get(address(audio, page), headers={"Range": f"bytes={start}-"})
    assert len(entries(audio)) == 1
    listener.get(address(audio))
    assert len(entries(audio)) == 2


def test_a_head_is_no_listening(audio: Any) -> None:
    answer = member(audio.clinic, "viewer").head(address(audio), headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer["Content-Length"], answer.getvalue()) == (200, str(audio.size), b"")
    assert entries(audio) == []


def test_nobody_goes_on_with_anothers_listening_or_with_it_to_another_audio(storage: Path, audio: Any) -> None:
    listener, page = member(audio.clinic, "viewer"), uuid4()
    assert listener.get(address(audio, page)).status_code == 200
    assert member(audio.clinic, "viewer").get(address(audio, page)).status_code == 404
    other = stored(storage, audio.clinic)
    assert listener.get(address(other, page)).status_code == 404
    assert (len(entries(audio)), entries(other)) == (1, [])


def test_what_is_not_in_the_storage_is_not_found_and_was_not_listened_to(
    storage: Path, audio: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (storage / audio.storage_key).unlink()
    with caplog.at_level(logging.ERROR, "recordings.admin"):
        assert member(audio.clinic, "viewer").get(address(audio)).status_code == 404
    assert caplog.messages == [f"audio {audio.pk} is not in the storage"]
    assert (entries(audio), Listening.objects.count()) == ([], 0)


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_are_logged_once(audio: Any) -> None:
    request, page = RequestFactory().get("/"), uuid4()
    request.user = MembershipFactory(clinic=audio.clinic).user
    start, failed = threading.Barrier(50), list[BaseException]()

    def fetch() -> None:
        start.wait()
        try:
            listening.begin(request, page, audio)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=fetch) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(entries(audio)) == 1


def test_old_listenings_are_forgotten_and_what_goes_on_is_not(audio: Any) -> None:
    user, now = UserFactory(), timezone.now()
    ages = (timedelta(hours=12), timedelta(days=3))
    fresh, _ = [Listening.objects.create(pk=uuid4(), user=user, audio=audio, begun_at=now - age) for age in ages]
    forget_listenings()
    assert list(Listening.objects.all()) == [fresh]
