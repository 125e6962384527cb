"""What the tests of the guarded way out share."""

from __future__ import annotations

import threading
from ipaddress import ip_network
from typing import Any

import pytest

from vendors.base import VendorError
from vendors.outbound import Outbound
from vendors.route import Alarm

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
EVERYTHING = [ip_network("0.0.0.0/0"), ip_network("::/0")]
SECRET = "s3cret-ticket"

NO_ANSWER = ("no_answer", False, True)
TOO_LARGE = ("answer_too_large", False, True)
UNREACHABLE = ("unreachable", False, False)
TLS_FAILED = ("tls_failed", False, False)
REFUSED = ("address_refused", True, False)
TOKEN_HOST_REFUSED = ("token_host_refused", True, False)


def alarms() -> list[threading.Thread]:
    """Threads that watch a connection's deadline."""
    return [one for one in threading.enumerate() if one.name == Alarm.NAME]


def failed(url: str, *, allow: Any = LOOPBACK, **options: Any) -> VendorError:
    """What becomes of a request that carries a secret everywhere it can, to a host that may have it."""
    return failure(Outbound(allow).trusting(url), url, **options)


def failure(outbound: Outbound, url: str, **options: Any) -> VendorError:
    asked: dict[str, Any] = {"headers": {"X-Key": SECRET}, "json": {"k": SECRET}, **options}
    with pytest.raises(VendorError) as caught:
        outbound.request("POST", url, **asked)
    error = caught.value
    assert SECRET not in error.message
    assert "/" not in error.message
    assert (error.__cause__, error.__context__) == (None, None), "the original's text holds the path"
    return error


def facts(error: VendorError) -> tuple[str, bool, bool]:
    return error.code, error.permanent, error.unanswered
