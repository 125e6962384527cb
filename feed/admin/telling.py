"""How a webhook stands and what came of a delivery, in words."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from access import desk
from feed.events import Kind
from feed.models import Delivery, Endpoint

LONGEST_NAME = 60
State = Endpoint.State


def name(endpoint: Endpoint) -> str:
    """What people call it."""
    if endpoint.description:
        return endpoint.description
    address = urlsplit(endpoint.url)
    words = f"{address.netloc}{address.path}".rstrip("/")
    return words if len(words) <= LONGEST_NAME else f"{words[: LONGEST_NAME - 1]}…"


def sentence(kind: str) -> str:
    """What an event of this kind tells, as people read it."""
    return re.sub(r"`(\w+)`", r"“\1”", dict(Kind.choices).get(kind, ""))


def mark(endpoint: Endpoint) -> SafeString:
    """Its state in a pill."""
    kind = words = "on"
    if endpoint.state == State.OFF:
        kind, words = "off" if endpoint.off_reason == Endpoint.Off.BY_HAND else "failed", "switched off"
    elif endpoint.failing_since:
        kind = words = "failing"
    return format_html('<span class="lp-mark lp-{}">{}</span>', kind, words)


def standing(endpoint: Endpoint) -> str:
    """Goes on from the mark's words: since when, and why. Empty for one that is on and works."""
    if endpoint.state == State.OFF:
        return f"on {_when(endpoint, 'off_at')}: {endpoint.get_off_reason_display()}."
    return f"since {_when(endpoint, 'failing_since')}." if endpoint.failing_since else ""


def story(endpoint: Endpoint) -> str:
    """How it stands and what to do about it; empty for one that is on and works."""
    said = standing(endpoint)
    if endpoint.state == State.OFF:
        return f"Switched off {said} Nothing is sent until it is switched on; what happens meanwhile can be sent then."
    if not said:
        return ""
    last, at = in_vain(endpoint), next_try(endpoint)
    words = [f"Failing {said}", f"Last answer: {answer(last)}." if last else ""]
    again = desk.in_clinic_time(at, endpoint.clinic) if at and at > timezone.now() else "in a moment"
    return " ".join(filter(None, [*words, f"Next try: {again}." if at else ""]))


def in_vain(endpoint: Endpoint) -> Delivery | None:
    """What was tried without success: of what is still to be sent the oldest, else the newest that was given up."""
    pending, given_up = (endpoint.deliveries.filter(state=state) for state in ("pending", "failed"))
    tried = pending.filter(last_attempt_at__isnull=False).order_by("pk")
    found: Delivery | None = tried.first() or given_up.order_by("-pk").first()
    return found


def next_try(endpoint: Endpoint) -> datetime | None:
    due = endpoint.deliveries.filter(next_attempt_at__isnull=False).order_by("next_attempt_at")
    first: datetime | None = due.values_list("next_attempt_at", flat=True).first()
    return first and max(first, endpoint.rests_until or first)


def answer(delivery: Delivery) -> str:
    """What came of its last try."""
    if delivery.last_attempt_at is None:
        return "not sent yet"
    if delivery.last_status is None:
        return WORDS.get(delivery.last_error, "no answer came")
    return f"it answered {delivery.last_status}{MORE.get(delivery.last_error, '')}"


def due(delivery: Delivery) -> str:
    """When it is sent next, as things are."""
    at, endpoint = delivery.next_attempt_at, delivery.endpoint
    if at and endpoint.state == State.OFF:
        return "once the webhook is switched on"
    return desk.in_clinic_time(at and max(at, endpoint.rests_until or at), delivery.clinic)


def _when(endpoint: Endpoint, column: str) -> str:
    moment: Any = getattr(endpoint, column)
    return desk.in_clinic_time(moment, endpoint.clinic)


#: What follows the number that was answered.
MORE = {
    "gone": ": it is gone for good",
    "redirected": ", and that it is elsewhere: give the address where it is now",
}
#: Why there was no answer, by its code.
WORDS = {
    "address_refused": "its address may not be called from here: the operator can allow its network in OUTBOUND_ALLOW",
    "name_unresolved": "the name in its address could not be looked up",
    "unreachable": "it could not be reached",
    "tls_failed": "no secure connection could be made: look at its certificate",
    "no_answer": "it did not answer in time",
    "answer_too_large": "it answered too much",
    "proxy_refused": "the proxy on the way out refused: tell the operator",
    "interrupted": "the last try was broken off: send it again",
}
