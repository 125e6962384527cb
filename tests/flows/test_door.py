"""The door's answers, on a real socket."""

from __future__ import annotations

import json
import resource
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import requests

from ingest import tickets
from ingest.models import Callback, Submission
from notes.models import Note
from tests.flows.clinic import Clinic, eventually, wav
from tests.flows.conftest import Stack

pytestmark = pytest.mark.usefixtures("rows")
BODY = json.dumps({"transcript": [], "note": {"sections": []}}).encode()


@pytest.fixture
def waiting(clinic: Clinic) -> Any:
    """A request that nobody answers but the test."""
    return clinic.ask(clinic.session(), submitted_elsewhere=True)


@pytest.fixture
def url(clinic: Clinic, waiting: Any) -> str:
    submission = Submission.objects.get(request=waiting["id"])
    return f"{clinic.door_url}/callbacks/nabla/{tickets.for_callback(submission.pk)}"


def post(url: str, body: Any = BODY, **options: Any) -> tuple[int, dict[str, str]]:
    response = requests.post(url, data=body, timeout=20, **options)
    return response.status_code, response.json()


def raw_body(request: Any) -> bytes:
    """The one callback's body as it is kept."""
    return bytes(Callback.objects.get(request=request["id"]).body or b"")


def raw(url: str, head: str, body: bytes = b"", *, close: bool = False, timeout: float = 10) -> bytes:
    """Sends what no client library would; returns all that comes back until the other side closes."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=timeout) as connection:
        connection.sendall(f"POST {parts.path} HTTP/1.1\r\nHost: door\r\n{head}\r\n\r\n".encode() + body)
        if close:
            return b""
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def test_a_callback_is_stored_once_and_then_a_duplicate(clinic: Clinic, waiting: Any, url: str) -> None:
    assert post(url) == (200, {"status": "stored"})
    assert post(url) == (200, {"status": "duplicate"})
    clinic.ready(waiting)
    assert post(url) == (200, {"status": "duplicate"})
    assert Callback.objects.filter(request=waiting["id"]).count() == 1


def test_a_chunked_body_is_read_whole(clinic: Clinic, waiting: Any, url: str) -> None:
    assert post(url, iter([BODY[:10], BODY[10:]])) == (200, {"status": "stored"})
    assert raw_body(waiting) == BODY


@pytest.mark.parametrize("spoil", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: t[4:], lambda t: "x"])
def test_an_address_we_did_not_make_proves_nothing(url: str, waiting: Any, spoil: Any) -> None:
    address, _, ticket = url.rpartition("/")
    assert post(f"{address}/{spoil(ticket)}") == (401, {"error": "origin not proven"})
    assert not Callback.objects.filter(request=waiting["id"]).exists()


def test_a_files_ticket_opens_no_callback_and_the_other_way_round(clinic: Clinic, url: str) -> None:
    file_ticket = tickets.for_file(uuid4(), seconds=60)
    assert post(f"{clinic.door_url}/callbacks/nabla/{file_ticket}")[0] == 401
    assert requests.get(f"{clinic.door_url}/files/{url.rpartition('/')[2]}", timeout=10).status_code == 401


def test_a_ticket_whose_submission_is_gone_is_no_door(clinic: Clinic) -> None:
    url = f"{clinic.door_url}/callbacks/nabla/{tickets.for_callback(uuid4())}"
    assert post(url) == (404, {"error": "no such door"})


def test_what_is_no_door_and_what_is_no_way_to_knock(clinic: Clinic, url: str) -> None:
    for path in ("/", "/callbacks", "/callbacks/nabla/", "/callbacks/other/x", "/admin/", "/%ff", "/files/", "//"):
        assert requests.get(clinic.door_url + path, timeout=10).status_code == 404, path
    refused = requests.get(url, timeout=10)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


def test_a_body_over_the_limit_is_refused_before_it_is_read(url: str, waiting: Any) -> None:
    assert raw(url, "Content-Length: 999999999").startswith(b"HTTP/1.1 413")
    assert raw(url, "Transfer-Encoding: chunked", b"a00001\r\n" + b"x" * 0xA00001 + b"\r\n").startswith(b"HTTP/1.1 413")
    assert not Callback.objects.filter(request=waiting["id"]).exists()


def test_a_slow_body_is_refused_at_its_deadline(url: str, waiting: Any) -> None:
    assert raw(url, "Content-Length: 100", b"x").startswith(b"HTTP/1.1 408")
    assert not Callback.objects.filter(request=waiting["id"]).exists()


def test_malformed_chunks_are_said_to_be_so(url: str, waiting: Any) -> None:
    assert raw(url, "Transfer-Encoding: chunked", b"5\r\nhello\r\nzz\r\n").startswith(b"HTTP/1.1 408")
    assert not Callback.objects.filter(request=waiting["id"]).exists()


@pytest.mark.parametrize("head", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_that_breaks_off_is_not_kept(url: str, waiting: Any, head: str) -> None:
    raw(url, head, b"5\r\nhello\r\n", close=True)
    assert post(url) == (200, {"status": "stored"})
    assert Callback.objects.filter(request=waiting["id"]).count() == 1


def test_two_hundred_stalled_bodies_keep_nobody_out(clinic: Clinic, url: str) -> None:
    parts = urlsplit(url)
    stalled = [socket.create_connection((str(parts.hostname), int(parts.port or 80))) for _ in range(200)]
    for connection in stalled:
        connection.sendall(f"POST {parts.path} HTTP/1.1\r\nHost: door\r\nContent-Length: 9\r\n\r\nx".encode())
    assert requests.get(f"{clinic.door_url}/healthz", timeout=2).status_code == 200
    assert post(url)[0] == 200
    for connection in stalled:
        connection.close()


def test_a_thousand_connections_that_say_nothing_keep_nobody_out(clinic: Clinic, url: str) -> None:
    parts, files = urlsplit(url), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, files[1]), files[1]))
    silent = [socket.create_connection((str(parts.hostname), int(parts.port or 80))) for _ in range(1100)]
    assert requests.get(f"{clinic.door_url}/healthz", timeout=5).status_code == 200
    assert post(url)[0] == 200
    for connection in silent:
        connection.settimeout(20)
        assert connection.recv(1) == b"", "each is closed after a while"
        connection.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, files)


def test_past_twenty_bodies_a_ticket_takes_only_repeats(waiting: Any, url: str) -> None:
    bodies = [BODY + b" " * extra for extra in range(30)]
    with ThreadPoolExecutor(30) as pool:
        said = list(pool.map(lambda body: post(url, body)[0], bodies))
    assert sorted(said) == [200] * 20 + [429] * 10
    assert Callback.objects.filter(request=waiting["id"]).count() == 20
    assert post(url, bodies[said.index(200)]) == (200, {"status": "duplicate"})


JUNK: list[bytes] = [
    b"",
    b"not json",
    b"[]",
    b'{"transcript": "words"}',
    b'{"note": {"title": "no sections"}}',
    b'{"transcript": [{"text": NaN}]}',
    b"[" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b'{"transcript": [{"text": "a", "start_offset_ms": 1e999}]}',
    b'{"x": ' + b"9" * 100_000 + b"}",
]


@pytest.mark.parametrize("body", JUNK, ids=range(len(JUNK)))
def test_junk_from_a_proven_sender_is_kept_as_it_came(waiting: Any, url: str, body: bytes) -> None:
    assert post(url, body) == (200, {"status": "stored"})
    row = eventually(lambda: Callback.objects.filter(request=waiting["id"], state="junk").first())
    assert raw_body(waiting) == body
    assert row.problem


def test_texts_the_database_cannot_hold_are_mended_and_the_raw_bytes_kept(
    clinic: Clinic, waiting: Any, url: str
) -> None:
    body = b'{"transcript": [{"text": "a\\u0000b\\ud800c\xff", "speaker": "doctor"}], "note": {"sections": []}}'
    assert post(url, body)[0] == 200
    items = clinic.call("GET", f"transcripts/{clinic.ready(waiting)['transcript']}")["items"]
    assert items[0]["text"] == "a\ufffdb\ufffdc\ufffd"
    assert raw_body(waiting) == body


def test_different_successes_at_once_make_one_note_and_conflicts(clinic: Clinic, waiting: Any, url: str) -> None:
    bodies = [json.dumps({"transcript": [], "note": {"title": f"{n}", "sections": []}}) for n in range(8)]
    threads = [threading.Thread(target=post, args=(url, body)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clinic.ready(waiting)
    found = Callback.objects.filter(request=waiting["id"])
    eventually(lambda: not found.filter(state="stored").exists())
    assert sorted(found.values_list("state", flat=True)) == ["applied"] + ["conflict"] * 7
    assert Note.objects.filter(request=waiting["id"]).count() == 1


@pytest.fixture
def audio(clinic: Clinic) -> tuple[dict[str, Any], bytes]:
    content = wav(2)
    return clinic.upload(clinic.session(), content), content


def test_a_file_is_handed_out_whole_and_by_range(clinic: Clinic, audio: tuple[dict[str, Any], bytes]) -> None:
    row, content = audio
    url = f"{clinic.door_url}/files/{tickets.for_file(UUID(row['id']), seconds=60)}"
    whole = requests.get(url, timeout=10)
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["Content-Type"] == "audio/wav"
    part = requests.get(url, headers={"Range": "bytes=10-19"}, timeout=10)
    assert (part.status_code, part.content) == (206, content[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(content)}"
    assert requests.get(url, headers={"Range": "bytes=-5"}, timeout=10).content == content[-5:]
    assert requests.get(url, headers={"Range": f"bytes={len(content)}-"}, timeout=10).status_code == 416
    for odd in (f"bytes={'9' * 5000}-", f"bytes=0-{'9' * 5000}", "bytes=x", "bytes=1-0"):
        assert requests.get(url, headers={"Range": odd}, timeout=10).status_code == 200
    head = requests.head(url, timeout=10)
    assert (head.headers["Content-Length"], head.content) == (str(len(content)), b"")
    stale = requests.get(url, headers={"Range": "bytes=0-1", "If-Range": '"other"'}, timeout=10)
    assert stale.status_code == 200


def test_a_file_is_handed_out_for_a_limited_time(clinic: Clinic, audio: tuple[dict[str, Any], bytes]) -> None:
    ended = tickets.for_file(UUID(audio[0]["id"]), seconds=-1)
    assert requests.get(f"{clinic.door_url}/files/{ended}", timeout=10).status_code == 401


def test_the_access_log_of_the_door_holds_no_ticket(stack: Stack, url: str) -> None:
    post(url)
    ticket = url.rpartition("/")[2]
    for log in stack.folder.glob("log/*"):
        assert ticket not in log.read_text(), log.name


def test_the_door_says_how_it_is(clinic: Clinic) -> None:
    assert requests.get(f"{clinic.door_url}/healthz", timeout=10).status_code == 200
    assert requests.get(f"{clinic.door_url}/readyz", timeout=10).status_code == 200
