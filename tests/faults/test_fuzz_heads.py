"""Whatever stands before a body, in an address or a proof: answered below 500, in time, and nothing forged is kept."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote, unquote
from uuid import uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from access.models import Clinic
from ingest import tickets
from ingest.models import Callback
from tests.faults.door import DoorProcess
from tests.faults.exchange import exchange, request
from tests.faults.fuzzing import Examples, Ways, is_well
from tests.faults.letters import Post

pytestmark = pytest.mark.usefixtures("unharmed")
NAMES = b"""Content-Length Transfer-Encoding Expect Connection Host Content-Type Authorization X-Forwarded-For Upgrade
Content-Encoding X-Nabla-Webhook-Timestamp X-Nabla-Webhook-Signature Range TE Trailer Cookie Keep-Alive""".split()
VALUES = [
    *(b"chunked", b"identity", b"gzip, chunked", b"chunked, chunked", b"\x0bchunked", b"xchunked"),
    *(b"0", b"5", b"+5", b"-1", b"5, 5", b"5, 6", b"0x5", b"99999999999999999999", b" "),
    *(b"100-continue", b"close", b"keep-alive", b"h2c", b"websocket", b"127.0.0.1, ::1", b"bytes=0-", b"a" * 20_000),
    *(b"Bearer x", b"Bearer " + b"a." * 3000, b"Bearer lp_000000000000_" + b"A" * 43, b"application/json\xff"),
]
METHODS = [*b"GET PUT PATCH DELETE OPTIONS HEAD TRACE CONNECT PRI post".split(), b"P" * 2000, b"\0", b""]
TARGETS = [b"*", b"/", b"//", b"/healthz", b"/metrics", b"/callbacks/nabla", b"http://door/callbacks/nabla", b"door:80"]
VERSIONS = [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/9", b"", b"FTP/1.1"]
ODD_ENDS = [b"?", b"?x=%00", b"#f", b"/", b"%2e%2e", b"%ff", b"\xff", b" ", b"a" * 9000]
NEXT = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: door\r\n\r\n"

known_headers = st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)).map(b": ".join)
any_headers = st.tuples(st.binary(max_size=30), st.binary(max_size=200)).map(b": ".join)
bodies = st.binary(max_size=200) | st.sampled_from([b"5\r\nhello\r\n0\r\n\r\n", NEXT, b"hello"])


@st.composite
def requests(draw: st.DrawFn, paths: list[bytes]) -> list[bytes]:
    """A request like any other, but for a header or two and one thing more. In two pieces."""
    method, target, version, end, body = b"POST", draw(st.sampled_from(paths)), b"HTTP/1.1", b"\r\n", draw(bodies)
    length = b"Content-Length: %d" % len(body)
    lines = [b"Host: door", *draw(st.lists(known_headers, max_size=2)), *draw(st.sampled_from([[length], []]))]
    twist = draw(st.sampled_from(["none", "method", "target", "end", "version", "header", "headers", "line", "cut"]))
    if twist == "method":
        method = draw(st.sampled_from(METHODS))
    elif twist == "target":
        target = draw(st.sampled_from(TARGETS))
    elif twist == "end":
        target += draw(st.sampled_from(ODD_ENDS) | st.binary(max_size=5))
    elif twist == "version":
        version = draw(st.sampled_from(VERSIONS))
    elif twist == "header":
        lines.append(draw(any_headers))
    elif twist == "headers":
        lines += draw(st.lists(known_headers, min_size=3, max_size=300))
    elif twist == "line":
        end = draw(st.sampled_from([b"\n", b"\r", b"\r\n ", b"\0"]))
    sent = end.join([b" ".join([method, target, version]), *lines]) + end * 2 + body
    place = draw(st.integers(0, len(sent)))
    return [sent[:place], *([] if twist == "cut" else [sent[place:]])]


def test_any_head_is_answered_or_hung_up_on(fuzzed_door: DoorProcess, clinic: Clinic, examples: Examples) -> None:
    ways, said_stored = Ways(clinic, examples.count(250)), 0
    paths = [ways.letter(b"").path.encode() for _ in range(examples.count(250) // 10)]

    @examples(250)
    @given(requests(paths))
    def fuzz(pieces: list[bytes]) -> None:
        nonlocal said_stored
        said = exchange(fuzzed_door.port, *pieces)
        assert is_well(said)
        said_stored += said.count("stored")

    fuzz()
    assert len(ways.kept()) >= said_stored  # an answer may be lost, what it says may not


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: {0}\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: {0}",
        "Content-Length: {0}\r\nTransfer-Encoding: xchunked",
        "Content-Length: {0}\r\nTransfer-Encoding: \x0bchunked",
        "Content-Length: {0}\r\nTransfer-Encoding : chunked",
        "Content-Length: {0}\r\nTransfer-Encoding: chunked, identity",
        "Content-Length: {0}\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: {0}",
        "Content-Length: 5, {0}",
        "Content-Length: +5",
    ],
)
def test_a_request_that_hides_in_the_body_of_another_is_not_heard(
    fuzzed_door: DoorProcess, clinic: Clinic, lines: str
) -> None:
    post = Post(clinic)
    outer, hidden = post.ticketed(), post.ticketed()
    body = b"0\r\n\r\n" + request(hidden.path, {}, hidden.body)
    first = f"POST {outer.path} HTTP/1.1\r\nHost: door\r\n{lines.format(len(body))}\r\n\r\n"
    assert is_well(exchange(fuzzed_door.port, first.encode() + body))
    assert not Callback.objects.filter(request=hidden.request).exists()


@st.composite
def forged(draw: st.DrawFn, good: str) -> str:
    """A ticket with something wrong in it, one of another kind, or none at all."""
    raw, place = urlsafe_b64decode(good + "=" * (-len(good) % 4)), draw(st.integers(0, 48))
    return draw(
        st.sampled_from(
            [good + "=", good + "A", good[1:], good[:-1], good[::-1], good.lower(), good * 2, f"{good}/{good}"]
        )
        | st.characters(codec="ascii").map(lambda sign: good[:place] + sign + good[place + 1 :])
        | st.binary(min_size=1, max_size=3).map(
            lambda bits: urlsafe_b64encode(raw[:place] + bits + raw[place + len(bits) :]).rstrip(b"=").decode()
        )
        | st.binary(max_size=150).map(lambda bits: urlsafe_b64encode(bits).decode())
        | st.builds(lambda: tickets.for_file(uuid4(), seconds=60))
        | st.text(max_size=60)
    )


def test_nothing_but_the_ticket_itself_opens_the_door(
    fuzzed_door: DoorProcess, clinic: Clinic, examples: Examples
) -> None:
    path = Post(clinic).ticketed().path
    address, _, good = path.rpartition("/")

    @examples(250)
    @given(forged(good))
    def fuzz(ticket: str) -> None:
        target = f"{address}/{quote(ticket, safe='/=~', errors='replace')}"
        assume(unquote(target) not in (path, f"{address}/"))
        said = exchange(fuzzed_door.port, request(target, {}, b"{}"), is_whole=True)
        assert said.statuses in ([401], [404])

    fuzz()
    assert not Callback.objects.filter(clinic=clinic).exists()


signatures = st.text(alphabet="0123456789abcdefABCDEF, \t", max_size=600) | st.just("0" * 64)
timestamps = st.datetimes().map(lambda at: at.isoformat()) | st.text(
    alphabet="0123456789-:.TZ+ W", min_size=1, max_size=60
)
tokens = st.text(alphabet="ABCabc012._-= lp", max_size=300) | st.sampled_from(["lp_000000000000_" + "A" * 43, "a.b.c"])


def test_no_other_proof_opens_the_door(fuzzed_door: DoorProcess, clinic: Clinic, examples: Examples) -> None:
    post = Post(clinic)
    signed, posted = post.signed(), post.posted()

    @examples(50)
    @given(timestamps, signatures, tokens)
    def fuzz(timestamp: str, signature: str, token: str) -> None:
        names = {"X-Nabla-Webhook-Timestamp": timestamp, "X-Nabla-Webhook-Signature": signature}
        for path, proof in (
            (signed.path, names),
            (signed.path, signed.headers() | {"X-Nabla-Webhook-Signature": signature}),
            (signed.path, signed.headers() | {"X-Nabla-Webhook-Timestamp": timestamp}),
            (signed.path.replace(str(post.account.pk), str(uuid4())), signed.headers()),
            (posted.path, {"Authorization": f"Bearer {token}"}),
        ):
            said = exchange(fuzzed_door.port, request(path, proof, signed.body), is_whole=True)
            assert said.statuses == [401]
        changed = exchange(fuzzed_door.port, request(signed.path, signed.headers(), signed.body + b" "), is_whole=True)
        assert changed.statuses == [401]

    fuzz()
    assert not Callback.objects.filter(clinic=clinic).exists()
