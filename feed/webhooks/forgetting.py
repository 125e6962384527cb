"""Deliveries that are over are forgotten in time: there are as many as events, for each webhook."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from feed.models import Delivery
from feed.webhooks.replays import before

KEPT = timedelta(days=90)
AT_ONCE = 1000


def forget() -> None:
    """Removes what was delivered or given up long ago. What still waits stays, and a replay can make any anew."""
    over = Delivery.objects.filter(pk__lt=before(timezone.now() - KEPT), next_attempt_at=None).order_by("pk")
    ids = list(over.values_list("pk", flat=True)[:AT_ONCE])
    while ids:
        Delivery.objects.filter(pk__in=ids, next_attempt_at=None).delete()
        ids = list(over.filter(pk__gt=ids[-1]).values_list("pk", flat=True)[:AT_ONCE])
