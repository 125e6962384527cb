"""Audio in: large, slow, broken and hostile bodies against the real web process."""

from __future__ import annotations

import http.client
import io
import json
import socket
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from access.models import AccessEntry
from access.models import Clinic as ClinicRow
from ingest.models import Audio
from tests.flows.clinic import Clinic, eventually, wav
from tests.flows.conftest import Stack
from tests.rest.api import a_key

pytestmark = pytest.mark.usefixtures("rows")
MIB = 1024 * 1024


def long_wav(size: int) -> tuple[bytes, int]:
    """A WAV header for so many bytes of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.setnframes(size // 4)
        out.writeframesraw(b"")
    return file.getvalue(), size // 4 * 4


def resident(stack: Stack) -> int:
    """MiB that the web process and its children hold, without what the kernel counts twice."""
    pids, total = [stack.pids["web"]], 0
    while pids:
        pid = pids.pop()
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            continue  # a short-lived child
        pids += map(int, children)
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total // 1024


@pytest.mark.parametrize("chunked", [False, True])
def test_half_a_gigabyte_passes_in_constant_memory(stack: Stack, clinic: Clinic, chunked: bool) -> None:
    session = clinic.session()
    clinic.upload(session, wav())  # whatever the first upload loads is not this one's doing
    before, most = resident(stack), 0
    header, frames = long_wav(500 * MIB)

    def body() -> Iterator[bytes]:
        nonlocal most
        yield header
        for sent in range(0, frames, MIB):
            if sent % (50 * MIB) == 0:
                most = max(most, resident(stack))
            yield bytes(min(MIB, frames - sent))

    headers = {"Content-Type": "audio/wav", "Authorization": f"Bearer {clinic.key}"}
    if not chunked:
        headers["Content-Length"] = str(len(header) + frames)
    connection = http.client.HTTPConnection(urlsplit(clinic.base_url).netloc, timeout=300)
    path = f"/api/v1/sessions/{session}/audio"
    connection.request("PUT", path, body=body(), headers=headers, encode_chunked=chunked)
    response = connection.getresponse()
    audio = json.loads(response.read())
    most = max(most, resident(stack))
    connection.close()
    assert response.status == 201, audio
    assert audio["bytes"] == len(header) + frames
    assert audio["duration_ms"] == pytest.approx(frames / 4 / 48, rel=0.01)
    assert most - before < 50
    Path(urlsplit(stack.env["STORAGE_URL"]).path, Audio.objects.get(pk=audio["id"]).storage_key).unlink()


def slow_upload(clinic: Clinic, session: str, head: str, body: bytes) -> socket.socket:
    parts = urlsplit(clinic.base_url)
    connection = socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=10)
    path = f"/api/v1/sessions/{session}/audio"
    lines = [f"PUT {path} HTTP/1.1", f"Host: {parts.netloc}", f"Authorization: Bearer {clinic.key}"]
    lines += ["Content-Type: audio/wav", head]
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return connection


def test_slow_uploads_do_not_starve_the_admin(clinic: Clinic) -> None:
    session = clinic.session()
    slow = [slow_upload(clinic, session, "Content-Length: 100000", b"RIFF") for _ in range(60)]
    begun = time.monotonic()
    assert requests.get(f"{clinic.base_url}/admin/login/", timeout=15).status_code == 200
    clinic.upload(session, wav())
    assert time.monotonic() - begun < 20  # they would hold every thread for the half minute that they may idle
    for connection in slow:
        connection.close()


@pytest.mark.parametrize("head", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_an_upload_that_breaks_off_leaves_nothing(stack: Stack, clinic: Clinic, head: str) -> None:
    session, content = clinic.session(), wav()
    part = content[:4096] if "Length" in head else b"1000\r\n" + content[:4096] + b"\r\n"
    slow_upload(clinic, session, head, part).close()
    time.sleep(0.5)
    assert not Audio.objects.filter(session__id=session).exists()
    assert not Path(urlsplit(stack.env["STORAGE_URL"]).path, "audio", session).exists()
    eventually(lambda: not left(stack))


def left(stack: Stack) -> list[Path]:
    """Files of uploads; copies of vendors' recordings are made in a folder beside them."""
    return [file for file in Path(stack.env["UPLOAD_DIR"]).iterdir() if file.is_file()]


def test_a_stranger_gets_no_room_for_an_upload(clinic: Clinic) -> None:
    url = f"{clinic.base_url}/api/v1/sessions/{clinic.session()}/audio"
    headers = {"Content-Type": "audio/wav", "Authorization": "Bearer lp_no_key"}
    refused = requests.put(url, data=bytes(20 * MIB), headers=headers, timeout=30)
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_a_key_that_may_only_read_gets_no_room_either(clinic: Clinic, rows: None) -> None:
    token = a_key(ClinicRow.objects.get(slug=clinic.slug), "notes:read")
    url = f"{clinic.base_url}/api/v1/sessions/{clinic.session()}/audio"
    headers = {"Content-Type": "audio/wav", "Authorization": f"Bearer {token}"}
    assert requests.put(url, data=bytes(20 * MIB), headers=headers, timeout=30).status_code == 403


def test_a_header_with_an_underscore_passes_for_no_other(clinic: Clinic) -> None:
    forged = requests.get(f"{clinic.base_url}/healthz", headers={"X_Request_ID": "forged-by-underscore"}, timeout=10)
    assert forged.headers["X-Request-ID"] != "forged-by-underscore"


@pytest.mark.parametrize(
    "headers",
    [
        "Authorization: Bearer {key}\r\nAuthorization: Bearer {key}",
        "Authorization: Bearer {key}\r\nauthorization: Bearer lp_x",
        "Authorization: Basic eDp5\r\nAuthorization: Bearer {key}",
        "Authorization: Bearer {key}, Bearer {key}",
        "Authorization: Bearer {key}\r\n Bearer {key}",
        "Authorization : Bearer {key}",
        "X-Authorization: Bearer {key}",
        "Authorization_: Bearer {key}",
        "HTTP_AUTHORIZATION: Bearer {key}",
        "Proxy-Authorization: Bearer {key}",
        "Cookie: Authorization=Bearer {key}",
    ],
)
def test_a_proof_that_is_sent_crookedly_is_none(clinic: Clinic, headers: str) -> None:
    address = urlsplit(clinic.base_url)
    sent = headers.format(key=clinic.key)
    head = f"GET /api/v1/sessions HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n{sent}\r\n\r\n"
    with socket.create_connection((str(address.hostname), int(address.port or 80)), timeout=10) as line:
        line.sendall(head.encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    status = answer.split(b" ", 2)[1] if answer else b""
    assert status in (b"400", b"401"), answer[:200]
    assert clinic.key.encode() not in answer


def test_an_address_cannot_be_forged_by_an_underscore(clinic: Clinic, rows: None) -> None:
    forged = {"X_Forwarded_For": "203.0.113.77", "X-Forwarded-For": "203.0.113.78", "Authorization": "Bearer lp_x"}
    assert requests.get(f"{clinic.base_url}/api/v1/notes", headers=forged, timeout=10).status_code == 401
    assert not AccessEntry.objects.filter(address__startswith="203.0.113.").exists()


def test_a_body_that_is_too_large_gets_a_whole_problem_document(clinic: Clinic) -> None:
    url = f"{clinic.base_url}/api/v1/sessions"
    refused = clinic.http.post(url, data=bytes(11 * MIB), timeout=30)
    assert (refused.status_code, refused.headers["Content-Type"]) == (413, "application/problem+json")
    assert refused.json()["request_id"] == refused.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "content",
    [
        b"not audio at all" * 100,
        b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/secret\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"RIFF\xff\xff\xff\xffWAVEfmt ",
        bytes(100_000),
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
        b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"words, words, words " * 500,
    ],
)
def test_what_is_not_audio_is_refused_whatever_it_says_it_is(stack: Stack, clinic: Clinic, content: bytes) -> None:
    session = clinic.session()
    problem = clinic.upload(session, content, expect=415)
    assert "WAV" in problem["detail"]
    assert not Audio.objects.filter(session__id=session).exists()
    assert not left(stack)


def test_the_bytes_are_believed_and_not_their_label(clinic: Clinic) -> None:
    assert clinic.upload(clinic.session(), wav(), "audio/mpeg")["content_type"] == "audio/wav"


def test_more_than_an_hour_is_kept_and_refused_when_a_request_is_made(clinic: Clinic) -> None:
    session = clinic.session()
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(1000)
        out.writeframes(bytes(3601 * 1000))
    assert clinic.upload(session, file.getvalue())["duration_ms"] == 3_601_000
    body = {"vendor": "nabla", "output_objects": ["note"]}
    problem = clinic.call("POST", f"sessions/{session}/requests", 422, json=body)
    assert [error["field"] for error in problem["errors"]] == ["audio"]
