"""The guarded way out for WebSockets, against real sockets."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vendors.guard import (
    LOOPBACK,
    NO_ANSWER,
    REFUSED,
    SECRET,
    TLS_FAILED,
    TOKEN_HOST_REFUSED,
    UNREACHABLE,
    alarms,
    facts,
)
from tests.vendors.internet import PUBLIC, Internet
from tests.vendors.scripted_server import ScriptedServer, http
from tests.vendors.test_outbound_proxy import tunnel
from tests.vendors.websocket_peer import Peer
from vendors.answers import Response
from vendors.base import VendorError
from vendors.outbound import Outbound
from vendors.proxy import Proxy
from vendors.websocket import WebSocket


class PeerServer(ScriptedServer):
    """Opens each WebSocket and does with it as it is told."""

    def __init__(self, talk: Callable[[Peer], None], *, tls: ssl.SSLContext | None = None, protocol: str = "") -> None:
        headers = {"Sec-WebSocket-Protocol": protocol} if protocol else {}
        super().__init__(lambda line: talk(Peer(line, self.asked[-1], **headers)), tls=tls)

    @property
    def ws(self) -> str:
        return self.url.replace("http:", "ws:")


def echo(peer: Peer) -> None:
    while (message := peer.receive()) is not None:
        peer.say(message)


def opened(url: str, outbound: Outbound | None = None, **options: Any) -> WebSocket:
    line = (outbound or Outbound(LOOPBACK).trusting(url)).websocket(url, **options)
    assert isinstance(line, WebSocket)
    return line


def refusal(url: str, outbound: Outbound | None = None, **options: Any) -> tuple[str, bool, bool]:
    with pytest.raises(VendorError) as caught:
        (outbound or Outbound(LOOPBACK).trusting(url)).websocket(url, **{"headers": {"X-Key": SECRET}, **options})
    assert SECRET not in caught.value.message
    assert (caught.value.__cause__, caught.value.__context__) == (None, None), "the original's text holds the path"
    return facts(caught.value)


def broken(line: WebSocket, act: Callable[[WebSocket], object]) -> tuple[str, bool, bool]:
    with pytest.raises(VendorError) as caught:
        act(line)
    return facts(caught.value)


def test_texts_go_to_and_fro() -> None:
    with PeerServer(echo) as server, opened(f"{server.ws}/a?b=c", headers={"X-Key": SECRET}) as line:
        line.send("héllo")
        assert line.receive(5) == "héllo"
        assert line.receive(0) is None
    (asked,) = server.asked
    assert (asked.path, asked.headers["x-key"]) == ("/a?b=c", SECRET)
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert "sec-websocket-extensions" not in asked.headers, "nothing is compressed"


def test_binary_messages_are_told_apart() -> None:
    with PeerServer(lambda peer: peer.say(b"\x00\xff")) as server, opened(server.ws) as line:
        assert line.receive(5) == b"\x00\xff"


def test_a_close_comes_after_all_that_was_said() -> None:
    def talk(peer: Peer) -> None:
        peer.say("last words")
        peer.close()

    with PeerServer(talk) as server, opened(server.ws) as line:
        assert line.receive(5) == "last words"
        assert broken(line, lambda line: line.receive(5)) == NO_ANSWER
        assert broken(line, lambda line: line.send("x")) == NO_ANSWER


def test_closing_waits_until_what_was_sent_has_arrived() -> None:
    got: list[Any] = []

    def talk(peer: Peer) -> None:
        time.sleep(0.3)
        got.extend([peer.receive(), peer.receive()])

    with PeerServer(talk) as server:
        with opened(server.ws) as line:
            line.send("x" * 50_000)
        assert got == ["x" * 50_000, None]


def test_nothing_is_left_running() -> None:
    with PeerServer(echo) as server, opened(server.ws) as line:
        line.send("x")
        assert line.receive(5) == "x"
        assert len(alarms()) == 1
    assert not alarms()


@pytest.mark.parametrize("status", [200, 302, 400, 401, 412, 503])
def test_an_answer_that_opens_nothing_comes_back(status: int) -> None:
    with ScriptedServer(http(200)) as other, ScriptedServer(b"") as server:
        server.answers = [http(status, b'{"code": 1}', Location=other.url, Retry_After="7")]
        answer = Outbound(LOOPBACK).websocket(server.url)
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, answer.headers["location"]) == (status, b'{"code": 1}', other.url)
    assert answer.retry_after() == 7
    assert not other.asked, "redirects are not followed"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 403 No\r\nContent-Length: 9999999999\r\n\r\n" + b"x" * 1000,
    ],
    ids=lambda answer: f"{answer[:30]!r}",
)
def test_what_is_no_handshake_is_no_answer(answer: bytes) -> None:
    with ScriptedServer(answer) as server:
        assert refusal(f"{server.url}/{SECRET}") == NO_ANSWER


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 101 Switching Protocols\r\nX: "])
def test_a_handshake_that_drips_is_cut(start: bytes) -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(start, b"1")]
        began = time.monotonic()
        assert refusal(f"{server.url}/{SECRET}", open_timeout=0.5) == NO_ANSWER
        assert time.monotonic() - began < 1.5


def test_a_message_over_the_limit_ends_the_line() -> None:
    def talk(peer: Peer) -> None:
        peer.say("x" * 1000)
        peer.say("x" * 1001)
        peer.receive()

    with PeerServer(talk) as server, opened(server.ws, max_bytes=1000) as line:
        assert line.receive(5) == "x" * 1000
        assert broken(line, lambda line: line.receive(5)) == NO_ANSWER


def test_a_line_ends_at_its_total_time_however_much_is_said() -> None:
    def chatty(peer: Peer) -> None:
        while True:
            peer.say("x")
            time.sleep(0.02)

    with PeerServer(chatty) as server, opened(server.ws, total_timeout=0.5) as line:
        began = time.monotonic()
        with pytest.raises(VendorError) as caught:
            list(iter(lambda: line.receive(1), None))
        assert 0.4 < time.monotonic() - began < 2
    assert facts(caught.value) == NO_ANSWER
    assert "in time" in caught.value.message


@pytest.mark.parametrize("raw", [b"\x81\x02\xff\xfe", b"\xff\xff\xff\xff", b"\x83\x00", b"\xc1\x01x"])
def test_invalid_utf_8_and_broken_frames_end_the_line(raw: bytes) -> None:
    def talk(peer: Peer) -> None:
        peer.line.sendall(raw)
        peer.line.recv(9)

    with PeerServer(talk) as server, opened(server.ws) as line:
        assert broken(line, lambda line: line.receive(5)) == NO_ANSWER


def test_a_secret_goes_to_trusted_origins_alone_in_headers_and_in_subprotocols() -> None:
    with PeerServer(echo) as server:
        for options in ({"headers": {"sdp_suki_token": SECRET}}, {"headers": {}, "subprotocols": ["Auth", SECRET]}):
            assert refusal(server.ws, Outbound(LOOPBACK), **options) == TOKEN_HOST_REFUSED
            assert refusal(server.ws, Outbound(LOOPBACK).trusting("wss://vendor.example"), **options) == (
                TOKEN_HOST_REFUSED
            )
        assert not server.asked


def test_a_subprotocol_is_offered_and_may_be_accepted() -> None:
    server = PeerServer(echo, protocol="Auth")
    with server, opened(server.ws, subprotocols=["Auth", "to.ken"]) as line:
        line.send("x")
        assert line.receive(5) == "x"
    assert server.asked[0].headers["sec-websocket-protocol"] == "Auth, to.ken"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "2130706433"])
def test_what_is_inside_is_refused(host: str, net: Internet) -> None:
    for scheme in ("ws", "wss", "WS"):
        assert refusal(f"{scheme}://{host}/{SECRET}", Outbound().trusting(f"{scheme}://{host}")) == REFUSED
    assert not net.called


def test_a_public_name_is_called_over_tls_only(net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC]]
    assert refusal("ws://vendor.example/x", headers={}) == REFUSED
    assert not net.called


def test_tls_names_the_host_and_its_certificate_is_checked(certificate: Path, tls: ssl.SSLContext) -> None:
    names: list[str | None] = []
    tls.sni_callback = lambda _line, name, _context: names.append(name)
    with PeerServer(echo, tls=tls) as server:
        safe = Outbound(LOOPBACK, ca_file=str(certificate))
        with opened(f"wss://localhost:{server.port}/", safe) as line:
            line.send("x")
            assert line.receive(5) == "x"
        assert names == ["localhost"]
        assert refusal(f"wss://127.0.0.1:{server.port}/", safe, headers={}) == TLS_FAILED
        assert refusal(f"wss://localhost:{server.port}/", headers={}) == TLS_FAILED
    assert len(server.asked) == 1


def test_it_goes_through_the_proxy_too(certificate: Path, tls: ssl.SSLContext, net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC]]
    server = PeerServer(echo, tls=tls)
    with server, ScriptedServer(tunnel(server.port)) as proxy:
        way = Proxy.read(f"http://127.0.0.1:{proxy.port}")
        with opened("wss://vendor.example/x", Outbound(proxy=way, ca_file=str(certificate))) as line:
            line.send("x")
            assert line.receive(5) == "x"
    assert (proxy.asked[0].method, proxy.asked[0].path) == ("CONNECT", f"{PUBLIC}:443")


def test_nobody_there_is_unreachable() -> None:
    with ScriptedServer(b"") as server:
        url = server.url
    assert refusal(f"{url}/{SECRET}") == UNREACHABLE


def test_no_log_line_holds_a_path_a_key_or_a_word(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with PeerServer(echo) as server, opened(f"{server.ws}/{SECRET}", headers={"X-Key": SECRET}) as line:
        line.send(SECRET)
        assert line.receive(5) == SECRET
    breaks = PeerServer(lambda peer: peer.line.shutdown(socket.SHUT_RDWR))
    with breaks, opened(f"{breaks.ws}/{SECRET}", headers={"X-Key": SECRET}) as line:
        assert broken(line, lambda line: line.receive(5)) == NO_ANSWER
    assert SECRET not in caplog.text
