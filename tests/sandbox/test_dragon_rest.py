"""Dragon Copilot by REST: sessions, chunks, finalize, and what is refused."""

import hashlib
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sandbox.dragon.contract import AUDIO_AUDIENCE, PARTNER_AUDIENCE

from .copilot import Copilot, chunks, samples

AUDIO = samples(4)
PARTS = [None, *chunks(AUDIO)]
TOTAL = len(PARTS)
OK = (200, {"error": None})


def said(answer: requests.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def error(answer: requests.Response) -> tuple[int, str]:
    body = answer.json()
    assert body.keys() == {"error"}
    return answer.status_code, body["error"]


def test_a_recording_is_what_its_chunks_were(copilot: Copilot) -> None:
    session = copilot.create(data='{"visit": 1}')
    for number, data in enumerate(PARTS, 1):
        assert said(copilot.chunk(session, number, data, isLast=number == TOTAL)) == OK
    assert copilot.recording(session)["complete"] is False
    assert said(copilot.finalize(session, TOTAL)) == OK
    told = copilot.recording(session)
    assert (told["id"], told["bytes"], told["chunks"], told["complete"]) == (1, len(AUDIO), TOTAL, True)
    assert told["sha256"] == hashlib.sha256(AUDIO).hexdigest()
    shown = copilot.session(session)
    assert (shown["created_by"], shown["user"], shown["data"]) == ("partner", "dr-a", '{"visit": 1}')
    assert (shown["ended"], shown["offences"]) == (False, [])


@pytest.mark.parametrize("seed", range(4))
def test_chunks_and_finalize_come_in_any_order(copilot: Copilot, seed: int) -> None:
    session = copilot.create()
    order: list[int] = [0, *range(1, TOTAL + 1)]
    random.Random(seed).shuffle(order)  # noqa: S311
    for number in order:
        answer = copilot.chunk(session, number, PARTS[number - 1]) if number else copilot.finalize(session, TOTAL)
        assert said(answer) == OK
    told = copilot.recording(session)
    assert (told["complete"], told["sha256"]) == (True, hashlib.sha256(AUDIO).hexdigest())
    assert copilot.offences(session) == []


def test_chunks_may_come_all_at_once(copilot: Copilot) -> None:
    session = copilot.create()
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda number: copilot.chunk(session, number, PARTS[number - 1]), range(1, TOTAL + 1))
        assert [said(one) for one in answers] == [OK] * TOTAL
    assert said(copilot.finalize(session, TOTAL)) == OK
    assert copilot.recording(session)["sha256"] == hashlib.sha256(AUDIO).hexdigest()


def test_finalize_may_come_first(copilot: Copilot) -> None:
    session = copilot.create()
    assert said(copilot.finalize(session, TOTAL)) == OK
    for number in range(TOTAL, 0, -1):
        assert copilot.recording(session)["complete"] is False
        assert said(copilot.chunk(session, number, PARTS[number - 1])) == OK
    assert copilot.recording(session)["sha256"] == hashlib.sha256(AUDIO).hexdigest()


def test_the_first_chunk_is_its_metadata_alone_and_counts(copilot: Copilot) -> None:
    session = copilot.create()
    assert error(copilot.chunk(session, 1, b"audio")) == (400, "content must be empty in chunk 1")
    assert error(copilot.chunk(session, 2, None)) == (400, "content is required")
    assert said(copilot.chunk(session, 1, b"")) == said(copilot.chunk(session, 2, AUDIO)) == OK
    assert said(copilot.finalize(session, 2)) == OK
    assert copilot.recording(session)["complete"] is True


def test_all_that_is_wrong_is_said_at_once(copilot: Copilot) -> None:
    wrong: dict[str, Any] = {"productId": "p", "customerId": 5, "recordingId": 0, "chunkId": 1.5, "isLast": "no"}
    status, sentence = error(copilot.chunk("a b", 2, b"x", **wrong))
    assert status == 400
    assert sentence.split(", ") == [
        "productId must be a valid UUID",
        "customerId must be a valid UUID",
        "correlationId must match [A-Za-z0-9_|-]+",
        "recordingId must be a positive integer",
        "chunkId must be a positive integer",
        "isLast must be true or false",
    ]
    body = {"partnerId": str(uuid.uuid4()), "totalChunks": 2**31, "correlationId": "x"}
    assert error(copilot.audio("POST", "finalizeUpload", json=body)) == (
        400,
        "productId is required, customerId is required, recordingId is required, "
        "totalChunks must be a positive integer",
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"content": ("a", b"x")}, "metadata is required"),
        ({"metadata": (None, "[1]")}, "metadata must be a JSON object"),
        ([("metadata", (None, "{}")), ("metadata", (None, "{}"))], "the field metadata is repeated"),
    ],
)
def test_a_chunk_has_two_fields(copilot: Copilot, fields: Any, sentence: str) -> None:
    assert error(copilot.audio("PUT", "storeChunk", files=fields)) == (400, sentence)


def test_a_third_field_is_one_too_many(copilot: Copilot) -> None:
    form = {"metadata": (None, "{}"), "content": ("a", b"x"), "more": (None, "y")}
    assert "the field more is not expected" in error(copilot.audio("PUT", "storeChunk", files=form))[1]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{}\r\n'),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n{}\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="metadata"\r\n--x--\r\n'),
    ],
)
def test_what_is_no_form_is_refused(copilot: Copilot, content_type: str, body: bytes) -> None:
    answer = copilot.audio("PUT", "storeChunk", {"Content-Type": content_type}, data=body)
    assert error(answer)[0] == 400


def test_binary_content_comes_as_it_is(copilot: Copilot) -> None:
    session, awkward = copilot.create(), b"\r\n--\r\n\r\n\x00\xff--boundary\r\n"
    copilot.chunk(session, 1, None)
    assert said(copilot.chunk(session, 2, awkward)) == OK
    copilot.finalize(session, 2)
    assert copilot.recording(session)["sha256"] == hashlib.sha256(awkward).hexdigest()


def test_every_call_is_traced(copilot: Copilot) -> None:
    session, trace = copilot.create(), {"x-correlation-id": str(uuid.uuid4())}
    missing = copilot.chunk(session, 1, None, {"x-correlation-id": None})
    assert error(missing) == (400, "x-correlation-id header is required")
    assert error(copilot.chunk(session, 1, None, {"x-correlation-id": "x"}))[0] == 400
    assert said(copilot.chunk(session, 1, None, trace)) == said(copilot.chunk(session, 2, AUDIO, trace)) == OK
    assert copilot.offences(session) == ["x-correlation-id_repeated"]
    assert copilot.session(session)["requests"][-1]["trace"] == trace["x-correlation-id"]


BAD_TOKENS: list[dict[str, Any]] = [
    {"audience": PARTNER_AUDIENCE},
    {"lifetime": -1},
    {"claims": {"exp": None}},
    {"claims": {"iss": "https://elsewhere.example"}},
    {"key": "unpublished"},
    {"key": "other_issuer"},
    {"forge": "bad_signature"},
    {"forge": "none"},
    {"forge": "hs256_public_key"},
    {"forge": "two_dots"},
]


@pytest.mark.parametrize("order", BAD_TOKENS)
def test_a_bad_token_is_refused_in_plain_text(copilot: Copilot, order: dict[str, Any]) -> None:
    answer = copilot.chunk(copilot.create(), 1, None, {"Authorization": f"Bearer {copilot.minted(**order)}"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.startswith("Unauthorized")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic eDp5", "Bearer junk"])
def test_no_token_is_refused_in_plain_text(copilot: Copilot, header: str | None) -> None:
    answer = copilot.chunk(copilot.create(), 1, None, {"Authorization": header})
    assert answer.status_code == 401
    assert answer.text.startswith("Unauthorized")


def test_a_token_of_the_key_before_is_still_good(copilot: Copilot) -> None:
    session, before = copilot.create(), copilot.audio_token
    requests.post(f"{copilot.root}/control/issuer/rotate", json={"alg": "ES256"}, timeout=8)
    for token in (before, copilot.token(AUDIO_AUDIENCE)):
        assert said(copilot.chunk(session, 1, None, {"Authorization": f"Bearer {token}"})) == OK


def test_an_application_can_be_left_off_the_allow_list(copilot: Copilot) -> None:
    session = copilot.create()
    copilot.settings(not_allowed=["sandbox-partner"])
    assert error(copilot.chunk(session, 1, None)) == (401, "The application is not on the allow list")


def test_the_partner_api_has_an_audience_of_its_own(copilot: Copilot) -> None:
    headers = {"Authorization": f"Bearer {copilot.audio_token}"}
    url = f"{copilot.root}/dragon/partner/ambient-sessions"
    assert requests.put(url, json=copilot.order(), headers=headers, timeout=8).status_code == 401


@pytest.mark.parametrize("version", [{}, {"api-version": "1"}])
def test_the_api_version_must_be_named(copilot: Copilot, version: dict[str, str]) -> None:
    session = copilot.create()
    wanted = (400, "api-version=2025-07-15 is required")
    body = {**copilot.owners, "correlationId": session, "recordingId": 1, "totalChunks": 1}
    assert error(copilot.audio("POST", "finalizeUpload", json=body, params=version)) == wanted
    partner = copilot.partner("PUT", "ambient-sessions", copilot.order(), **{"api-version": "1"})
    assert error(partner) == (400, "api-version=2 is required")


def test_an_unknown_session_takes_nothing(copilot: Copilot) -> None:
    unknown = str(uuid.uuid4())
    wanted = (404, "Session not found")
    assert error(copilot.chunk(unknown, 1, None)) == error(copilot.finalize(unknown, 1)) == wanted
    assert error(copilot.end(unknown)) == wanted


def test_finalize_can_do_without_a_session(copilot: Copilot) -> None:
    session = str(uuid.uuid4())
    assert said(copilot.finalize(session, 2, skipAmbientSessionExistence=True)) == OK
    assert copilot.session(session)["created_by"] == "finalize"


def test_the_vendor_may_not_look_for_sessions_at_all(copilot: Copilot) -> None:
    copilot.settings(checks_sessions=False)
    session = str(uuid.uuid4())
    copilot.put(session, AUDIO)
    assert copilot.until(session, lambda shown: shown["processed"])["created_by"] == "chunk"


def test_a_chunk_may_come_again_as_it_was(copilot: Copilot) -> None:
    session = copilot.create()
    assert said(copilot.chunk(session, 2, AUDIO)) == said(copilot.chunk(session, 2, AUDIO)) == OK
    for other in (AUDIO[1:], AUDIO + b"x", AUDIO[:-1] + b"x"):
        assert error(copilot.chunk(session, 2, other)) == (400, "chunkId 2 was stored with other content")
    assert copilot.offences(session) == ["chunkId 2 was stored with other content"] * 3
    copilot.put(session, AUDIO, recording=2)
    assert said(copilot.chunk(session, 3, PARTS[2], recordingId=2)) == OK


def test_the_number_of_chunks_must_match(copilot: Copilot) -> None:
    session = copilot.create()
    copilot.chunk(session, 3, AUDIO)
    assert error(copilot.finalize(session, 2)) == (400, "totalChunks does not match the chunks")
    assert said(copilot.finalize(session, 3)) == said(copilot.finalize(session, 3)) == OK
    assert error(copilot.finalize(session, 4)) == (400, "totalChunks does not match the chunks")
    assert error(copilot.chunk(session, 4, AUDIO)) == (400, "chunkId 4 is beyond totalChunks")


def test_a_session_that_has_ended_takes_no_more(copilot: Copilot) -> None:
    session = copilot.uploaded(AUDIO)
    assert copilot.end(session).status_code == 200
    assert copilot.session(session)["ended"] is True
    assert copilot.chunk(session, 1, None).status_code == copilot.finalize(session, TOTAL).status_code == 404
    assert copilot.end(session).status_code == 404
    copilot.settings(ended_twice_status=200)
    assert copilot.end(session).status_code == 200
    assert copilot.create(correlationId=session) == session
    assert copilot.session(session)["ended"] is True


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"externalUserId": ...}, "externalUserId is required"),
        ({"correlationId": "ä"}, "correlationId must match [A-Za-z0-9_|-]+"),
        ({"data": {}}, "data must be a string that holds a JSON object"),
        ({"data": "[]"}, "data must be a string that holds a JSON object"),
        ({"partnerId": "x", "customerId": ...}, "customerId is required, partnerId must be a valid UUID"),
    ],
)
def test_a_session_is_checked(copilot: Copilot, changes: dict[str, Any], sentence: str) -> None:
    assert error(copilot.partner("PUT", "ambient-sessions", copilot.order(**changes))) == (400, sentence)


def test_a_session_can_be_put_again_and_changed(copilot: Copilot) -> None:
    session = copilot.create(correlationId="visit_7|a-B", data="{}")
    assert copilot.create(correlationId=session) == session
    path = f"ambient-sessions/{session}"
    assert copilot.partner("PATCH", path, {"data": '{"a": 1}'}).status_code == 200
    assert copilot.partner("PATCH", path, {"externalUserId": "dr-b"}).status_code == 200
    assert error(copilot.partner("PATCH", path, {})) == (400, "externalUserId or data is required")
    assert error(copilot.partner("PATCH", path, {"data": "x"}))[0] == 400
    assert copilot.partner("PATCH", "ambient-sessions/unknown", {"data": "{}"}).status_code == 404
    shown = copilot.session(session)
    assert (shown["data"], shown["user"], shown["offences"]) == ('{"a": 1}', "dr-b", [])


def test_recordings_are_numbered_without_a_gap(copilot: Copilot) -> None:
    session, good = copilot.create(), copilot.create()
    for recording in (2, 4):
        copilot.put(session, AUDIO, recording)
    for recording in (2, 1):
        copilot.put(good, AUDIO, recording)
    assert copilot.end(session).status_code == copilot.end(good).status_code == 200
    assert copilot.offences(session) == ["recordingId_not_sequential"]
    assert copilot.offences(good) == []


def test_what_is_not_complete_at_the_end_never_will_be(copilot: Copilot) -> None:
    session = copilot.create()
    copilot.chunk(session, 2, AUDIO)
    assert copilot.end(session).status_code == 200
    shown = copilot.session(session)
    assert (shown["offences"], shown["processed"]) == (["ended_incomplete"], False)


def test_what_may_be_an_oversight_is_written_down(copilot: Copilot) -> None:
    session = copilot.create()
    strange: dict[str, Any] = {"surprise": 1, "customerId": str(uuid.uuid4()), "externalUserId": "dr-z"}
    assert said(copilot.chunk(session, 1, None, **strange)) == OK
    assert copilot.offences(session) == ["unknown_field surprise", "another_customerId", "another_user"]
    copilot.finalize(session, 3)
    assert said(copilot.chunk(session, 2, AUDIO, isLast=True)) == OK
    assert copilot.offences(session)[-1] == "isLast_before_the_last_chunk"


def test_the_wrong_protocol_is_forbidden(copilot: Copilot) -> None:
    url = f"ws{copilot.root.removeprefix('http')}/dragon/partner/notifications/x"
    with pytest.raises(InvalidStatus, match="403"):
        connect(url)


def test_other_addresses_and_methods_are_refused(copilot: Copilot) -> None:
    assert copilot.audio("GET", "storeChunk").status_code == 405
    assert copilot.audio("PUT", "elsewhere").status_code == 404
    told = copilot.control("GET", "requests").json()["other"]
    assert [one["status"] for one in told] == [405, 404]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("chunk_500", 500),
        ("chunk_401", 401),
        ("chunk_403", 403),
        ("session_404", 404),
        ("token_expired", 401),
        ("answer_500", 500),
    ],
)
def test_a_chunk_can_be_refused_once(copilot: Copilot, fault: str, status: int) -> None:
    session, other = copilot.create(), copilot.create()
    copilot.fault(fault, times=1, correlation_id=session)
    assert said(copilot.chunk(other, 1, None)) == OK
    assert copilot.chunk(session, 1, None).status_code == status
    assert said(copilot.chunk(session, 1, None)) == OK
    assert copilot.recording(session)["chunks"] == 1


def test_a_token_that_expires_is_said_in_plain_text(copilot: Copilot) -> None:
    session = copilot.create()
    copilot.fault("token_expired", times=2)
    for _ in range(2):
        assert copilot.chunk(session, 1, None).text == "Unauthorized: the token has expired"
    assert said(copilot.chunk(session, 1, None)) == OK


def test_a_session_and_a_finalize_can_be_refused(copilot: Copilot) -> None:
    copilot.fault("session_500", times=1)
    assert copilot.partner("PUT", "ambient-sessions", copilot.order()).status_code == 500
    session = copilot.create()
    copilot.fault("finalize_500", times=1)
    assert error(copilot.finalize(session, 1)) == (500, "Internal server error")


def test_a_finalize_can_be_done_and_its_answer_lost(copilot: Copilot) -> None:
    session = copilot.create()
    copilot.chunk(session, 1, None)
    copilot.fault("finalize_lost", times=1)
    with pytest.raises(requests.ConnectionError):
        copilot.finalize(session, 1)
    assert copilot.recording(session)["complete"] is True
    assert said(copilot.finalize(session, 1)) == OK


def test_any_answer_can_be_html(copilot: Copilot) -> None:
    session = copilot.create()
    copilot.fault("answer_html", times=1)
    answer = copilot.chunk(session, 1, None)
    assert (answer.headers["Content-Type"], answer.text[:6]) == ("text/html", "<html>")
    assert copilot.session(session)["recordings"] == []


def test_any_answer_can_be_huge(copilot: Copilot) -> None:
    session = copilot.create()
    copilot.fault("answer_huge", times=1, bytes=300_000)
    assert len(copilot.finalize(session, 1).content) == 300_000


def test_any_answer_can_break_off(copilot: Copilot) -> None:
    session = copilot.create()
    copilot.fault("answer_half", times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        copilot.chunk(session, 1, None)
    assert copilot.recording(session)["chunks"] == 1


@pytest.mark.parametrize("fault", ["silence", "chunk_silent"])
def test_there_can_be_no_answer(copilot: Copilot, fault: str) -> None:
    session = copilot.create()
    copilot.fault(fault, times=1, seconds=0.1)
    with pytest.raises(requests.ConnectionError):
        copilot.chunk(session, 1, None)


def test_an_answer_can_be_slow(copilot: Copilot) -> None:
    session = copilot.create()
    copilot.fault("chunk_slow", times=1, seconds=0.3)
    answer = copilot.chunk(session, 1, None)
    assert (said(answer), answer.elapsed.total_seconds() >= 0.3) == (OK, True)
