"""Whatever is sent to Dragon Copilot's webhook: it is read, or refused, and nothing else becomes of it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.vendors.dragon_server import CREDENTIALS
from tests.vendors.test_dragon_client import REF, event
from vendors.base import Notice, Rejected, Result, Unreadable
from vendors.dragon.adapter import DragonVendor

NOW = datetime(2026, 3, 1, tzinfo=UTC)
calmly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Lone surrogates and U+0000 too.
TEXTS = st.text(st.characters(), max_size=20)
YEARS, ZONES = st.sampled_from([1, 1999, 2000, 2026, 2100, 9999]), st.sampled_from(["", "Z", "+14:00", "-23:59"])
TIMES = st.builds("{:04}-12-31T23:59:59{}".format, YEARS, ZONES)
CLOCKS = st.from_regex(r"[0-9]{1,7}:[0-9]{1,3}:[0-9]{1,3}([.,][0-9]{1,10})?", fullmatch=True)
SINGLE = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | TIMES | CLOCKS
VALUES = st.recursive(SINGLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
NAMES = {
    *("specversion", "id", "source", "type", "time", "data", "retrievalUrl", "correlationId"),
    *("answer_to", "session_id", "as_of", "is_supplement", "answer", "document", "title", "resources", "context"),
    *("display_description", "codes", "system", "identifier", "content", "transcript", "turns", "index", "text"),
    *("speaker", "start_time", "end_time"),
}
OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from(sorted(NAMES)), VALUES, max_size=6),
    lambda inner: st.dictionaries(st.sampled_from(sorted(NAMES)), VALUES | inner | st.lists(inner, max_size=3)),
    max_leaves=6,
)
FETCHED = {"answer_to": "dragon", "session_id": REF}


def bodies(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """As JSON with and without escapes."""
    escaped = values.map(lambda value: json.dumps(value).encode())
    return escaped | values.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


EVENTS = st.builds(lambda time, changes: event(**{"time": time, **changes}), TIMES, OBJECTS)
RESULTS = st.builds(lambda time, data: {**FETCHED, "as_of": time, "answer": {"data": data}}, TIMES, OBJECTS)
TWICE = OBJECTS.map(lambda data: {**FETCHED, "answer": json.dumps({"data": json.dumps(data)})})


@calmly
@given(bodies(EVENTS | RESULTS | TWICE | OBJECTS) | st.binary(max_size=200))
@example(b'{"id": "e", "source": "\\ud800"}')
@example(b'{"id": "\\ud800", "source": "s"}')
@example(b'{"id": "e", "source": %b}' % (b"[" * 1000 + b"]" * 1000))
def test_a_body_is_read_or_unreadable_and_has_an_id_that_fits_or_none(body: bytes) -> None:
    named = DragonVendor.event_id({}, body)
    assert named is None or (0 < len(named) <= 200 and named.isascii() and named.isprintable())
    assert named == DragonVendor.event_id({}, body)
    with suppress(Unreadable):
        said = DragonVendor.parse(body)
        assert isinstance(said, Notice | Result)
        assert said.as_of is None or (said.as_of.tzinfo == UTC and 1999 <= said.as_of.year <= 2101)
        assert b"\\u0000" not in orjson.dumps(asdict(said))  # and it refuses halves of characters, wherever they are


@calmly
@given(st.text() | st.text(st.sampled_from("acesotkn_=&%;+\ud800\x00é0"), max_size=60).map("access_token={}".format))
def test_an_address_proves_nothing_to_whoever_does_not_know_the_secret(query: str) -> None:
    with suppress(Rejected):
        DragonVendor.read_proof({}, query, NOW).verify(b"{}", DragonVendor.webhook_secrets(CREDENTIALS))
        raise AssertionError(query)


@calmly
@given(st.dictionaries(st.just("webhook-request-origin") | st.text(max_size=9), st.text(st.characters(), max_size=600)))
def test_whoever_asks_gets_headers_that_can_be_sent(headers: dict[str, str]) -> None:
    for name, value in (DragonVendor.handshake(headers) or {}).items():
        assert f"{name}{value}".isascii()
        assert f"{name}{value}".isprintable()
