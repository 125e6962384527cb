"""Which addresses may be called."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from tests.vendors.guard import EVERYTHING
from vendors.addresses import Endpoint, is_named, may_call

METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "169.254.0.23",
    "169.254.10.10",
    "169.254.42.42",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "fd00:a9fe:a9fe::1",
    "fd00:100::100:200",
    "fe80::a9fe:a9fe",
    "::169.254.169.254",
    "::ffff:169.254.169.254",
    "::ffff:100.100.100.200",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::168.63.129.16",
    "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1:aaaa:0:a:169.254.169.254",
    "64:ff9b:1:12a9:fe:a9fe::",
    "64:ff9b:1:1234:a9:fea9:fe00:0",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:5601:5601",
    "2001:0:a9fe:a9fe:8000:63bf:3fff:fdd2",
    "2606:4700::5efe:169.254.169.254",
    "2606:4700::200:5efe:a9fe:a9fe",
    "fe80::5efe:a9fe:a9fe",
]
REFUSED = [
    "0.0.0.0",  # noqa: S104
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "2606:4700::5efe:10.0.0.1",
    "2606:4700::200:5efe:808:808",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::5efe:808:808",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "192.169.0.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("text", REFUSED + METADATA)
def test_refused_unless_named(text: str) -> None:
    assert not may_call(ip_address(text), [])
    assert may_call(ip_address(text), EVERYTHING) is (text not in METADATA)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_may_be_called_but_are_not_named(text: str) -> None:
    assert may_call(ip_address(text), [])
    assert not is_named(ip_address(text), [])


def test_naming_one_network_opens_no_other() -> None:
    allow = [ip_network("10.1.0.0/16")]
    assert may_call(ip_address("10.1.2.3"), allow)
    assert not may_call(ip_address("10.2.0.1"), allow)
    assert not may_call(ip_address("::ffff:10.1.2.3"), allow)


def test_a_named_wrapper_does_not_hide_what_it_wraps() -> None:
    nat64 = [ip_network("64:ff9b::/96")]
    assert may_call(ip_address("64:ff9b::8.8.8.8"), nat64)
    assert not may_call(ip_address("64:ff9b::10.0.0.1"), nat64)
    assert not is_named(ip_address("64:ff9b::8.8.8.8"), nat64)


def test_oneself_may_be_named_though_the_compatible_network_around_it_carries_other_addresses() -> None:
    assert is_named(ip_address("::1"), [ip_network("::1/128")])


def test_a_zone_does_not_make_another_address_of_it() -> None:
    assert Endpoint(10, ("fd00:ec2::254%1", 80, 0, 1)).address == ip_address("fd00:ec2::254")
