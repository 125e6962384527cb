"""Counting in Redis: exact, for a while, and never in anybody's way."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from limits import parse

from access import limits
from access.limits import Meter, Policy, Tally
from config import environment
from tests.flows.clinic import eventually

Settings = Any
FULL = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
REPLICA = b"-READONLY You can't write against a read only replica.\r\n"


class Line:
    """A port that leads to Redis, unless the line is `silent` or what is counted is answered with `trouble`."""

    def __init__(self) -> None:
        self.silent, self.trouble = False, b""
        self.open: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self) -> str:
        there = urlsplit(configured.REDIS_URL)
        return there._replace(netloc=f":{there.password}@127.0.0.1:{self.listener.getsockname()[1]}").geturl()

    def accept(self) -> None:
        there = urlsplit(configured.REDIS_URL)
        with suppress(OSError):
            while True:
                caller, _ = self.listener.accept()
                server = socket.create_connection((there.hostname, there.port))
                self.open += [caller, server]
                threading.Thread(target=self.pass_on, args=(caller, server), daemon=True).start()
                threading.Thread(target=self.pass_on, args=(server, caller), daemon=True).start()

    def pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.trouble and b"EVALSHA" in data:
                    source.sendall(self.trouble)
                elif not self.silent:
                    target.sendall(data)

    def cut(self) -> None:
        """Ends the connections there are, as a restart of Redis does."""
        for end in self.open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        time.sleep(0.05)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for one in (self.listener, *self.open):
            one.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


@pytest.fixture
def who() -> str:
    return str(uuid4())


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def at_the_start_of_a_second() -> None:
    time.sleep(1.005 - time.time() % 1)


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [("300/minute", 300, 60), ("10 per 5 seconds", 10, 5), (" 1/day ", 1, 86_400), ("7/2 hours", 7, 7200)],
)
def test_a_rate_is_read(monkeypatch: pytest.MonkeyPatch, text: str, amount: int, seconds: int) -> None:
    monkeypatch.setenv("RATE_PER_KEY", text)
    rate = environment.rate("RATE_PER_KEY", "1/second")
    assert rate
    assert (rate.amount, rate.get_expiry()) == (amount, seconds)


def test_a_rate_may_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_PER_KEY", "none")
    assert environment.rate("RATE_PER_KEY", "1/second") is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "many", "300", "minute/5", "0", "false", "0/minute", "-1/minute", "1.5/minute", "5/0 minutes"),
        *("5 per 00seconds", "5/fortnight", "5/minute;9/hour", "2/month", "5/25 hours", f"5/{'9' * 20} seconds"),
    ],
)
def test_a_rate_that_is_none_ends_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("RATE_PER_KEY", text)
    with pytest.raises(ImproperlyConfigured, match="RATE_PER_KEY must be a rate such as 300/minute"):
        environment.rate("RATE_PER_KEY", "1/second")


def test_many_at_once_never_get_more_than_the_limit(settings: Settings, who: str) -> None:
    settings.RATE_PER_KEY = parse("100/day")
    begin = threading.Barrier(32)

    def ask() -> int:
        begin.wait()
        return sum(standing is not None and not standing.is_over for standing in (one() for _ in range(10)))

    def one() -> limits.Standing | None:
        standing = limits.add(Policy.KEY, who)
        assert standing
        return standing

    with ThreadPoolExecutor(32) as threads:
        assert sum(found.result() for found in [threads.submit(ask) for _ in range(32)]) == 100


def test_a_window_ends(settings: Settings, who: str) -> None:
    settings.RATE_PER_KEY = parse("2/second")
    at_the_start_of_a_second()
    standings = [limits.add(Policy.KEY, who) for _ in range(3)]
    assert [(standing.is_over, standing.remaining, standing.wait) for standing in standings if standing] == [
        (False, 1, 1),
        (False, 0, 1),
        (True, 0, 1),
    ]
    at_the_start_of_a_second()
    fresh = limits.add(Policy.KEY, who)
    assert fresh
    assert fresh.remaining == 1


def test_limits_do_not_count_for_each_other(settings: Settings, who: str) -> None:
    settings.RATE_PER_KEY = settings.RATE_REFUSED = parse("5/day")
    limits.add(Policy.KEY, who)
    for policy, other in ((Policy.REFUSED, who), (Policy.KEY, str(uuid4()))):
        standing = limits.add(policy, other)
        assert standing
        assert standing.used == 1


def test_what_redis_keeps_is_small_and_ends_by_itself(settings: Settings, who: str) -> None:
    settings.RATE_PER_KEY = parse("5/minute")
    limits.add(Policy.KEY, who)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        (key,) = client.scan_iter(f"*{who}*", count=1000)
        assert key.startswith(b"listenpost:rate:")
        assert client.get(key) == b"1"
        assert 0 < client.ttl(key) <= 60


def test_the_first_beyond_a_limit_is_logged(settings: Settings, who: str, caplog: pytest.LogCaptureFixture) -> None:
    settings.RATE_PER_KEY = parse("1/day")
    for _ in range(4):
        limits.add(Policy.KEY, who)
    assert caplog.messages == [f"over the limit: key {who}"]


def assert_open(meter: Meter, caplog: pytest.LogCaptureFixture, trouble: str) -> None:
    """The first to ask waits for one time-out at most, the rest for nothing; one line says so."""
    begun = time.monotonic()
    assert meter.add("a", 60) is None
    assert time.monotonic() - begun < 3
    begun = time.monotonic()
    assert [meter.add("a", 60) for _ in range(100)] == [None] * 100
    assert time.monotonic() - begun < 1
    assert caplog.messages == [f"rate limits are off: {trouble} at Redis"]


def test_a_redis_that_is_down_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    assert_open(Meter(closed_port()), caplog, "ConnectionError")


def test_a_redis_that_hangs_stops_nobody(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.silent = True
    assert_open(Meter(line.url), caplog, "TimeoutError")


def test_a_redis_that_falls_silent_stops_nobody(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    meter = Meter(line.url)
    assert meter.add(str(uuid4()), 60) == 1
    line.silent = True
    assert_open(meter, caplog, "TimeoutError")


@pytest.mark.parametrize(("trouble", "name"), [(FULL, "OutOfMemoryError"), (REPLICA, "ReadOnlyError")])
def test_a_redis_that_takes_nothing_stops_nobody(
    line: Line, caplog: pytest.LogCaptureFixture, trouble: bytes, name: str
) -> None:
    line.trouble = trouble
    assert_open(Meter(line.url), caplog, name)


def test_an_address_that_is_none_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    assert_open(Meter("redis://127.0.0.1:1/0?no_such_option=1"), caplog, "TypeError")


def test_many_at_once_find_out_together(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.silent = True
    meter = Meter(line.url)
    begun = time.monotonic()
    with ThreadPoolExecutor(32) as threads:
        assert set(threads.map(lambda _: meter.add("a", 60), range(320))) == {None}
    assert time.monotonic() - begun < 6
    assert len(caplog.messages) == 1


def test_counting_goes_on_when_redis_is_back(line: Line, who: str, caplog: pytest.LogCaptureFixture) -> None:
    line.silent = True
    meter = Meter(line.url, rest_seconds=0.5)
    assert meter.add(who, 60) is None
    line.silent = False
    assert meter.add(who, 60) is None
    time.sleep(0.55)
    assert [meter.add(who, 60), meter.add(who, 60)] == [1, 2]
    assert caplog.messages == ["rate limits are off: TimeoutError at Redis", "rate limits are on again"]


def test_a_long_silence_is_told_once(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.silent = True
    meter = Meter(line.url, rest_seconds=0)
    assert [meter.add("a", 60) for _ in range(3)] == [None] * 3
    assert len(caplog.messages) == 1


def test_a_restart_of_redis_goes_unnoticed(line: Line, who: str, caplog: pytest.LogCaptureFixture) -> None:
    meter = Meter(line.url)
    assert meter.add(who, 60) == 1
    line.cut()
    assert meter.add(who, 60) == 2
    assert caplog.messages == []


def test_the_door_asks_the_same_limits(settings: Settings, who: str) -> None:
    settings.RATE_PER_KEY = settings.RATE_REFUSED = parse("2/hour")

    async def ask() -> list[float | None]:
        limits.add(Policy.KEY, who)
        return [await limits.admit(who), await limits.admit(who), limits.count_refusal(None)]

    admitted, over, of_nobody = asyncio.run(ask())
    assert admitted is None
    assert over
    assert 0 < over <= 3600
    assert of_nobody is None


def test_the_door_turns_floods_away(settings: Settings) -> None:
    settings.RATE_REFUSED = parse("2/hour")
    network = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}"

    assert limits.count_refusal(f"{network}::1") is None
    assert limits.count_refusal(f"{network}::2") is None
    assert limits.count_refusal(f"{network}::3")


def test_another_process_hears_of_refused_entries_soon(settings: Settings) -> None:
    settings.RATE_REFUSED = parse("2/hour")
    here, there = Tally(), Tally()
    who = uuid4().hex
    assert [here.add(who), here.add(who)] == [None] * 2
    eventually(lambda: here.known(who) == 2)
    assert there.add(who) is None
    eventually(lambda: there.known(who) == 3)
    assert there.add(who)


def test_the_door_goes_on_while_redis_hangs(settings: Settings, line: Line, who: str) -> None:
    settings.REDIS_URL, line.silent = line.url, True

    async def ask() -> int:
        """How often the loop came round meanwhile."""
        asked = [asyncio.ensure_future(limits.admit(who)) for _ in range(100)]
        rounds = 0
        while not all(one.done() for one in asked):
            await asyncio.sleep(0.01)
            rounds += 1
        assert {one.result() for one in asked} == {None}
        return rounds

    assert asyncio.run(ask()) >= 5
