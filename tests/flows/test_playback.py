"""A recording is played at the desk: ranges, listeners who stall and leave, through the real web process."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import requests
from django.conf import settings
from django.test import Client as Browser

from access.models import AccessEntry
from access.models import Clinic as ClinicRow
from ingest.models import Audio
from recordings.models import Waveform
from tests.factories import AudioFactory, MembershipFactory, SessionFactory
from tests.flows.clinic import Clinic, eventually, wav
from tests.flows.conftest import Stack

pytestmark = pytest.mark.usefixtures("rows")
MIB = 1024 * 1024
STALLED = 40


@pytest.fixture
def desk(clinic: Clinic) -> requests.Session:
    """Somebody of the clinic who is signed in."""
    user = MembershipFactory(clinic=ClinicRow.objects.get(slug=clinic.slug), role="viewer").user
    browser = Browser()
    browser.force_login(user)
    session = requests.Session()
    session.cookies.set(settings.SESSION_COOKIE_NAME, browser.cookies[settings.SESSION_COOKIE_NAME].value)
    return session


def address(clinic: Clinic, audio: Any, listening: UUID | None = None) -> str:
    return f"{clinic.base_url}/admin/recordings/recording/listen/{listening or uuid4()}/{audio.pk}/"


def listened(audio: Any) -> int:
    return int(AccessEntry.objects.filter(action="listened", object_ids=[str(audio.pk)]).count())


@pytest.fixture
def spoken(clinic: Clinic) -> tuple[Any, bytes]:
    """An audio that was uploaded, and its bytes."""
    content = wav(20)
    uploaded = clinic.upload(clinic.session(), content)
    return Audio.objects.get(pk=uploaded["id"]), content


@pytest.fixture
def large(stack: Stack, clinic: Clinic) -> Iterator[Any]:
    """An audio of 200 MB, of which nothing but zeros is on the disk."""
    session = SessionFactory(clinic=ClinicRow.objects.get(slug=clinic.slug))
    audio = AudioFactory(session=session, size=200 * MIB)
    file = Path(urlsplit(stack.env["STORAGE_URL"]).path, audio.storage_key)
    file.parent.mkdir(parents=True)
    with file.open("wb") as holes:
        holes.truncate(audio.size)
    yield audio
    file.unlink()


def test_an_audio_is_played_in_ranges_and_logged_once(
    clinic: Clinic, desk: requests.Session, spoken: tuple[Any, bytes]
) -> None:
    audio, content = spoken
    url = address(clinic, audio)
    whole = desk.get(url, timeout=10)
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["Accept-Ranges"] == "bytes"
    tag = whole.headers["ETag"]
    part = desk.get(url, headers={"Range": "bytes=100-199", "If-Range": tag}, timeout=10)
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    changed = desk.get(url, headers={"Range": "bytes=100-199", "If-Range": '"another"'}, timeout=10)
    assert (changed.status_code, len(changed.content)) == (200, len(content))
    beyond = desk.get(url, headers={"Range": f"bytes={len(content)}-"}, timeout=10)
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(content)}")
    assert listened(audio) == 1


def test_what_django_says_of_an_answer_stays_on_it_and_nothing_of_ours_is_added(
    clinic: Clinic, desk: requests.Session, spoken: tuple[Any, bytes]
) -> None:
    answer = desk.get(address(clinic, spoken[0]), headers={"X-Request-ID": "from-the-browser"}, timeout=10)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-ID"] == "from-the-browser"
    assert answer.headers["Content-Type"] == "audio/wav"
    assert {"private", "no-store"} <= set(answer.headers["Cache-Control"].split(", "))
    assert spoken[0].storage_key not in str(answer.headers)
    assert "listenpost" not in str(answer.headers).lower()


def test_a_head_says_how_much_there_is_and_logs_nothing(
    clinic: Clinic, desk: requests.Session, spoken: tuple[Any, bytes]
) -> None:
    """Whatever its Range: that is for GET alone."""
    audio, content = spoken
    for wanted in ({}, {"Range": "bytes=0-9"}):
        answer = desk.head(address(clinic, audio), headers=wanted, timeout=10)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Content-Length"] == str(len(content))
    assert listened(audio) == 0


def test_nobody_and_strangers_hear_nothing(
    clinic: Clinic, new_clinic: Any, desk: requests.Session, spoken: tuple[Any, bytes]
) -> None:
    url = address(clinic, spoken[0])
    assert requests.get(url, timeout=10, allow_redirects=False).status_code == 302
    other = SessionFactory(clinic=ClinicRow.objects.get(slug=new_clinic().slug))
    assert desk.get(address(clinic, AudioFactory(session=other)), timeout=10).status_code == 404
    assert desk.post(url, timeout=10).status_code == 403  # without a form's token


def test_fifty_ranges_at_once_are_one_listening(
    clinic: Clinic, desk: requests.Session, spoken: tuple[Any, bytes]
) -> None:
    audio, content = spoken
    url, cookies = address(clinic, audio), desk.cookies

    def fetch(start: int) -> bytes:
        asked = {"Range": f"bytes={start}-{start + 9}"}
        answer = requests.get(url, headers=asked, cookies=cookies, timeout=30)
        assert answer.status_code == 206
        return answer.content

    with ThreadPoolExecutor(50) as tabs:
        assert list(tabs.map(fetch, range(50))) == [content[start : start + 10] for start in range(50)]
    assert listened(audio) == 1


def stall(url: str, cookies: Any) -> socket.socket:
    """Asks for all of it and reads no more than the beginning."""
    parts = urlsplit(url)
    line = socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=20)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies)
    line.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {cookie}\r\n\r\n".encode())
    assert b" 200 " in line.recv(1000)
    return line


def open_files(stack: Stack, audio: Any) -> int:
    """How often the web process has the audio open."""
    pids, count = [stack.pids["web"]], 0
    while pids:
        pid = pids.pop()
        pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        count += sum(points_to(one).endswith(audio.sha256) for one in Path(f"/proc/{pid}/fd").iterdir())
    return count


def points_to(descriptor: Path) -> str:
    """Nothing, for one that was closed since it was listed."""
    with suppress(FileNotFoundError):
        return str(descriptor.readlink())
    return ""


def test_listeners_who_stall_hold_up_nobody_and_leave_nothing_behind(
    stack: Stack, clinic: Clinic, desk: requests.Session, large: Any
) -> None:
    lines = [stall(address(clinic, large), desk.cookies) for _ in range(STALLED)]
    assert open_files(stack, large) == STALLED
    for _ in range(10):  # each of Django's eight threads would be held by five of them
        assert desk.get(f"{clinic.base_url}/admin/recordings/recording/", timeout=10).status_code == 200
    for line in lines:
        line.close()
    eventually(lambda: open_files(stack, large) == 0, what="what they listened to is closed")


def test_whose_bytes_are_gone_is_not_found_and_the_log_says_which(
    stack: Stack, clinic: Clinic, desk: requests.Session
) -> None:
    audio = AudioFactory(session=SessionFactory(clinic=ClinicRow.objects.get(slug=clinic.slug)))
    assert desk.get(address(clinic, audio), timeout=10).status_code == 404
    assert f"audio {audio.pk} is not in the storage" in stack.log("web")
    assert listened(audio) == 0


def test_the_waveform_of_what_was_uploaded_is_there_soon(clinic: Clinic, spoken: tuple[Any, bytes]) -> None:
    drawn = eventually(lambda: Waveform.objects.filter(audio=spoken[0], next_attempt_at=None).first())
    assert (drawn.problem, len(drawn.peaks), max(drawn.peaks)) == ("", 600, 100)
    assert min(drawn.peaks) > 90  # a square wave is as loud all along


def test_a_waveform_that_no_bell_rang_for_is_drawn_too(clinic: Clinic, spoken: tuple[Any, bytes]) -> None:
    eventually(lambda: Waveform.objects.filter(audio=spoken[0], next_attempt_at=None).exists())
    Waveform.objects.filter(audio=spoken[0]).update(peaks=None, next_attempt_at="2026-01-01T00:00:00Z", attempts=0)
    eventually(lambda: Waveform.objects.get(audio=spoken[0]).peaks)
