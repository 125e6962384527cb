"""Which program calls: it proves itself by an API key of ours, or by a token of an issuer that is trusted."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from access import keys, log, tokens
from access.log import Actor
from access.models import AccessEntry, AllowedApplication, ApiKey, Program, Scope, TrustedIssuer
from access.tokens import BadToken, Claims, Token

SEEN_EVERY = timedelta(minutes=1)


class Trust:
    """The trusted issuers' URLs as last heard: made-up tokens cost ten queries a second, however many they are."""

    OLD_SECONDS, DOUBTFUL_SECONDS = 10.0, 0.1

    def __init__(self) -> None:
        self._urls: frozenset[str] = frozenset()
        self._heard_at = float("-inf")

    def __contains__(self, url: str) -> bool:
        return url in self._urls

    def wants_news(self, url: str) -> bool:
        age = time.monotonic() - self._heard_at
        return age > (self.OLD_SECONDS if url in self._urls else self.DOUBTFUL_SECONDS)

    def renew(self, urls: Iterable[str]) -> None:
        self._urls, self._heard_at = frozenset(urls), time.monotonic()


trust = Trust()


class Refused(Exception):
    """The proof does not hold. `code` says why, for the log; the text is for whoever sent it. Neither repeats it."""

    def __init__(self, code: str, message: str, program: Program | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.program = program
        self.clinic_id: UUID | None = program.clinic_id if program else None


class NotAllowed(Refused):
    """The token is good, but its application is on no clinic's allow list."""


class ScopeMissing(Refused):
    """The program is known, and may not do this. `scope`: what it would need."""

    def __init__(self, scope: str, program: Program) -> None:
        super().__init__("scope_missing", f"This needs the scope {scope}.", program)
        self.scope = scope


#: Neither good nor bad: its issuer does not answer.
UNKNOWABLE = Refused("issuer_unreachable", "The token's issuer cannot be reached. Try again.")
IMPLIED = {Scope.SESSIONS_READ: {Scope.SESSIONS_WRITE}}


def may(program: Program, scope: str) -> bool:
    """Whether the program has the scope, or one that implies it."""
    return not {scope, *IMPLIED.get(Scope(scope), ())}.isdisjoint(program.scopes)


def identify(token: str) -> ApiKey | AllowedApplication:
    """The program that a bearer token proves, its clinic with it. Raises Refused, issuers.Unreachable."""
    if tokens.looks_like_one(token):
        return _application(token)
    return _key(token)


def _key(token: str) -> ApiKey:
    presented = read_key(token)
    key = ApiKey.objects.select_related("clinic").filter(prefix=presented.prefix).first()
    return judge_key(presented, key)


def read_key(token: str) -> keys.Presented:
    """keys.read. Raises Refused."""
    presented = keys.read(token)
    if presented is None:
        raise Refused("not_a_key", "It is no API key of this service.")
    return presented


def judge_key(presented: keys.Presented, key: ApiKey | None) -> ApiKey:
    """The key, if it is the one that was presented and may call. Raises Refused."""
    if key is None or not keys.matches(presented, key):
        raise Refused("unknown_key", "There is no such API key.")
    judge(key)
    return key


def _application(text: str) -> AllowedApplication:
    token = read(text)
    if trust.wants_news(token.issuer):
        trust.renew(TrustedIssuer.objects.filter(is_trusted=True).values_list("url", flat=True))
    claims = verify(token)
    lines = AllowedApplication.objects.select_related("clinic").filter(
        issuer__url=claims.issuer, issuer__is_trusted=True, audience__in=claims.audiences
    )
    named = lines.filter(application_id=claims.application_id).order_by(F("revoked_at").desc(nulls_first=True))[:2]
    return choose(list(named), lambda: set(lines.values_list("clinic", flat=True).distinct()[:2]))


def read(text: str) -> Token:
    """tokens.read, its refusals as ours."""
    try:
        return tokens.read(text)
    except BadToken as error:
        raise Refused(error.code, error.message) from None


def verify(token: Token) -> Claims:
    """tokens.verify for trusted issuers alone, its refusals as ours. Raises Refused, issuers.Unreachable."""
    if token.issuer not in trust:
        raise Refused("unknown_issuer", "The token's issuer is not trusted here.")
    try:
        return tokens.verify(token)
    except BadToken as error:
        raise Refused(error.code, error.message) from None


def choose(named: Sequence[AllowedApplication], clinics: Callable[[], Collection[UUID]]) -> AllowedApplication:
    """The one line of the allow list that a token is for. Raises Refused.

    `named`: the lines of its application and audience, at most two, those in use first. `clinics`: whose lines have its
    audience at all.
    """
    if not named:
        raise _not_listed(clinics())
    if len(named) > 1 and named[1].revoked_at is None:
        raise Refused("wrong_audience", "The token is for several clinics: ask for one audience at a time.")
    judge(named[0])
    return named[0]


def _not_listed(clinics: Collection[UUID]) -> Refused:
    if not clinics:
        return Refused("wrong_audience", "The token is for somebody else.")
    refusal = NotAllowed("not_allowed", "The application is not on the allow list.")
    refusal.clinic_id = next(iter(clinics)) if len(clinics) == 1 else None
    return refusal


def judge(program: Program) -> None:
    """Raises Refused for one that may no longer call."""
    if program.revoked_at is not None:
        raise Refused("revoked", "It has been revoked.", program)
    if not program.is_live(timezone.now()):
        raise Refused("expired", "It has expired.", program)


def was_not_seen_lately(program: Program) -> bool:
    seen = program.last_used_at
    return seen is None or timezone.now() - seen > SEEN_EVERY


def mark_used(program: ApiKey | AllowedApplication) -> None:
    """Sets `last_used_at`, at most once a minute, however many ask at once."""
    if was_not_seen_lately(program):
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - SEEN_EVERY)
        type(program).objects.filter(stale, pk=program.pk).update(last_used_at=now)


def revoke(program: ApiKey | AllowedApplication, *, by: Actor) -> None:
    """Whoever uses it is refused from now on."""
    with transaction.atomic():
        if type(program).objects.filter(pk=program.pk, revoked_at=None).update(revoked_at=timezone.now()):
            log.record(by, AccessEntry.Action.GRANTED, [program], mode="revoked")
