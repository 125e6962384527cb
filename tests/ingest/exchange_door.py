"""For the door's process: as the service has it, and it also knows the vendor `exchange`."""

from __future__ import annotations

from tests.ingest.scripted_vendor import ExchangeVendor
from vendors import VENDORS

VENDORS[ExchangeVendor.name] = ExchangeVendor

from config.door import application  # noqa: E402 (its addresses are made of the vendors' names)

__all__ = ["application"]
