"""The guarded way out over TLS: the address is pinned, the certificate is still the name's."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from tests.vendors.guard import LOOPBACK, NO_ANSWER, TLS_FAILED, UNREACHABLE, facts
from tests.vendors.scripted_server import ScriptedServer, http
from vendors.base import VendorError
from vendors.outbound import Outbound


def failed(url: str, ca_file: str | None = None, total_timeout: float = 5) -> VendorError:
    with pytest.raises(VendorError) as caught:
        Outbound(LOOPBACK, ca_file=ca_file).request("GET", url, total_timeout=total_timeout)
    return caught.value


def test_the_certificate_is_checked_against_the_name(certificate: Path, tls: ssl.SSLContext) -> None:
    names: list[str | None] = []
    tls.sni_callback = lambda _line, name, _context: names.append(name)
    with ScriptedServer(http(200, b"safe"), tls=tls) as server:
        answer = Outbound(LOOPBACK, ca_file=str(certificate)).request("GET", f"https://localhost:{server.port}/")
        assert answer.body == b"safe"
        assert names == ["localhost"]
        error = failed(f"https://127.0.0.1:{server.port}/", str(certificate))
    assert facts(error) == TLS_FAILED
    assert len(server.asked) == 1


def test_an_unknown_authority_is_refused_before_anything_is_sent(tls: ssl.SSLContext) -> None:
    with ScriptedServer(http(200), tls=tls) as server:
        error = failed(f"https://localhost:{server.port}/")
    assert facts(error) == TLS_FAILED
    assert not server.asked


def test_a_handshake_that_drips_is_cut_and_nothing_was_sent() -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(b"\x16\x03\x03\x40\x00", b"\x00")]
        server.reads_requests = False
        began = time.monotonic()
        error = failed(f"https://localhost:{server.port}/", total_timeout=0.5)
        assert time.monotonic() - began < 1.5
    assert facts(error) == UNREACHABLE


def test_a_drip_behind_tls_is_cut(certificate: Path, tls: ssl.SSLContext) -> None:
    with ScriptedServer(b"", tls=tls) as server:
        server.answers = [server.drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x")]
        error = failed(f"https://localhost:{server.port}/", str(certificate), total_timeout=0.5)
    assert facts(error) == NO_ANSWER


def test_an_answer_in_plain_text_to_a_handshake_is_no_tls() -> None:
    with ScriptedServer(http(200)) as server:
        server.reads_requests = False
        error = failed(f"https://localhost:{server.port}/")
    assert facts(error) == TLS_FAILED
