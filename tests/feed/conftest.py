"""A subscriber on this machine, which webhooks are let through to."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from tests.feed.subscriber import Subscriber


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = [ip_network("127.0.0.0/8")]


@pytest.fixture
def there() -> Iterator[Subscriber]:
    with Subscriber() as server:
        yield server
