"""gRPC channels to checked and pinned addresses."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import grpc

from vendors.addresses import Endpoint
from vendors.origins import Origin
from vendors.proxy import Proxy

PORTS = {"https": 443, "http": 80}
#: Of one message to us, all of which are short: larger ones are refused unread.
MOST_BYTES = 1024 * 1024
KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS = 30_000, 20_000

# What it says of a failed call holds what the other side wrote.
logging.getLogger("grpc").setLevel(logging.CRITICAL)


def channel(origin: Origin, endpoints: Sequence[Endpoint], proxy: Proxy | None, ca_file: str) -> grpc.Channel:
    """To these endpoints, in the name of the origin's host, which TLS checks the certificate against."""
    options: list[tuple[str, object]] = [
        ("grpc.default_authority", _authority(origin)),
        ("grpc.enable_http_proxy", int(proxy is not None)),
        ("grpc.enable_retries", 0),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.max_receive_message_length", MOST_BYTES),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.ping_timeout_ms", KEEPALIVE_TIMEOUT_MS),  # by itself a minute, whatever the other one says
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.primary_user_agent", "listenpost"),
    ]
    if proxy:
        options.append(("grpc.http_proxy", proxy.url))
    target = _target(endpoints)
    if origin.scheme == "http":
        return grpc.insecure_channel(target, options)
    options.append(("grpc.ssl_target_name_override", origin.host))
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(Path(ca_file).read_bytes()), options)


def _target(endpoints: Sequence[Endpoint]) -> str:
    """gRPC's name for these addresses. It knows lists of one family alone: mixed, IPv4 is written as IPv6."""
    families = {endpoint.address.version for endpoint in endpoints}
    kind = "ipv4" if families == {4} else "ipv6"
    return f"{kind}:{','.join(_address(endpoint, kind) for endpoint in endpoints)}"


def _address(endpoint: Endpoint, kind: str) -> str:
    is_mapped = kind == "ipv6" and endpoint.address.version == 4
    return f"{_bracketed(f'::ffff:{endpoint.address}' if is_mapped else str(endpoint.address))}:{endpoint.port}"


def _authority(origin: Origin) -> str:
    """As HTTP names it: without the port that its scheme stands for."""
    host = _bracketed(origin.host)
    return host if origin.port == PORTS[origin.scheme] else f"{host}:{origin.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
