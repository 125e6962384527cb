"""The guarded way out over TLS: the address is pinned, the certificate is still the name's."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.vendors.scripted_server import ScriptedServer, http
from vendors.base import VendorError
from vendors.outbound import Outbound

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for `localhost`, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


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
    assert (error.code, error.permanent, error.unanswered) == ("tls_failed", False, False)
    assert len(server.asked) == 1


def test_an_unknown_authority_is_refused_before_anything_is_sent(tls: ssl.SSLContext) -> None:
    with ScriptedServer(http(200), tls=tls) as server:
        error = failed(f"https://localhost:{server.port}/")
    assert (error.code, error.permanent, error.unanswered) == ("tls_failed", False, False)
    assert not server.asked


def test_a_handshake_that_drips_is_cut_and_nothing_was_sent() -> None:
    with ScriptedServer(b"") as server:
        server.answers = [server.drip(b"\x16\x03\x03\x40\x00", b"\x00")]
        server.reads_requests = False
        began = time.monotonic()
        error = failed(f"https://localhost:{server.port}/", total_timeout=0.5)
        assert time.monotonic() - began < 1.5
    assert (error.code, error.permanent, error.unanswered) == ("unreachable", False, False)


def test_a_drip_behind_tls_is_cut(certificate: Path, tls: ssl.SSLContext) -> None:
    with ScriptedServer(b"", tls=tls) as server:
        server.answers = [server.drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x")]
        error = failed(f"https://localhost:{server.port}/", str(certificate), total_timeout=0.5)
    assert (error.code, error.permanent, error.unanswered) == ("no_answer", False, True)


def test_an_answer_in_plain_text_to_a_handshake_is_no_tls() -> None:
    with ScriptedServer(http(200)) as server:
        server.reads_requests = False
        error = failed(f"https://localhost:{server.port}/")
    assert (error.code, error.permanent, error.unanswered) == ("tls_failed", False, False)
