"""The guarded client, as the operator's settings want it."""

from __future__ import annotations

from django.conf import settings

from vendors.outbound import Outbound


def outbound() -> Outbound:
    """A client that sends no secret anywhere, until `trusting` tells it where one may go."""
    return Outbound(settings.OUTBOUND_ALLOW, ports=settings.OUTBOUND_PORTS, proxy=settings.OUTBOUND_PROXY)
