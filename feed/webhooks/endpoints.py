"""Where a clinic's other systems are told: made, changed, switched on and off, tried out, removed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from access import log
from access.log import Actor
from access.models import AccessEntry, Clinic
from config import secrets
from feed import events, tasks
from feed.events import OFFERED, Kind
from feed.models import LONGEST_DESCRIPTION, Delivery, Endpoint, Event
from feed.webhooks import forgetting, signing
from feed.webhooks.refusals import NotNow, Refused

logger = logging.getLogger(__name__)

CHANGED, GRANTED = AccessEntry.Action.CHANGED, AccessEntry.Action.GRANTED
State, Off = Endpoint.State, Endpoint.Off
MOST = 20
TOO_MANY_SECRETS = (
    f"It is signed with {signing.MOST_LIVE} secrets already. Wait until one ends, or give 0 hours: that ends them all."
)
WELL = {"failures": 0, "failing_since": None, "rests_until": None}
ON = {"state": State.ON, "off_reason": "", "off_at": None}
#: Looks at the row that is locked, and may raise.
Guard = Callable[[Endpoint], None]


def create(
    clinic: Clinic, *, url: str, description: str = "", types: Sequence[str] = (), by: Actor
) -> tuple[Endpoint, str]:
    """A new endpoint, and its secret, which cannot be had again. Raises Refused, NotNow.

    `url`: as addresses.check has let it through.
    """
    secret = signing.make()
    given = _checked(url=url, description=description, types=types)
    with transaction.atomic():
        # Who makes two at once makes one after the other.
        Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
        if Endpoint.objects.for_clinic(clinic).count() >= MOST:
            raise NotNow(f"The clinic has {MOST} webhooks, and may have no more. Remove one first.")
        made = Endpoint.objects.create(clinic=clinic, **given, secrets=signing.write([secret]))
        log.record(by, GRANTED, [made], mode="made")
    return made, secret.key


def change(endpoint: Endpoint, *, by: Actor, guard: Guard | None = None, **columns: Any) -> Endpoint:
    """Other `url`, `description`, `types` or `state`. The endpoint as it then is.

    `url`: as addresses.check has let it through. Raises Refused, NotNow, and what `guard` raises.
    """
    state = columns.pop("state", None)
    given = _checked(**columns)
    with transaction.atomic():
        held = locked(endpoint, guard)
        if new := {name: value for name, value in given.items() if getattr(held, name) != value}:
            _write(held, **new)
            log.record(by, GRANTED, [held], mode=f"changed {' '.join(new)}")
        if state == State.ON and held.state == State.OFF:
            _switch_on(held, by)
        # One that is off by itself may be left so: somebody has seen it.
        if state == State.OFF and held.off_reason != Off.BY_HAND:
            _switch_off(held, by)
        if "url" in new and held.state == State.ON:
            _begin_anew(held)
    return held


def rotate(endpoint: Endpoint, *, overlap: timedelta, by: Actor) -> str:
    """A new secret, which cannot be had again. What is sent is signed with the old one too for `overlap`."""
    if not timedelta() <= overlap <= timedelta(hours=signing.LONGEST_HOURS):
        raise Refused("overlap_hours", "invalid", f"Give a whole number of hours from 0 to {signing.LONGEST_HOURS}.")
    with transaction.atomic():
        held = locked(endpoint)
        try:
            kept, fresh = signing.replace(bytes(held.secrets), overlap=overlap, now=timezone.now())
        except signing.TooMany:
            raise NotNow(TOO_MANY_SECRETS) from None
        _write(held, secrets=kept)
        log.record(by, GRANTED, [held], mode="secret replaced")
    return fresh.key


def switch_on(endpoint: Endpoint, by: Actor) -> None:
    """What waits is sent from now on. What happened while it was off is not: that takes a replay."""
    change(endpoint, by=by, state=State.ON)


def switch_off(endpoint: Endpoint, by: Actor) -> None:
    """Nothing is sent any more, from the next delivery on. What waits goes on when it is switched on."""
    change(endpoint, by=by, state=State.OFF)


def remove(endpoint: Endpoint, by: Actor, guard: Guard | None = None) -> None:
    """With its deliveries. Raises NotNow, and what `guard` raises."""
    end(endpoint, by, guard)
    clear(endpoint)


def end(endpoint: Endpoint, by: Actor, guard: Guard | None = None) -> None:
    """Nothing is sent to it any more: the rest of its removal is `clear`. Raises NotNow, and what `guard` raises."""
    with transaction.atomic():
        held = locked(endpoint, guard)
        _write(held, state=State.OFF, off_reason=held.off_reason or Off.BY_HAND, off_at=held.off_at or timezone.now())
        log.record(by, GRANTED, [held], mode="removed")


def clear(endpoint: Endpoint) -> None:
    """Removes its deliveries, which may be millions, some at a time, and then itself."""
    forgetting.remove(Delivery.objects.filter(endpoint=endpoint.pk))
    with transaction.atomic():
        # Locked wholly: whoever makes deliveries for it at this moment is waited for, and they go with it.
        Endpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
        Endpoint.objects.filter(pk=endpoint.pk).delete()


def test(endpoint: Endpoint, by: Actor) -> Delivery:
    """An event that tells of nothing, for this endpoint alone. Raises NotNow."""
    with transaction.atomic():
        held = locked(endpoint)
        need_on(held)
        event = Event.objects.create(clinic_id=held.clinic_id, kind=Kind.WEBHOOK_TEST, object_id=held.pk)
        transaction.on_commit(tasks.ring_sequence)
        # Due since before anything else could be: somebody waits for it.
        made: Delivery = Delivery.objects.create(
            clinic_id=held.clinic_id, endpoint=held, event=event, kind=event.kind, next_attempt_at=held.created_at
        )
        log.record(by, CHANGED, [held], mode="tested")
        wake(held)
    return made


def wake(held: Endpoint) -> None:
    """Somebody asks for something to be sent: it rests no longer."""
    Endpoint.objects.filter(pk=held.pk).update(rests_until=None)
    transaction.on_commit(tasks.ring_deliver)


def need_on(endpoint: Endpoint) -> None:
    if endpoint.state != State.ON:
        raise NotNow("The webhook is switched off. Switch it on first.")


def disable(held: Endpoint, reason: str) -> None:
    """Switches it off in the transaction under way, as nobody asked for, and tells the clinic's other systems."""
    _write(held, state=State.OFF, off_reason=reason, off_at=timezone.now())
    events.record(Kind.WEBHOOK_DISABLED, clinic_id=held.clinic_id, object_id=held.pk, reason=reason)
    log.record(log.worker("webhooks"), CHANGED, [held], mode="switched off", reason=reason)
    logger.warning("webhook %s was switched off: %s", held.pk, reason)


def seal_anew(endpoint: Endpoint, *, by: Actor) -> bool:
    """Puts its secrets under the newest key; False where they are already. Raises secrets.InvalidToken."""
    with transaction.atomic():
        held = Endpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk).first()
        if held is None or secrets.is_newest(bytes(held.secrets)):
            return False
        Endpoint.objects.filter(pk=held.pk).update(secrets=secrets.rotate(bytes(held.secrets)))
        log.record(by, CHANGED, [held], mode="encrypted anew")
    return True


# --- The row
def locked(endpoint: Endpoint, guard: Guard | None = None) -> Endpoint:
    """As it is, locked. Raises NotNow where it was removed."""
    held: Endpoint | None = Endpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk).first()
    if held is None:
        raise NotNow("The webhook was removed meanwhile.")
    if guard:
        guard(held)
    return held


def _write(held: Endpoint, **columns: Any) -> None:
    """A worker that is at it stops at the next delivery: it looks at `updated_at`."""
    columns["updated_at"] = timezone.now()
    Endpoint.objects.filter(pk=held.pk).update(**columns)
    for name, value in columns.items():
        setattr(held, name, value)


def _switch_on(held: Endpoint, by: Actor) -> None:
    _begin_anew(held, **ON)
    log.record(by, CHANGED, [held], mode="switched on")


def _begin_anew(held: Endpoint, **columns: Any) -> None:
    """It is well, as somebody says: what failed is not left to wait for hours, and has all of its tries before it."""
    _write(held, **WELL, **columns)
    tried = Delivery.objects.filter(endpoint=held, next_attempt_at__isnull=False, attempts__gt=0)
    tried.update(attempts=0, next_attempt_at=timezone.now())
    transaction.on_commit(tasks.ring_deliver)


def _switch_off(held: Endpoint, by: Actor) -> None:
    _write(held, state=State.OFF, off_reason=Off.BY_HAND, off_at=held.off_at or timezone.now())
    log.record(by, CHANGED, [held], mode="switched off")


def _checked(**columns: Any) -> dict[str, Any]:
    """The columns as they are kept. Raises Refused."""
    if "types" in columns:
        columns["types"] = _known(columns["types"])
    if len(columns.get("description", "")) > LONGEST_DESCRIPTION:
        raise Refused("description", "max_length", f"Give at most {LONGEST_DESCRIPTION} characters.")
    return columns


def _known(types: Sequence[str]) -> list[str]:
    known = [str(kind) for kind in OFFERED]
    if set(types) - set(known):
        raise Refused("types", "unknown", f"Give some of: {', '.join(known)}. Leave it empty for all.")
    return [kind for kind in known if kind in types]
