"""Deliveries that are over are forgotten in time: there are as many as events, for each webhook."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from config.ids import first_id
from feed.models import Delivery

KEPT = timedelta(days=90)
AT_ONCE = 1000


def forget() -> None:
    """Removes what was delivered or given up long ago. What still waits stays, and a replay can make any anew."""
    long_ago = timezone.now() - KEPT
    untouched = Q(last_attempt_at=None) | Q(last_attempt_at__lt=long_ago)
    remove(Delivery.objects.filter(untouched, pk__lt=first_id(long_ago), next_attempt_at=None))


def remove(deliveries: QuerySet[Any]) -> None:
    """Some at a time, each time in a transaction of their own where none is under way: nobody waits for long."""
    rows = deliveries.order_by("pk")
    ids = list(rows.values_list("pk", flat=True)[:AT_ONCE])
    while ids:
        rows.filter(pk__in=ids).delete()
        ids = list(rows.filter(pk__gt=ids[-1]).values_list("pk", flat=True)[:AT_ONCE])
