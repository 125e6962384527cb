"""Bodies that are no JSON object, or none that should be read."""

from __future__ import annotations

import json

import pytest

from config.parsing import BODY_BYTES
from ingest.models import Session
from tests.rest.api import Api, assert_problem

GOOD = b'{"kind": "ambient", "language": "en-US", "consent": true%s}'


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"hello",
        b"{'kind': 1}",
        GOOD % b"," + b"x",
        GOOD % b', "x": NaN',
        GOOD % b', "x": -Infinity',
        GOOD % b', "x": 1e999',
        GOOD % (b', "x": ' + b"9" * 5000),
        GOOD % (b', "x": ' + b"[" * 200_000 + b"]" * 200_000),
        GOOD % (b', "x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        GOOD % b', "x": "\xff"',
        GOOD % b', "x": "\xed\xa0\x80"',
        b"\xef\xbb\xbf" + GOOD % b"",
        (GOOD % b"").decode().encode("utf-16"),
        b"\0" * 10,
    ],
)
def test_a_body_that_cannot_be_read_is_refused(api: Api, body: bytes) -> None:
    assert_problem(api.post("sessions", body), 400)
    assert not Session.objects.exists()


@pytest.mark.parametrize("body", [[], ["x"], "text", 1, True, [GOOD.decode()]])
def test_a_body_that_is_no_object_is_refused(api: Api, body: object) -> None:
    assert_problem(api.post("sessions", body), 422, "body")


def test_a_null_body_is_refused(api: Api) -> None:
    assert_problem(api.post("sessions", b"null"), 422, "body")


def test_a_body_over_the_limit_is_refused(api: Api) -> None:
    padding = BODY_BYTES - len(GOOD % b"")
    assert api.post("sessions", GOOD % (b" " * padding)).status_code == 201
    assert_problem(api.post("sessions", GOOD % (b" " * (padding + 1))), 413)
    assert Session.objects.count() == 1


def test_a_deep_member_that_nobody_reads_is_refused_as_any_other(api: Api) -> None:
    assert_problem(api.post("sessions", GOOD % (b', "x": ' + b"[" * 500 + b"]" * 500)), 422, "x")


def test_deep_lists_where_words_belong_are_refused(api: Api) -> None:
    deep: list[object] = []
    for _ in range(400):
        deep = [deep]
    assert_problem(
        api.post("sessions", json.dumps({"kind": deep, "language": deep, "consent": deep}).encode()),
        422,
        "kind",
        "language",
        "consent",
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "nonsense",
        "\xff",
    ],
)
def test_a_body_of_another_type_is_refused(api: Api, content_type: str) -> None:
    assert_problem(api.post("sessions", GOOD % b"", content_type=content_type), 415)


def test_a_body_that_calls_itself_json_with_more_is_read(api: Api) -> None:
    assert api.post("sessions", GOOD % b"", content_type="application/json; charset=utf-8").status_code == 201
