"""Bodies for fuzzing: answers of the vendor's forms with something wrong in them, other JSON, and anything at all."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.faults.letters import envelope, result

ODD_NUMBERS = ["1e999999", "-0", "NaN", "-Infinity", "9" * 400, "0." + "1" * 5000, "1E-400", "18446744073709551616"]
ODD_TEXTS = ["\ud800", "\udfff\ud800", "\x00", "\ufeff", "\u202e", "a\u0301" * 50, "x" * 70_000, "'; --", "{}", "🩺"]

texts = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(ODD_TEXTS)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.integers(-(10**300), 10**300)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    """An answer in which one thing, somewhere, is something else, is gone or has company."""
    answer = {"request_id": "r", "client_request_id": "c"} | result("fuzzed", 4)
    whole = draw(st.sampled_from([answer, envelope("fuzzed", answer), {"error_code": 422, "error_message": "m"}]))
    place: Any = whole
    while True:
        key = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
            break
        place = place[key]
    if draw(st.booleans()):
        place[key] = draw(values)
    elif isinstance(place, dict) and draw(st.booleans()):
        place[draw(texts)] = draw(values)
    else:
        del place[key]
    return whole


@st.composite
def written(draw: st.DrawFn, things: st.SearchStrategy[Any]) -> bytes:
    """As JSON: escaped, or as raw as it gets, in another encoding now and then."""
    text = json.dumps(draw(things), ensure_ascii=draw(st.booleans()))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32"]))
    return text.encode(encoding, "surrogatepass")


@st.composite
def cut_up(draw: st.DrawFn, bodies: st.SearchStrategy[bytes]) -> bytes:
    """With some bytes in the middle exchanged for others."""
    body = draw(bodies)
    begin, length = draw(st.integers(0, len(body))), draw(st.integers(0, 20))
    return body[:begin] + draw(st.binary(max_size=20)) + body[begin + length :]


def nested(opening: bytes, closing: bytes) -> st.SearchStrategy[bytes]:
    depths = st.integers(1, 2000) | st.integers(1, 100_000)
    return depths.map(lambda depth: opening * depth + b"1" + closing * depth)


deep = nested(b"[", b"]") | nested(b'{"note":', b"}") | nested(b'[{"a":', b"}]") | nested(b"[", b"")
numbers = st.sampled_from(ODD_NUMBERS).map(
    lambda number: b'{"transcript": [{"text": "a", "start_offset_ms": %s}]}' % number.encode()
)
repeated = st.integers(1, 3000).map(lambda times: b"{" + b'"note": {"sections": []},' * times + b'"note": null}')

json_like = written(spoiled()) | written(values)
anything: st.SearchStrategy[bytes] = st.one_of(
    json_like, json_like, cut_up(json_like), st.binary(max_size=3000), deep, numbers, repeated
)
