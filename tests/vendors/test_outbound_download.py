"""The guarded way out for files: in pieces, never whole in memory, and under the same guard as a request."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.vendors.guard import (
    LOOPBACK,
    NO_ANSWER,
    REFUSED,
    SECRET,
    TOKEN_HOST_REFUSED,
    TOO_LARGE,
    UNREACHABLE,
    facts,
)
from tests.vendors.internet import PUBLIC, Internet
from tests.vendors.scripted_server import ScriptedServer, http
from tests.vendors.test_outbound_proxy import tunnel
from vendors.base import VendorError
from vendors.outbound import MIB, Outbound
from vendors.proxy import Proxy

UNMEASURED = b"HTTP/1.1 200 OK\r\n\r\n"


def fetched(url: str, outbound: Outbound | None = None, **options: Any) -> tuple[int, bytes]:
    with (outbound or Outbound(LOOPBACK)).download(url, **{"max_bytes": MIB, **options}) as answer:
        return answer.status, b"".join(answer.chunks())


def refusal(url: str, outbound: Outbound | None = None, **options: Any) -> tuple[str, bool, bool]:
    with pytest.raises(VendorError) as caught:
        fetched(url, outbound, **options)
    assert SECRET not in caught.value.message
    assert (caught.value.__cause__, caught.value.__context__) == (None, None), "the original's text holds the path"
    return facts(caught.value)


def test_a_file_comes_in_pieces_with_its_status_and_headers() -> None:
    content = bytes(range(256)) * 1024
    server = ScriptedServer(http(206, content, Content_Range="bytes 5-9/10", ETag='"e"'))
    asked: dict[str, Any] = {"headers": {"Range": "bytes=5-9"}, "max_bytes": MIB}
    with server, Outbound(LOOPBACK).download(server.url, **asked) as answer:
        pieces = list(answer.chunks())
    assert (answer.status, answer.headers["etag"], answer.headers["content-range"]) == (206, '"e"', "bytes 5-9/10")
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 65_536
    assert (server.asked[0].method, server.asked[0].headers["range"]) == ("GET", "bytes=5-9")


def test_the_first_piece_is_there_before_the_last_was_sent() -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(UNMEASURED, b"x" * 65_536)]
        with Outbound(LOOPBACK).download(server.url, max_bytes=100 * MIB) as answer:
            assert next(answer.chunks()) == b"x" * 65_536


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_returned_not_followed(status: int) -> None:
    with ScriptedServer(http(200)) as other, ScriptedServer(http(status, b"x", Location=f"{other.url}/")) as server:
        assert fetched(server.url) == (status, b"x")
    assert not other.asked


def test_a_file_that_announces_too_much_is_not_begun() -> None:
    server = ScriptedServer(b"HTTP/1.1 200 OK\r\nContent-Length: 3221225472\r\n\r\n" + b"x" * 1000)
    link = f"{server.url}/{SECRET}"
    with server, Outbound(LOOPBACK).download(link, max_bytes=2**31) as answer, pytest.raises(VendorError) as caught:
        next(answer.chunks())
    assert facts(caught.value) == TOO_LARGE


def test_a_file_that_turns_out_too_large_is_left() -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(UNMEASURED, b"x" * MIB, every=0)]
        assert refusal(f"{server.url}/{SECRET}") == TOO_LARGE


def test_a_file_of_exactly_the_limit_is_whole() -> None:
    with ScriptedServer(http(200, b"x" * 1000)) as server:
        assert fetched(server.url, max_bytes=1000) == (200, b"x" * 1000)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx"]
)
def test_what_breaks_off_is_no_answer(answer: bytes) -> None:
    with ScriptedServer(answer) as server:
        assert refusal(f"{server.url}/{SECRET}") == NO_ANSWER


@pytest.mark.parametrize("start", [b"", UNMEASURED, b"HTTP/1.1 200 OK\r\nX: "])
def test_silence_is_cut_after_the_idle_time(start: bytes) -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(start + b"y", b"", every=0.05)]
        began = time.monotonic()
        assert refusal(f"{server.url}/{SECRET}", idle_timeout=0.4) == NO_ANSWER
        assert time.monotonic() - began < 1.5


def test_headers_that_drip_are_cut_after_the_idle_time_and_a_body_after_the_total() -> None:
    cases: list[tuple[bytes, dict[str, Any]]] = [
        (b"HTTP/1.1 200 OK\r\nX: ", {"idle_timeout": 0.5, "total_timeout": 60}),
        (UNMEASURED, {"idle_timeout": 10, "total_timeout": 0.5}),
    ]
    for start, timeouts in cases:
        with ScriptedServer(b"") as server:
            server.answers = [server.drip(start, b"1")]
            began = time.monotonic()
            assert refusal(f"{server.url}/{SECRET}", **timeouts) == NO_ANSWER
            assert 0.4 < time.monotonic() - began < 1.5


def test_a_body_may_take_longer_than_the_idle_time() -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", b"x", every=0.08)]
        assert fetched(server.url, idle_timeout=0.4) == (200, b"x" * 12)


def test_what_is_wrong_with_the_reader_is_the_readers() -> None:
    def write(url: str) -> None:
        with Outbound(LOOPBACK).download(url, max_bytes=MIB):
            raise OSError("disk full")

    with ScriptedServer(http(200, b"x" * 1000)) as server, pytest.raises(OSError, match="disk full"):
        write(server.url)


def test_a_private_address_is_refused_and_so_is_a_name_for_one(net: Internet) -> None:
    net.names["store.example"] = [[PUBLIC, "169.254.169.254"]]
    for url in (f"http://127.0.0.1:1/{SECRET}", f"https://store.example/{SECRET}", f"file:///{SECRET}"):
        assert refusal(url, Outbound()) == REFUSED
    assert not net.called


def test_a_token_is_not_sent_to_a_link() -> None:
    with ScriptedServer(http(200)) as server:
        for header in ("sdp_suki_token", "Authorization", "Cookie"):
            assert refusal(server.url, headers={header: SECRET}) == TOKEN_HOST_REFUSED
    assert not server.asked


def test_nobody_there_is_unreachable() -> None:
    with ScriptedServer(b"") as server:
        url = server.url
    assert refusal(f"{url}/{SECRET}") == UNREACHABLE


def test_files_go_through_the_proxy_too(certificate: Path, tls: Any, net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC]]
    with ScriptedServer(http(200, b"safe"), tls=tls) as server, ScriptedServer(tunnel(server.port)) as proxy:
        way = Proxy.read(f"http://127.0.0.1:{proxy.port}")
        outbound = Outbound(proxy=way, ca_file=str(certificate))
        assert fetched("https://vendor.example/x", outbound) == (200, b"safe")
    assert (proxy.asked[0].method, proxy.asked[0].path) == ("CONNECT", f"{PUBLIC}:443")
