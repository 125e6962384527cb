"""Most bodies are read by a fast parser, some by a patient one: nobody can tell which.

A byte order mark is something that only the patient one takes.
"""

from __future__ import annotations

import codecs
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.base import Unreadable
from vendors.reading import read_object

NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(st.characters())
VALUES: Any = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def read(body: bytes) -> str:
    """What was read, or what was complained of."""
    try:
        return repr(read_object(body).value("a"))
    except Unreadable as error:
        return str(error)


@given(VALUES, st.booleans())
def test_both_read_the_same(value: Any, ascii_only: bool) -> None:
    body = json.dumps({"a": value}, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    assert read(body) == read(codecs.BOM_UTF8 + body)


@pytest.mark.parametrize(
    "body",
    [
        *('{"a": 1, "a": 2}', '{"a": "\\u0000"}', '{"a": "\\ud800x"}', '{"a": "\\ud83d\\ude00"}', '{"a": "x\ny"}'),
        *('{"a": NaN}', '{"a": -Infinity}', '{"a": 1e400}', '{"a": 1e-400}', '{"a": -0}', '{"a": 01}', '{"a": 1.}'),
        *('{"a": 18446744073709551615}', '{"a": 18446744073709551616}', '{"a": -9223372036854775809}'),
        *('{"a": ' + "9" * digits + "}" for digits in (18, 19, 20, 300, 301, 5000)),
        *("", "[]", "null", "{'a': 1}", '{"a": 1,}', '{"a": 1} x', '{"a": "\\x"}', '{"a": ' + "[" * 100_000),
    ],
)
def test_both_read_what_is_odd_the_same(body: str) -> None:
    known, patient = read(body.encode()), read(codecs.BOM_UTF8 + body.encode())
    assert known == patient


@pytest.mark.parametrize("body", [b'{"a": "\xff\x00"}', b'{"a": "\xed\xa0\x80"}', b'{"a\x00": 1, "a": 2}'])
def test_bytes_that_are_no_text_are_replaced_by_both(body: bytes) -> None:
    assert read(body) == read(codecs.BOM_UTF8 + body)
