"""What waits for somebody: the numbers on the front page, each with the list behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from access import roles
from access.models import Clinic

MOST = 100


@dataclass(frozen=True)
class Count:
    """`rows` gives what there is for who asks, of every clinic; `list_name` and `query` lead to the list of them.

    `readers`: the least role that is shown the number.
    """

    place: int
    label: str
    rows: Callable[[HttpRequest], Any]
    list_name: str
    query: str
    readers: str = roles.Role.VIEWER


COUNTS: list[Count] = []


def register_count(count: Count) -> None:
    COUNTS.append(count)


def counted(request: HttpRequest) -> list[dict[str, str | bool]]:
    """The numbers as this person may see them, none counted beyond MOST."""
    theirs = [count for count in COUNTS if roles.may(request, count.readers)]
    return [_counted(request, count) for count in sorted(theirs, key=lambda count: count.place)]


def _counted(request: HttpRequest, count: Count) -> dict[str, str | bool]:
    rows = count.rows(request).visible_to(request.user)
    if roles.is_operator(request):
        rows = rows.filter(clinic__in=Clinic.objects.values("pk"))  # every index begins with the clinic
    elif count.readers != roles.Role.VIEWER:
        rows = rows.filter(clinic__in=roles.clinics(request, count.readers))
    number = rows.order_by()[: MOST + 1].count()
    return {
        "label": count.label,
        "number": f"{MOST}+" if number > MOST else str(number),
        "is_none": number == 0,
        "address": f"{reverse(count.list_name)}?{count.query}",
    }
