"""gRPC channels: they lead to the addresses that were checked, in the name of the host, and through the proxy."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.vendors.contract import CANARY
from tests.vendors.dragon_server import DragonServer, GrpcServer, serving
from tests.vendors.forking import CHILDREN
from tests.vendors.guard import LOOPBACK, SECRET
from tests.vendors.internet import OTHER_PUBLIC, PUBLIC, PUBLIC_V6, Internet
from tests.vendors.scripted_server import ScriptedServer, http
from tests.vendors.test_outbound_proxy import PASSWORD, through, tunnel
from vendors.base import VendorError
from vendors.dragon import ambient_audio_streaming_pb2 as pb
from vendors.dragon import grpc_wire
from vendors.outbound import Outbound

URL = "https://vendor.example"


class Host(GrpcServer):
    """The streaming host; it notes in whose name it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.called_as: list[str] = []

    def process(self, request: Any, context: Any) -> Any:
        self.called_as.append(context._rpc_event.call_details.host.decode())
        return super().process(request, context)


def ask(opened: grpc.Channel, seconds: float = 5) -> Any:
    method = opened.unary_unary(
        f"{grpc_wire.SERVICE}/StartProcessing",
        request_serializer=pb.StartProcessingRequest.SerializeToString,
        response_deserializer=pb.StartProcessingResponse.FromString,
    )
    return method(pb.StartProcessingRequest(correlation_id="c"), timeout=seconds)


def reaches(outbound: Outbound, url: str) -> bool:
    with outbound.trusting(url).channel(url) as opened:
        return bool(ask(opened).accepted)


@contextmanager
def secured(certificate: Path, host: GrpcServer | None = None) -> Iterator[int]:
    pem = certificate.read_bytes()
    with serving(host or GrpcServer(), grpc.ssl_server_credentials([(pem, pem)])) as port:
        yield port


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.9", "127.0.0.1"], ["::1", "127.0.0.1"]])
def test_each_address_of_a_name_is_tried_of_either_family(addresses: list[str], net: Internet) -> None:
    net.names["vendor.example"] = [addresses, [PUBLIC]]
    with serving(GrpcServer()) as port:
        assert reaches(Outbound(LOOPBACK), f"http://vendor.example:{port}")
    assert net.looked_up == ["vendor.example"], "what was checked is what is called"


@pytest.mark.parametrize("addresses", [[PUBLIC, "10.0.0.1"], ["10.0.0.1"], [PUBLIC_V6, "169.254.169.254"]])
def test_one_bad_address_refuses_the_name(addresses: list[str], net: Internet) -> None:
    net.names["vendor.example"] = [addresses]
    with pytest.raises(VendorError) as caught:
        reaches(Outbound(LOOPBACK), URL)
    assert (caught.value.code, caught.value.permanent) == ("address_refused", True)


@pytest.mark.parametrize("url", ["http://vendor.example", "https://vendor.example:8443"])
def test_public_hosts_are_called_over_tls_on_ports_that_are_named(url: str, net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC]]
    with pytest.raises(VendorError) as caught:
        reaches(Outbound(LOOPBACK), url)
    assert caught.value.code == "address_refused"


def test_the_certificate_must_be_the_hosts_own(certificate: Path, net: Internet) -> None:
    net.names |= {"vendor.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}
    outbound = Outbound(LOOPBACK, ca_file=str(certificate))
    with secured(certificate) as port:
        assert reaches(outbound, f"https://vendor.example:{port}")
        with pytest.raises(grpc.RpcError) as caught:
            reaches(outbound, f"https://other.example:{port}")
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


# --- Through the proxy
def test_the_proxy_is_asked_for_the_checked_address_with_its_own_password_alone(
    certificate: Path, net: Internet
) -> None:
    net.names["vendor.example"] = [[PUBLIC]]
    with secured(certificate) as port, ScriptedServer(tunnel(port)) as proxy:
        assert reaches(through(proxy, certificate, user=f"me:{PASSWORD}@"), URL)
    assert {(asked.method, asked.path) for asked in proxy.asked} == {("CONNECT", f"{PUBLIC}:443")}
    assert all(asked.headers["proxy-authorization"].startswith("Basic ") for asked in proxy.asked)
    assert (PUBLIC, 443) not in net.called


def test_of_several_addresses_the_first_that_the_proxy_leads_to_is_called(certificate: Path, net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC_V6, PUBLIC, OTHER_PUBLIC]]
    host = Host()
    with secured(certificate, host) as port, ScriptedServer(http(503), tunnel(port)) as proxy:
        assert reaches(through(proxy, certificate), URL)
    assert host.called_as == ["vendor.example"]
    assert {asked.path for asked in proxy.asked} == {f"[{PUBLIC_V6}]:443", f"{PUBLIC}:443"}


@pytest.mark.parametrize(("status", "permanent"), [(407, True), (403, False), (502, False)])
def test_a_proxy_that_refuses_is_named(status: int, permanent: bool, net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC]]
    with ScriptedServer(http(status, CANARY.encode())) as proxy, pytest.raises(VendorError) as caught:
        reaches(through(proxy, user=f"me:{PASSWORD}@"), URL)
    assert (caught.value.code, caught.value.permanent) == ("proxy_refused", permanent)
    assert PASSWORD not in caught.value.message
    assert CANARY not in caught.value.message


def test_allowed_and_spared_hosts_are_called_without_the_proxy(certificate: Path, net: Internet) -> None:
    net.names["vendor.example"] = [["127.0.0.1", PUBLIC]]
    with secured(certificate) as port, ScriptedServer(b"") as proxy:
        straight = Outbound(LOOPBACK, ports=[port], proxy=through(proxy).proxy, ca_file=str(certificate))
        assert reaches(straight, f"https://vendor.example:{port}")
    assert not proxy.asked


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(b"") as proxy, serving(GrpcServer()) as port:
        for name in ("grpc_proxy", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert reaches(Outbound(LOOPBACK), f"http://127.0.0.1:{port}")
    assert not proxy.asked


# --- Over time
class Relay:
    """Hands on what comes to a port, to and fro, until it is `silent`: no end is told to either side."""

    def __init__(self, port: int) -> None:
        self.port, self.silent = port, threading.Event()

    def __call__(self, line: socket.socket) -> None:
        line.settimeout(None)
        with socket.create_connection(("127.0.0.1", self.port)) as other:
            back = threading.Thread(target=self.pump, args=(other, line), daemon=True)
            back.start()
            self.pump(line, other)
            other.shutdown(socket.SHUT_RDWR)
            back.join()

    def pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if not self.silent.is_set():
                    target.sendall(data)


def test_a_connection_that_went_silent_is_noticed_before_the_call_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(GrpcServer):
        def process(self, request: Any, context: Any) -> Any:
            relay.silent.set()
            over.wait(60)
            return super().process(request, context)

    monkeypatch.setattr("vendors.rpc.KEEPALIVE_MS", 200)
    monkeypatch.setattr("vendors.rpc.KEEPALIVE_TIMEOUT_MS", 200)
    over, begun = threading.Event(), time.monotonic()
    with serving(Hanging()) as port:
        relay = Relay(port)
        with ScriptedServer(relay) as between:
            between.reads_requests = False
            outbound = Outbound(LOOPBACK).trusting(between.url)
            with outbound.channel(between.url) as opened, pytest.raises(grpc.RpcError) as caught:
                ask(opened, 50)
            over.set()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert time.monotonic() - begun < 25


def test_a_worker_that_has_used_grpc_may_fork() -> None:
    with DragonServer() as server, serving(GrpcServer()) as port:
        command = [sys.executable, "-m", "tests.vendors.forking", server.url, str(port)]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2], start_new_session=True) as worker:
            try:
                assert worker.wait(60) == 0
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(worker.pid, signal.SIGKILL)  # what hangs are its children
        assert len(server.of("token")) == 1 + 1 + CHILDREN


def test_nothing_is_left_running_and_nothing_is_said(caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    caplog.set_level(logging.DEBUG)
    before = set(threading.enumerate())
    with ScriptedServer(http(500, SECRET.encode())) as server:
        for _ in range(3):
            with Outbound(LOOPBACK).trusting(server.url).channel(server.url) as opened, pytest.raises(grpc.RpcError):
                ask(opened, 1)
    left = set(threading.enumerate()) - before
    for one in left:
        one.join(2)
    assert not [one for one in left if one.is_alive()]
    said = capfd.readouterr()
    assert SECRET not in caplog.text + said.out + said.err
