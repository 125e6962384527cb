"""Addresses from outside that must not be called, however they are written and whatever their names stand for."""

from __future__ import annotations

import ssl
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.vendors.guard import EVERYTHING, LOOPBACK, REFUSED, SECRET, facts, failed, failure
from tests.vendors.internet import OTHER_PUBLIC, PUBLIC, PUBLIC_V6, Internet
from tests.vendors.scripted_server import ScriptedServer, http
from vendors.outbound import Outbound

#: Hosts that stand for this machine, or would be taken for it or its network by somebody.
INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.0.0.01",
    "127.00.0.1",
    "0177.0.0.1",
    "0x7f.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "0X7F000001",
    "2130706433",
    "017700000001",
    "4294967296",
    "0",
    "0.0.0.0",  # noqa: S104
    "127.0.0.1.1",
    "127.0.0.256",
    "127%2e0.0.1",
    "127.0.0.1%00.example",
    "%31%32%37.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "local%68ost",
    "loc\u200balhost",
    "ｌｏｃａｌｈｏｓｔ",  # noqa: RUF001
    "\u2460\u2461\u2466.0.0.1",
    "１２７.0.0.1",  # noqa: RUF001
    "127\u30020\u30020\u30021",
    "127\uff0e0\uff0e0\uff0e1",
    "127.0.0.\u0661",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::1%25lo]",
    "[::1%lo]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "[2002:7f00:1::]",
    "[2606:4700::5efe:127.0.0.1]",
    "[2001:db8::1]",
    "[fe80::1]",
    "[fe80::1%251]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[v1.127]",
]
#: None of these is an address, or each is one that two readers would read differently.
MALFORMED = [
    "",
    " ",
    "//host/x",
    "host/x",
    "/etc/passwd",
    "ftp://127.0.0.1/x",
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "data:text/plain,x",
    "dict://127.0.0.1:11211/stats",
    "ldap://127.0.0.1/x",
    "jar:http://127.0.0.1!/x",
    "javascript:alert(1)",
    "gopher://127.0.0.1/x",
    "gopher://[zz",
    "httpx://127.0.0.1/x",
    "http+unix://127.0.0.1/x",
    "ws://127.0.0.1/x",
    "wss://127.0.0.1/x",
    "https",
    "https:",
    "https:127.0.0.1",
    "https:/127.0.0.1",
    "http://",
    "http:///x",
    "http://?x",
    "http://[::1",
    "http://::1/",
    "http://[zz]/",
    "http://[::1]x/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:-1/",
    "http://127.0.0.1:x/",
    "http://127.0.0.1:80:80/",
    "http://a..b/",
    "http://.a/",
    "http://-a.example/",
    "http://a;b.example/",
    "http://a,b.example/",
    "http://a*.example/",
    "http://*.example/",
    "http://" + "a" * 64 + ".example/",
    "http://" + "a." * 127 + "example/",
    "http://user:s3cret-ticket@127.0.0.1/",
    "http://s3cret-ticket@127.0.0.1/",
    "http://@127.0.0.1/",
    "http://vendor.example@127.0.0.1/",
    "http://vendor.example:443@127.0.0.1/",
    "http://vendor.example%40127.0.0.1/",
    "http://127.0.0.1\\@vendor.example/",
    "http://vendor.example\\.127.0.0.1/",
    "http:\\\\127.0.0.1\\x",
    "http://127.0.0.1\t/",
    "http://127.0.\n0.1/",
    "ht\ntp://127.0.0.1/",
    "http://127.0.0.1/x\r\nX-Injected: 1",
    "http://127.0.0.1 .vendor.example/",
    " http://127.0.0.1/",
    "\x00http://127.0.0.1/",
    "http://127.0.0.1\x00.vendor.example/",
    "http://vendor.example\u2100.127.0.0.1/",
    "http://\ud800.example/",
]


@pytest.mark.parametrize("host", INSIDE)
def test_what_is_inside_is_refused_however_it_is_written(host: str) -> None:
    with ScriptedServer(http(200)) as server:
        for scheme in ("http", "https"):
            assert facts(failed(f"{scheme}://{host}:{server.port}/{SECRET}", allow=[])) == REFUSED
    assert not server.asked


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_plain_address_is_refused_unresolved(url: str, net: Internet) -> None:
    assert facts(failed(url, allow=EVERYTHING)) == REFUSED
    assert not net.looked_up


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "[fd00:ec2::254]",
        "[fd20:ce::254]",
        "[fd00:c1::a9fe:a9fe]",
        "[fe80::a9fe:a9fe]",
        "[::ffff:169.254.169.254]",
        "[::a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "metadata.example",
    ],
)
def test_metadata_is_refused_though_everything_is_allowed(host: str, net: Internet) -> None:
    net.names["metadata.example"] = [["169.254.169.254"]]
    for scheme in ("http", "https"):
        assert facts(failed(f"{scheme}://{host}/latest/meta-data/", allow=EVERYTHING)) == REFUSED
    assert not net.called


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        [PUBLIC, "127.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [PUBLIC, OTHER_PUBLIC, "169.254.169.254"],
        [PUBLIC_V6, "fd00:ec2::254"],
        [PUBLIC, "::1"],
        [PUBLIC, "::ffff:93.184.215.14"],
        [PUBLIC, "64:ff9b::10.0.0.1"],
        [PUBLIC, "2002:7f00:1::"],
        [PUBLIC, "fe80::1%1"],
        [PUBLIC, "0.0.0.0"],  # noqa: S104
        [PUBLIC, "100.64.0.1"],
    ],
)
def test_one_bad_address_among_good_ones_refuses_the_name(answer: list[str], net: Internet) -> None:
    net.names["vendor.example"] = [answer]
    assert facts(failed("https://vendor.example/x", allow=[])) == REFUSED
    assert (net.looked_up.count("vendor.example"), net.called) == (1, [])


def test_a_name_that_changes_after_the_check_is_called_where_it_was_checked(
    net: Internet, certificate: Path, tls: ssl.SSLContext
) -> None:
    net.names["vendor.example"] = [[PUBLIC], ["127.0.0.1"]]
    with ScriptedServer(http(200, b"first"), tls=tls) as server:
        net.servers[PUBLIC, 443] = server.port
        answer = Outbound(ca_file=str(certificate)).request("GET", "https://vendor.example/x")
    assert answer.body == b"first"
    assert net.looked_up.count("vendor.example") == 1
    assert net.called == [(PUBLIC, 443)]


def test_a_name_that_is_bad_first_and_good_later_is_not_asked_for_again(net: Internet) -> None:
    net.names["vendor.example"] = [["127.0.0.1"], [PUBLIC]]
    assert facts(failed("https://vendor.example/x", allow=[])) == REFUSED
    assert (net.looked_up, net.called) == (["vendor.example"], [])


def test_an_allowed_name_that_changes_is_called_where_it_was_checked(net: Internet) -> None:
    net.names["inside.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    with ScriptedServer(http(200)) as server:
        Outbound([ip_network("127.0.0.1/32")]).request("GET", f"http://inside.example:{server.port}/")
    assert net.called == [("127.0.0.1", server.port)]
    assert net.looked_up.count("inside.example") == 1


def test_a_second_address_is_tried_without_a_second_look_up(
    net: Internet, certificate: Path, tls: ssl.SSLContext
) -> None:
    net.names["vendor.example"] = [[PUBLIC, OTHER_PUBLIC], ["127.0.0.1"]]
    with ScriptedServer(http(200), tls=tls) as server:
        net.servers[OTHER_PUBLIC, 443] = server.port
        Outbound(ca_file=str(certificate)).request("GET", "https://vendor.example/x")
    assert net.called == [(PUBLIC, 443), (OTHER_PUBLIC, 443)]
    assert net.looked_up.count("vendor.example") == 1


@pytest.mark.parametrize("url", [f"http://{PUBLIC}/{SECRET}", f"http://{PUBLIC}:443/x", f"http://[{PUBLIC_V6}]/"])
def test_plain_http_to_a_public_address_is_refused(url: str, net: Internet) -> None:
    error = failed(url)
    assert facts(error) == REFUSED
    assert "https only" in error.message
    assert not net.called


@pytest.mark.parametrize("port", [1, 22, 25, 80, 444, 3306, 5432, 6379, 8443, 65535])
def test_a_public_address_is_called_on_the_named_ports_only(port: int, net: Internet) -> None:
    net.names["vendor.example"] = [[PUBLIC]]
    error = failed(f"https://vendor.example:{port}/{SECRET}")
    assert facts(error) == REFUSED
    assert f"port {port}" in error.message
    assert not net.called


def test_a_port_that_is_named_may_be_called_besides_the_usual_one(
    net: Internet, certificate: Path, tls: ssl.SSLContext
) -> None:
    net.names["vendor.example"] = [[PUBLIC]]
    outbound = Outbound(ports=[8443], ca_file=str(certificate))
    with ScriptedServer(http(200), tls=tls) as server:
        net.servers |= {(PUBLIC, 443): server.port, (PUBLIC, 8443): server.port}
        for port in (443, 8443):
            assert outbound.request("GET", f"https://vendor.example:{port}/").status == 200
    assert facts(failure(outbound.trusting("https://vendor.example:9443"), "https://vendor.example:9443/")) == REFUSED


def test_an_allowed_address_is_called_on_any_port_even_beside_a_public_one(net: Internet) -> None:
    net.names["both.example"] = [["127.0.0.1", PUBLIC]]
    with ScriptedServer(http(200)) as server:
        assert Outbound(LOOPBACK).request("GET", server.url).status == 200
        assert facts(failed(f"https://both.example:{server.port}/")) == REFUSED
