"""Requests over one connection that is kept: told from a broken one, and made anew where it has ended."""

from __future__ import annotations

import os
import socket
import ssl
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.vendors.guard import LOOPBACK, NO_ANSWER, REFUSED, TOO_LARGE, UNREACHABLE, alarms, facts
from tests.vendors.scripted_server import Answer, ScriptedServer, http, read_request
from vendors.base import VendorError
from vendors.outbound import Kept, Outbound

#: Of the server: how the connection is treated after an answer, or instead of one.
KEEP, CLOSE, VANISH = "keep", "close", "vanish"


class KeepingServer(ScriptedServer):
    """Answers request after request on a connection. `turns`: what is done with each request, KEEP after the last.

    CLOSE answers and closes the connection; VANISH closes it unanswered once the request has come.
    """

    def __init__(self, *turns: str, answer: bytes = http(200, b"yes"), tls: ssl.SSLContext | None = None) -> None:
        super().__init__(answer)
        self.turns = list(turns)
        self.connections = 0
        self._server_tls = tls

    def _answer(self, line: socket.socket) -> None:
        self.connections += 1
        with line, suppress(OSError, ValueError):
            line.settimeout(5)
            secured = self._server_tls.wrap_socket(line, server_side=True) if self._server_tls else line
            with secured:
                while self._turn(secured) == KEEP:
                    pass

    def _turn(self, line: socket.socket) -> str:
        self.asked.append(read_request(line))
        turn = self.turns.pop(0) if self.turns else KEEP
        if turn != VANISH:
            answer: Answer = self.respond()
            assert isinstance(answer, bytes)
            line.sendall(answer)
        return turn


def ask(kept: Kept, server: ScriptedServer, **options: Any) -> bytes:
    headers = {"Authorization": "t"}
    return kept.request("PUT", f"{server.url}/chunk", headers=headers, data=b"x" * 70_000, **options).body


def trusting(server: ScriptedServer) -> Outbound:
    return Outbound(LOOPBACK).trusting(server.url)


def test_many_requests_go_over_one_connection_and_leave_nothing_behind() -> None:
    with KeepingServer() as server, trusting(server).kept() as kept:
        ask(kept, server)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(300):
            assert ask(kept, server) == b"yes"
        assert len(os.listdir("/proc/self/fd")) <= before
        assert (server.connections, len(server.asked)) == (1, 301)
        assert len(alarms()) == 1
    assert not alarms()


def test_tls_is_kept_too(certificate: Path, tls: ssl.SSLContext) -> None:
    with KeepingServer(tls=tls) as server:
        url = f"https://localhost:{server.port}"
        with Outbound(LOOPBACK, ca_file=str(certificate)).trusting(url).kept() as kept:
            for _ in range(3):
                assert kept.request("GET", url, headers={"Authorization": "t"}).body == b"yes"
    assert server.connections == 1


def test_a_connection_that_the_other_side_has_closed_is_made_anew_unnoticed() -> None:
    with KeepingServer(CLOSE, CLOSE) as server, trusting(server).kept() as kept:
        for _ in range(3):
            assert ask(kept, server) == b"yes"
            time.sleep(0.05)
    assert (server.connections, len(server.asked)) == (3, 3)


def test_a_used_connection_that_breaks_under_a_request_is_replaced_at_once_and_once_alone() -> None:
    with KeepingServer(KEEP, VANISH) as server, trusting(server).kept() as kept:
        ask(kept, server)
        assert ask(kept, server) == b"yes"
        server.turns = [VANISH, VANISH]
        with pytest.raises(VendorError) as caught:
            ask(kept, server)
        assert facts(caught.value) == NO_ANSWER
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert ask(kept, server) == b"yes"
    assert (server.connections, len(server.asked)) == (4, 6)


def test_a_new_connection_that_breaks_is_not_tried_twice() -> None:
    with KeepingServer(VANISH) as server, trusting(server).kept() as kept:
        with pytest.raises(VendorError) as caught:
            ask(kept, server)
        assert facts(caught.value) == NO_ANSWER
    assert len(server.asked) == 1


def test_what_is_too_slow_is_not_sent_again() -> None:
    with KeepingServer() as server, trusting(server).kept() as kept:
        ask(kept, server)
        server.respond = lambda: (server.stopped.wait(1), b"")[1]  # type: ignore[method-assign]
        begun = time.monotonic()
        with pytest.raises(VendorError) as caught:
            ask(kept, server, total_timeout=0.3)
        assert time.monotonic() - begun < 0.9
    assert facts(caught.value) == NO_ANSWER
    assert "in time" in caught.value.message
    assert len(server.asked) == 2


def test_a_pause_longer_than_a_request_may_take_does_no_harm() -> None:
    with KeepingServer() as server, trusting(server).kept() as kept:
        ask(kept, server, total_timeout=0.2)
        time.sleep(0.4)
        assert ask(kept, server) == b"yes"
    assert server.connections == 1


def test_a_server_that_has_gone_since_is_unreachable() -> None:
    server = KeepingServer(CLOSE)
    with trusting(server).kept() as kept:
        with server:
            ask(kept, server)
        with pytest.raises(VendorError) as caught:
            ask(kept, server)
    assert facts(caught.value) == UNREACHABLE


def test_after_too_large_an_answer_the_next_is_read_from_its_beginning() -> None:
    with KeepingServer() as server, trusting(server).kept() as kept:
        server.answers = [http(200, b"x" * 5000), http(200, b"yes")]
        with pytest.raises(VendorError) as caught:
            ask(kept, server, max_bytes=1000)
        assert facts(caught.value) == TOO_LARGE
        assert ask(kept, server) == b"yes"


def test_another_origin_gets_a_connection_of_its_own_and_no_secret_unless_trusted() -> None:
    with KeepingServer() as server, KeepingServer() as other, trusting(server).kept() as kept:
        ask(kept, server)
        with pytest.raises(VendorError) as caught:
            ask(kept, other)
        assert caught.value.code == "token_host_refused"
        assert ask(kept, server) == b"yes"
    assert not other.asked


# --- Who wants to know the status alone
def status(kept: Kept, server: ScriptedServer) -> tuple[int, bytes]:
    answer = kept.request("POST", f"{server.url}/", headers={}, data=b"x", max_bytes=1000, body_seconds=0.3)
    return answer.status, answer.body


def test_a_body_that_nobody_wants_keeps_the_connection_where_it_is_short() -> None:
    with KeepingServer(answer=http(202, b"yes")) as server, trusting(server).kept() as kept:
        assert [status(kept, server) for _ in range(2)] == [(202, b"")] * 2
        assert server.connections == 1


@pytest.mark.parametrize("length", [1001, 10**12])
def test_a_body_that_nobody_wants_is_left_where_it_is_long(length: int) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length
    with KeepingServer(answer=head + b"x" * 1001) as server, trusting(server).kept() as kept:
        assert [status(kept, server) for _ in range(2)] == [(200, b"")] * 2
        assert server.connections == 2
    assert not alarms()


def test_a_body_that_nobody_wants_is_left_where_it_drips_and_headers_are_cut() -> None:
    with ScriptedServer(b"") as server, trusting(server).kept() as kept:
        server.answers = [server.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x")]
        assert status(kept, server) == (200, b"")
        server.answers = [server.drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"x")]
        with pytest.raises(VendorError) as caught:
            kept.request("POST", f"{server.url}/", headers={}, total_timeout=1.0, body_seconds=5.0)
        assert facts(caught.value) == NO_ANSWER
    assert not alarms()


def test_where_a_name_leads_is_checked_without_a_call() -> None:
    with ScriptedServer(b"") as server:
        Outbound(LOOPBACK).check(server.url)
        with pytest.raises(VendorError) as caught:
            Outbound().check(server.url)
        assert facts(caught.value) == REFUSED
        assert not server.asked
