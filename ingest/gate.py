"""Those whose proof does not hold: told so, counted and logged, and at no cost but arithmetic."""

from __future__ import annotations

from access import bearer, limits, log, refusals
from access.programs import UNKNOWABLE, Refused, ScopeMissing
from config.bodies import Scope, header
from ingest.answers import CLOSE, RETRY, NotTaken

UNPROVEN = "origin not proven"


def sender(scope: Scope) -> str | None:
    return log.sender(str((scope.get("client") or [""])[0]), header(scope, b"x-forwarded-for"))


def unproven(scope: Scope, reason: str) -> NotTaken:
    """For a ticket, a signature or a vendor's token, which no header could mend."""
    return turned_away(scope, Refused(reason, UNPROVEN))


def turned_away(scope: Scope, refusal: Refused) -> NotTaken:
    """401; 403 for a program that is known and may not, 503 where it cannot be known, 429 for a flood of them."""
    refusals.defer(refusals.about(refusal, sender(scope), "door"))
    if wait := limits.count_refusal(sender(scope)):
        return slow_down(wait)
    if refusal is UNKNOWABLE:
        return NotTaken(503, refusal.message, refusal.code, RETRY, CLOSE)
    if isinstance(refusal, ScopeMissing):
        status, challenge = 403, bearer.challenge("insufficient_scope", scope=refusal.scope)
    else:
        status, challenge = 401, bearer.challenge("invalid_token")
    return NotTaken(status, refusal.message, refusal.code, (b"www-authenticate", challenge.encode()), CLOSE)


def nobody_there(scope: Scope) -> NotTaken:
    """404 for whoever only asks, 429 for a flood of them. Nothing was claimed, so nothing is logged."""
    if wait := limits.count_refusal(sender(scope)):
        return slow_down(wait)
    return NotTaken(404, "no such door", "unknown", CLOSE)


def slow_down(seconds: float) -> NotTaken:
    return NotTaken(
        429, "more than the limit allows", "rate_limit", (b"retry-after", str(int(seconds)).encode()), CLOSE
    )
