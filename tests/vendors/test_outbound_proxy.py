"""The way out through an operator's proxy: it is asked for checked addresses, and learns nothing of what is sent."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.vendors.guard import LOOPBACK, REFUSED, SECRET, TLS_FAILED, UNREACHABLE, alarms, facts, failure
from tests.vendors.internet import OTHER_PUBLIC, PUBLIC, PUBLIC_V6, Internet
from tests.vendors.scripted_server import ScriptedServer, http
from vendors.answers import Response
from vendors.outbound import MIB, Outbound
from vendors.proxy import Proxy

URL = "https://vendor.example/a?b=c"
PASSWORD = "pr0xy-pass"


@pytest.fixture(autouse=True)
def names(net: Internet) -> None:
    net.names |= {"vendor.example": [[PUBLIC]], "other.example": [[PUBLIC]]}


def tunnel(port: int, pause: float = 0) -> Callable[[socket.socket], None]:
    """What a proxy does that agrees: bytes go to and fro between its caller and the server at `port`.

    It takes `pause` seconds to begin its answer, and as many again before the first byte goes on.
    """

    def answer(line: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port), 5) as far:
            time.sleep(pause)
            line.sendall(b"HTTP/1.1 200 Connection established\r\n")
            time.sleep(pause / 10)
            line.sendall(b"Via: 1.1 proxy\r\n\r\n")
            time.sleep(pause)
            back = threading.Thread(target=_pump, args=(far, line))
            back.start()
            _pump(line, far)
            back.join()

    return answer


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


def through(proxy: ScriptedServer, certificate: Path | None = None, *, user: str = "", spared: str = "") -> Outbound:
    way = Proxy.read(f"http://{user}127.0.0.1:{proxy.port}", spared)
    return Outbound(LOOPBACK, proxy=way, ca_file=str(certificate) if certificate else None)


def ask(outbound: Outbound) -> Response:
    return outbound.trusting(URL).request("POST", URL, headers={"Authorization": SECRET}, json={"k": SECRET})


def refusal(answer: bytes, **options: float) -> tuple[str, bool, bool]:
    with ScriptedServer(answer) as proxy:
        error = failure(through(proxy, user=f"me:{PASSWORD}@").trusting(URL), URL, **options)
    assert PASSWORD not in error.message
    return facts(error)


def test_the_proxy_is_asked_for_the_checked_address_and_tls_names_the_host(
    certificate: Path, tls: ssl.SSLContext, net: Internet
) -> None:
    named: list[str | None] = []
    tls.sni_callback = lambda _line, name, _context: named.append(name)
    with ScriptedServer(http(200, b"far"), tls=tls) as far, ScriptedServer(tunnel(far.port)) as proxy:
        assert ask(through(proxy, certificate)).body == b"far"
    (connect,) = proxy.asked
    assert (connect.method, connect.path, connect.body) == ("CONNECT", f"{PUBLIC}:443", b"")
    assert connect.headers == {"host": f"{PUBLIC}:443"}
    assert named == ["vendor.example"]
    assert (far.asked[0].path, far.asked[0].headers["host"]) == ("/a?b=c", "vendor.example")
    assert far.asked[0].headers["authorization"] == SECRET
    assert (PUBLIC, 443) not in net.called


def test_a_proxy_cannot_be_used_to_rebind(certificate: Path, tls: ssl.SSLContext, net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC], ["127.0.0.1"]]
    with ScriptedServer(http(200), tls=tls) as far, ScriptedServer(tunnel(far.port)) as proxy:
        ask(through(proxy, certificate))
    assert net.looked_up.count("vendor.example") == 1
    assert proxy.asked[0].path == f"{PUBLIC}:443"


def test_a_bad_address_is_refused_before_the_proxy_hears_of_it(net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC, "10.0.0.1"]]
    with ScriptedServer(b"") as proxy:
        assert facts(failure(through(proxy).trusting(URL), URL)) == REFUSED
    assert not proxy.asked


def test_a_proxy_that_leads_elsewhere_is_found_out(certificate: Path, tls: ssl.SSLContext) -> None:
    url = "https://other.example/"
    with ScriptedServer(http(200), tls=tls) as far, ScriptedServer(tunnel(far.port)) as proxy:
        assert facts(failure(through(proxy, certificate).trusting(url), url)) == TLS_FAILED
    assert not far.asked


def test_an_ipv6_address_stands_in_brackets(certificate: Path, tls: ssl.SSLContext, net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC_V6]]
    with ScriptedServer(http(200), tls=tls) as far, ScriptedServer(tunnel(far.port)) as proxy:
        ask(through(proxy, certificate))
    assert proxy.asked[0].path == f"[{PUBLIC_V6}]:443"
    assert proxy.asked[0].headers["host"] == f"[{PUBLIC_V6}]:443"


def test_the_next_address_is_tried_when_one_is_refused(certificate: Path, tls: ssl.SSLContext, net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC, OTHER_PUBLIC]]
    with ScriptedServer(http(200), tls=tls) as far, ScriptedServer(http(502), tunnel(far.port)) as proxy:
        assert ask(through(proxy, certificate)).status == 200
    assert [each.path for each in proxy.asked] == [f"{PUBLIC}:443", f"{OTHER_PUBLIC}:443"]


def test_what_fails_behind_a_tunnel_is_not_laid_at_the_proxys_door(
    certificate: Path, tls: ssl.SSLContext, net: Internet
) -> None:
    net.names["other.example"] = [[PUBLIC, OTHER_PUBLIC]]
    url = "https://other.example/"
    with ScriptedServer(http(200), tls=tls) as far, ScriptedServer(http(502), tunnel(far.port)) as proxy:
        assert facts(failure(through(proxy, certificate).trusting(url), url)) == TLS_FAILED


def test_a_slow_proxy_leaves_the_handshake_its_time(certificate: Path, tls: ssl.SSLContext) -> None:
    with ScriptedServer(http(200), tls=tls) as far, ScriptedServer(tunnel(far.port, pause=0.5)) as proxy:
        assert through(proxy, certificate).request("GET", URL, connect_timeout=0.8).status == 200


def test_the_proxys_password_goes_to_the_proxy_alone(certificate: Path, tls: ssl.SSLContext) -> None:
    with ScriptedServer(http(200), tls=tls) as far, ScriptedServer(tunnel(far.port)) as proxy:
        ask(through(proxy, certificate, user="m%40e:p%3A%C3%A9@"))
    kind, _, value = proxy.asked[0].headers["proxy-authorization"].partition(" ")
    assert (kind, b64decode(value).decode()) == ("Basic", "m@e:p:é")
    assert "proxy-authorization" not in far.asked[0].headers


def test_allowed_addresses_are_called_without_the_proxy() -> None:
    with ScriptedServer(http(200, b"direct")) as server, ScriptedServer(b"") as proxy:
        assert through(proxy).request("GET", server.url).body == b"direct"
    assert not proxy.asked


def test_of_one_name_only_the_public_addresses_are_called_through_the_proxy(
    certificate: Path, tls: ssl.SSLContext, net: Internet
) -> None:
    net.names["vendor.example"] = [["127.0.0.9", PUBLIC]]
    with ScriptedServer(http(200), tls=tls) as far, ScriptedServer(tunnel(far.port)) as proxy:
        ask(through(proxy, certificate))
    assert net.called[0] == ("127.0.0.9", 443)
    assert [each.path for each in proxy.asked] == [f"{PUBLIC}:443"]


@pytest.mark.parametrize(
    "spared", ["vendor.example", ".vendor.example", "a.example, VENDOR.example:443", "example", "*"]
)
def test_spared_hosts_are_called_without_the_proxy(
    spared: str, certificate: Path, tls: ssl.SSLContext, net: Internet
) -> None:
    with ScriptedServer(http(200, b"direct"), tls=tls) as server, ScriptedServer(b"") as proxy:
        net.servers[PUBLIC, 443] = server.port
        assert ask(through(proxy, certificate, spared=spared)).body == b"direct"
    assert not proxy.asked


def test_a_spared_host_is_checked_all_the_same(net: Internet) -> None:
    net.names["vendor.example"] = [["10.0.0.1"]]
    with ScriptedServer(b"") as proxy:
        assert facts(failure(through(proxy, spared="*").trusting(URL), URL)) == REFUSED


@pytest.mark.parametrize("spared", ["", " ", "dor.example", "x.vendor.example", "vendor.example:8443", PUBLIC])
def test_other_hosts_are_not_spared(spared: str) -> None:
    assert not Proxy.read("http://127.0.0.1:1", spared).spares("vendor.example", 443)


@pytest.mark.parametrize("status", [200, 299, 100, 301, 400, 403, 404, 407, 429, 500, 502, 503, 504])
def test_a_proxy_that_refuses_is_named_and_only_its_want_of_a_password_is_permanent(status: int) -> None:
    answer = http(status, b"<html>" + PASSWORD.encode())
    tls_never_comes = 200 <= status < 300
    assert refusal(answer) == (TLS_FAILED if tls_never_comes else ("proxy_refused", status == 407, False))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nVia: x",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 4000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
    ],
)
def test_a_proxy_that_does_not_speak_http_is_unreachable(answer: bytes) -> None:
    assert refusal(answer) == UNREACHABLE


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_proxy_that_drips_is_cut_at_the_deadline(start: bytes) -> None:
    with ScriptedServer(b"") as proxy:
        proxy.answers = [proxy.drip(start, b"1")]
        began = time.monotonic()
        assert facts(failure(through(proxy).trusting(URL), URL, total_timeout=0.5)) == UNREACHABLE
        assert 0.4 < time.monotonic() - began < 1.5


def test_a_proxy_that_is_silent_is_left_when_connecting_has_taken_too_long() -> None:
    with ScriptedServer(b"") as proxy:
        proxy.answers = [lambda _: proxy.stopped.wait(5)]  # type: ignore[list-item]
        began = time.monotonic()
        error = failure(through(proxy).trusting(URL), URL, connect_timeout=0.3)
        assert time.monotonic() - began < 1.3
    assert facts(error) == UNREACHABLE
    assert "proxy" in error.message


def test_a_header_without_end_is_not_gathered() -> None:
    with ScriptedServer(b"") as proxy:
        proxy.answers = [proxy.drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * (MIB // 6), every=0)]
        began = time.monotonic()
        assert facts(failure(through(proxy).trusting(URL), URL)) == UNREACHABLE
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_a_proxy_that_is_not_there_is_unreachable(host: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    outbound = Outbound(proxy=Proxy.read(f"http://me:{PASSWORD}@{host}:{port}"))
    error = failure(outbound.trusting(URL), URL, total_timeout=2)
    assert facts(error) == UNREACHABLE
    assert PASSWORD not in error.message


@pytest.mark.parametrize("answer", [http(407), http(403), b""])
def test_no_log_line_and_no_representation_holds_the_proxys_password(
    answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert refusal(answer)[0] in ("proxy_refused", "unreachable")
    proxy = Proxy.read(f"http://me:{PASSWORD}@127.0.0.1:1")
    for text in (caplog.text, repr(proxy), repr(Outbound(proxy=proxy))):
        assert PASSWORD not in text
        assert proxy.authorization not in text


def test_nothing_is_left_running(certificate: Path, tls: ssl.SSLContext) -> None:
    with ScriptedServer(http(200), tls=tls) as far, ScriptedServer(tunnel(far.port)) as proxy:
        ask(through(proxy, certificate))
    assert not alarms()
