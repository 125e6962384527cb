"""The benchmarks' clients: they count what a server that is no friend of theirs has really seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from benchmarks.load import Answer, Round, ask, drive
from benchmarks.submissions import TICKET, post
from tests.benchmarks.server import ok, serving

PLACE = b"00000000-0000-0000-0000-000000000000"
LONG = 20.0


def names(count: int) -> Iterator[tuple[bytes, bytes]]:
    return ((b"%066d" % number, b"%036d" % number) for number in range(count))


def post_all(url: str, count: int, *, clients: int, size: int = 100, rate: float | None = None) -> Round:
    template = post(url, f"/door/{TICKET.decode()}", PLACE + b"x" * size)
    return drive(url, template.source(names(count)), clients=clients, seconds=LONG, rate=rate)


@pytest.mark.parametrize("size", [0, 50_000, 3_000_000])
def test_every_callback_is_sent_once_with_its_own_ids(size: int) -> None:
    with serving() as server:
        result = post_all(server.url, 30, clients=4, size=size)
    sent = Counter((path.removeprefix(b"/door/"), body[:36]) for path, body in server.asked)
    assert sent == Counter(names(30))
    assert {len(body) for _, body in server.asked} == {36 + size}
    assert Counter(answer.key for answer in result.good) == Counter(name for _, name in names(30))
    assert server.connections == 4


def test_a_callback_without_an_answer_is_counted_as_such_and_the_client_goes_on() -> None:
    with serving(lambda path, body: None if int(body[:36]) % 3 == 0 else ok(path, body)) as server:
        result = post_all(server.url, 30, clients=4)
    assert sorted(int(key) for key in result.unanswered) == list(range(0, 30, 3))
    assert len(result.good) == 20
    assert result.statuses == {"200": 20, "none": 10}


def test_a_refusal_that_closes_the_connection_is_an_answer() -> None:
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with serving(lambda path, body: refusal) as server:
        result = post_all(server.url, 10, clients=2)
    assert result.statuses == {"401": 10}
    assert result.good == []
    assert server.connections >= 10


def test_at_a_rate_everything_is_sent_too_and_never_on_two_clients_at_once() -> None:
    with serving() as server:
        result = post_all(server.url, 40, clients=3, rate=400)
    assert len(result.good) == len(server.asked) == 40


def test_the_rate_counts_only_what_was_answered_well_and_in_time() -> None:
    facts = [(200, 100.5), (200, 101.9), (503, 101.0), (200, 102.1)]
    result = Round(2.0, begun=100.0, answers=[Answer(b"", status, 0.1, at) for status, at in facts])
    assert result.rate == 1.0
    assert result.rate_of(503) == 0.5
    assert len(result.took) == 3


def test_paths_are_asked_in_turn_and_an_answer_that_is_not_good_is_an_error() -> None:
    with serving() as server:
        ask(server.url, ["/a", "/b"], {}, clients=1, seconds=0.05)
    assert {path for path, _ in server.asked} == {b"/a", b"/b"}
    with serving(lambda path, body: ok(path, body).replace(b"200", b"404")) as server, pytest.raises(RuntimeError):
        ask(server.url, ["/a"], {}, clients=1, seconds=0.05)
