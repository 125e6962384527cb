"""Recordings: what is listed, how long the links are good, and a store that is nobody's API."""

import hashlib
import io
import time
import wave
from typing import Any

import pytest
import requests

from .partner import Partner, samples

DAY = 86_400
PCM = samples(1)


def got(link: dict[str, Any], **headers: str) -> requests.Response:
    return requests.get(link["presigned_url"], headers=headers, timeout=8, allow_redirects=False)


def test_the_recording_is_what_was_streamed(partner: Partner) -> None:
    session = partner.finished(PCM)
    (link,) = partner.links(session)
    assert link.keys() == {"recording_id", "presigned_url", "expires_at", "sequence_number"}
    answer = got(link)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.readframes(file.getnframes()) == PCM
    assert partner.session(session)["sha256"] == hashlib.sha256(PCM).hexdigest()


def test_the_links_are_of_another_origin(partner: Partner) -> None:
    (link,) = partner.links(partner.made())
    port = partner.root.rpartition(":")[2]
    assert link["presigned_url"].startswith(f"http://localhost:{port}/suki/store/")
    elsewhere = link | {"presigned_url": link["presigned_url"].replace("localhost", "127.0.0.1")}
    assert (got(link).status_code, got(elsewhere).status_code) == (200, 403)


def test_several_chunks_are_one_recording(partner: Partner) -> None:
    partner.settings(chunks=3)
    links = partner.links(partner.finished(PCM))
    assert [one["sequence_number"] for one in links] == [1, 2, 3]
    assert len({one["recording_id"] for one in links}) == 3
    assert b"".join(got(one).content[44:] for one in links) == PCM


def test_chunks_can_come_out_of_order(partner: Partner) -> None:
    session = partner.made(chunks=3)
    partner.fault("recording_out_of_order", times=1)
    assert [one["sequence_number"] for one in partner.links(session)] == [3, 2, 1]
    assert [one["sequence_number"] for one in partner.links(session)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("seconds", "download", "lifetime"),
    [(60, "false", 15 * 60), (1200, "false", 1200 + 10 * 60), (60, "true", 3600), (1200, "true", 3600)],
)
def test_links_live_as_long_as_they_say(partner: Partner, seconds: float, download: str, lifetime: int) -> None:
    partner.settings(token_seconds=2 * lifetime)
    session = partner.made(seconds=seconds)
    before = int(time.time())
    (link,) = partner.links(session, download)
    assert before + lifetime <= link["expires_at"] <= time.time() + lifetime
    partner.ahead(lifetime - 30)
    assert got(link, Range="bytes=0-3").content == b"RIFF"
    partner.ahead(lifetime + 1)
    assert got(link).status_code == 403
    assert got(partner.links(session, download)[0], Range="bytes=0-3").content == b"RIFF"


@pytest.mark.parametrize("change", [("X-Expires=1", "X-Expires=2"), (".wav", ".mp3"), ("X-Signature=", "X-Nothing=")])
def test_a_changed_link_is_refused(partner: Partner, change: tuple[str, str]) -> None:
    (link,) = partner.links(partner.made())
    assert got(link | {"presigned_url": link["presigned_url"].replace(*change)}).status_code == 403


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-0", 0, 1), ("bytes=40-59", 40, 60), ("bytes=32000-", 32_000, 32_044), ("bytes=-10", 32_034, 32_044)],
)
def test_a_range_is_a_part_of_the_file(partner: Partner, asked: str, start: int, stop: int) -> None:
    (link,) = partner.links(partner.finished(PCM))
    answer = got(link, Range=asked)
    assert (answer.status_code, answer.content) == (206, got(link).content[start:stop])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/32044"


@pytest.mark.parametrize("asked", ["bytes=32044-", "bytes=99999-100000", "bytes=10-5", "bytes=-0"])
def test_a_range_that_is_not_there_is_416(partner: Partner, asked: str) -> None:
    answer = got(partner.links(partner.finished(PCM))[0], Range=asked)
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */32044")


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=0-1", "bytes=-", "bytes=x-y"])
def test_what_is_no_single_range_gets_the_whole(partner: Partner, asked: str) -> None:
    answer = got(partner.links(partner.finished(PCM))[0], Range=asked)
    assert (answer.status_code, len(answer.content)) == (200, 32_044)


def test_nobody_asks_with_head_and_nobody_shows_the_store_a_token(partner: Partner) -> None:
    session = partner.made()
    (link,) = partner.links(session)
    assert requests.head(link["presigned_url"], timeout=8).status_code == 403
    assert got(link, sdp_suki_token=partner.token).status_code == 200
    assert requests.head(f"{partner.api}/ambient/session/{session}/recording", timeout=8).status_code == 405
    assert partner.session(session)["offences"] == {"head_request": 2, "token_at_store": 1}


def test_a_recording_is_not_there_before_the_session_is_over(partner: Partner) -> None:
    session = partner.streamed(PCM)
    assert partner.ambient("GET", session, "recording").status_code == 404
    assert partner.ambient("GET", "unknown", "recording").status_code == 404


def test_after_seven_days_it_is_gone_for_good(partner: Partner) -> None:
    session, older = partner.made(), partner.made(age_seconds=7 * DAY - 60)
    (link,) = partner.links(older)
    partner.ahead(61)
    assert [partner.ambient("GET", one, "recording").status_code for one in (session, older)] == [200, 410]
    assert got(link).status_code == 404


def test_404_then_200_and_404_for_ever(partner: Partner) -> None:
    late, never = partner.made(), partner.made()
    partner.fault("recording_404", session_id=late, times=2)
    partner.fault("recording_404", session_id=never)
    assert [partner.ambient("GET", late, "recording").status_code for _ in range(3)] == [404, 404, 200]
    assert [partner.ambient("GET", never, "recording").status_code for _ in range(3)] == [404, 404, 404]
    assert [one["status"] for one in partner.requests("recording")] == [404, 404, 200, 404, 404, 404]


def test_what_is_not_streamable_can_be_saved(partner: Partner) -> None:
    session = partner.made()
    partner.fault("recording_not_streamable")
    assert partner.ambient("GET", session, "recording").json() == {"recordings": [], "is_streamable": False}
    saving = partner.ambient("GET", session, "recording?download=true").json()
    assert (saving["is_streamable"], len(saving["recordings"])) == (False, 1)
    assert partner.ambient("GET", session, "recording?download=maybe").status_code == 400


def test_links_that_are_worth_less_than_they_say(partner: Partner) -> None:
    session = partner.made()
    partner.fault("recording_link_expired", times=1)
    (expired,) = partner.links(session)
    assert (expired["expires_at"] < time.time(), got(expired).status_code) == (True, 403)
    partner.fault("recording_link_short", times=1, seconds=0)
    (short,) = partner.links(session)
    assert (short["expires_at"] > time.time() + 800, got(short).status_code) == (True, 403)
    partner.fault("recording_link_elsewhere", times=1, url="http://10.0.0.1/x.wav")
    assert partner.links(session)[0]["presigned_url"] == "http://10.0.0.1/x.wav"
    assert got(partner.links(session)[0]).status_code == 200


@pytest.mark.parametrize(("fault", "status"), [("store_403", 403), ("store_404", 404), ("store_500", 500)])
def test_the_store_can_refuse(partner: Partner, fault: str, status: int) -> None:
    (link,) = partner.links(partner.made())
    partner.fault(fault, times=1)
    assert [got(link).status_code, got(link).status_code] == [status, 200]


def test_the_store_can_redirect(partner: Partner) -> None:
    (link,) = partner.links(partner.made())
    partner.fault("store_redirect")
    answer = got(link)
    assert (answer.status_code, answer.headers["Location"][:23]) == (302, "http://169.254.169.254/")


def test_a_file_can_be_cut_in_the_middle(partner: Partner) -> None:
    (link,) = partner.links(partner.finished(PCM))
    partner.fault("store_cut", times=1, after_bytes=10_000)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="10000 bytes read"):
        got(link)
    rest = got(link, Range="bytes=10000-")
    assert (rest.status_code, len(rest.content)) == (206, 22_044)


def test_a_file_can_be_shorter_than_it_says(partner: Partner) -> None:
    (link,) = partner.links(partner.finished(PCM))
    partner.fault("store_short_length", times=1, missing_bytes=1000)
    assert len(got(link).content) == 31_044
    partner.fault("store_wav_lies", times=1, bytes=5_000_000)
    lying = got(link).content
    assert (len(lying), int.from_bytes(lying[40:44], "little")) == (32_044, 5_000_000)


def test_a_file_can_be_no_wav_or_take_its_time(partner: Partner) -> None:
    (link,) = partner.links(partner.finished(PCM))
    partner.fault("store_not_wav", times=1, body="<html>")
    assert got(link).content == b"<html>"
    partner.fault("store_slow", times=1, bytes_per_second=100_000)
    begun = time.monotonic()
    assert got(link).content[44:] == PCM
    assert time.monotonic() - begun > 0.25
    partner.fault("store_ignores_range", times=1)
    assert got(link, Range="bytes=0-3").status_code == 200


def test_a_file_can_claim_three_gigabytes(partner: Partner) -> None:
    (link,) = partner.links(partner.made())
    partner.fault("store_huge")
    with requests.get(link["presigned_url"], stream=True, timeout=8) as answer:
        assert answer.headers["Content-Length"] == "3000000044"
        first = answer.raw.read(10_000_000)
    assert (first[:4], int.from_bytes(first[40:44], "little"), len(first)) == (b"RIFF", 3_000_000_000, 10_000_000)
