"""The guarded way out, against real sockets."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import closing, suppress

import pytest
import requests

from tests.vendors.guard import LOOPBACK, NO_ANSWER, SECRET, TOO_LARGE, UNREACHABLE, alarms, facts, failed
from tests.vendors.scripted_server import ScriptedServer, http
from vendors.addresses import Endpoint
from vendors.base import VendorError
from vendors.outbound import MIB, Outbound
from vendors.route import Deadline, Route, RoutedAdapter

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_an_answer_comes_whole_with_its_status() -> None:
    with ScriptedServer(http(418, b"body", X_Thing="yes")) as server:
        answer = Outbound(LOOPBACK).request("PUT", f"{server.url}/a?b=c", data=b"payload")
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (418, b"body", "yes")
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("PUT", "/a?b=c", b"payload")
    assert asked.headers["accept-encoding"] == "identity"


def test_chunked_and_endless_bodies_are_read_to_their_end() -> None:
    chunked = CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    unmeasured = b"HTTP/1.1 200 OK\r\n\r\nabcde"
    for answer in (chunked, unmeasured):
        with ScriptedServer(answer) as server:
            assert Outbound(LOOPBACK).request("GET", server.url).body == b"abcde"


def test_a_name_is_resolved_and_every_address_tried() -> None:
    with ScriptedServer(http(200, b"here")) as server:
        answer = Outbound(LOOPBACK).request("GET", f"http://localhost:{server.port}/")
    assert answer.body == b"here"
    assert server.asked[0].headers["host"] == f"localhost:{server.port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_returned_not_followed(status: int) -> None:
    with ScriptedServer(http(200)) as other, ScriptedServer(http(status, b"x" * 9, Location=f"{other.url}/")) as server:
        answer = Outbound(LOOPBACK).request("GET", server.url)
    assert (answer.status, answer.body) == (status, b"x" * 9)
    assert not other.asked


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(http(200)) as proxy, ScriptedServer(http(200, b"direct")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert Outbound(LOOPBACK).request("GET", server.url).body == b"direct"
    assert not proxy.asked


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
        CHUNKED + b"ffff\r\n",
    ],
)
def test_a_dripping_server_is_cut_at_the_deadline(start: bytes) -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(start, b"1")]
        began = time.monotonic()
        error = failed(f"{server.url}/{SECRET}", total_timeout=0.5)
        assert 0.4 < time.monotonic() - began < 1.5
    assert facts(error) == NO_ANSWER
    assert "in time" in error.message


def test_headers_without_end_are_cut() -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", every=0.01)]
        assert facts(failed(server.url, total_timeout=0.5)) == NO_ANSWER


def test_a_silent_server_is_left_at_the_deadline() -> None:
    with ScriptedServer(b"") as server:
        server.answers = [lambda _: server.stopped.wait(5)]  # type: ignore[list-item]
        began = time.monotonic()
        assert facts(failed(server.url, total_timeout=0.4)) == NO_ANSWER
        assert time.monotonic() - began < 1.4


def test_a_server_that_never_reads_is_left_at_the_deadline() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(VendorError) as caught:
            Outbound(LOOPBACK).request("POST", url, data=b"x" * 64 * MIB, total_timeout=0.5)
    assert facts(caught.value) == NO_ANSWER


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"])
def test_too_large_an_answer_is_cut(head: bytes) -> None:
    with ScriptedServer(head + b"x" * 1001) as server:
        assert facts(failed(server.url, max_bytes=1000)) in (TOO_LARGE, NO_ANSWER)
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(head, b"x" * MIB, every=0)]
        assert facts(failed(server.url)) == TOO_LARGE


def test_an_answer_of_exactly_the_limit_is_whole() -> None:
    with ScriptedServer(http(200, b"x" * 1000)) as server:
        assert len(Outbound(LOOPBACK).request("GET", server.url, max_bytes=1000).body) == 1000


def test_a_redirects_body_is_bounded_too() -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", b"x" * MIB, every=0)]
        assert facts(failed(server.url)) == TOO_LARGE


def test_a_chunk_whose_size_never_ends_is_no_answer() -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(CHUNKED, b"0" * MIB, every=0)]
        assert facts(failed(server.url)) == NO_ANSWER


def test_a_compressed_answer_is_not_unpacked() -> None:
    with ScriptedServer(http(200, b"\x1f\x8bbomb", Content_Encoding="gzip")) as server:
        assert Outbound(LOOPBACK).request("GET", server.url).body == b"\x1f\x8bbomb"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nno header this\r\nContent-Length: 2\r\n\r\n{}",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"5\r\nab",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
)
def test_a_broken_answer_is_no_answer(answer: bytes) -> None:
    with ScriptedServer(answer) as server:
        assert facts(failed(f"{server.url}/{SECRET}")) == NO_ANSWER


def test_nobody_listening_is_not_unanswered() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    error = failed(f"http://127.0.0.1:{port}/{SECRET}")
    assert facts(error) == UNREACHABLE
    assert "127.0.0.1" in error.message


def test_a_host_that_does_not_take_the_connection_is_unreachable() -> None:
    with closing(socket.socket()) as listener, closing(socket.socket()) as filler:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filler.connect(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        began = time.monotonic()
        assert facts(failed(url, connect_timeout=0.3)) == UNREACHABLE
        assert time.monotonic() - began < 1.3


def test_a_name_that_is_unknown_may_be_known_later() -> None:
    error = failed(f"https://nowhere.invalid/{SECRET}", total_timeout=2)
    assert facts(error) == ("name_unresolved", False, False)
    assert "nowhere.invalid" in error.message


def test_a_header_that_cannot_be_sent_is_refused_unsent() -> None:
    for value in ("line\r\nbreak", "schlüssel", "\x00"):
        with ScriptedServer(http(200)) as server, pytest.raises(VendorError) as caught:
            Outbound(LOOPBACK).request("GET", server.url, headers={"Authorization": value})
        assert facts(caught.value) == ("bad_header", True, False)
        assert not server.asked


def test_the_connection_goes_to_the_checked_address_whatever_the_name_stands_for_by_then() -> None:
    with ScriptedServer(http(200, b"pinned")) as server, closing(socket.create_server(("127.0.0.1", 0))) as closed:
        dead, live = (Endpoint(socket.AF_INET, ("127.0.0.1", port)) for port in (closed.getsockname()[1], server.port))
        closed.close()
        route = Route("name.invalid", [dead, live], 1, Deadline(5))
        with closing(route), closing(RoutedAdapter(route)) as adapter:
            answer = adapter.send(requests.Request("GET", "http://name.invalid/x").prepare())
    assert answer.content == b"pinned"
    assert server.asked[0].headers["host"] == "name.invalid"


@pytest.mark.parametrize("answer", [http(200), b"", b"HTTP/1.1 200 OK\r\ns3cret-ticket", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_no_log_line_holds_a_path_or_a_key(answer: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedServer(answer) as server, suppress(VendorError):
        outbound = Outbound(LOOPBACK).trusting(server.url)
        outbound.request("GET", f"{server.url}/{SECRET}?k={SECRET}", headers={"X-Key": SECRET})
    assert SECRET not in caplog.text


def test_nothing_is_left_running() -> None:
    with ScriptedServer(http(200)) as server:
        Outbound(LOOPBACK).request("GET", server.url)
    assert not alarms()
