"""Which token issuers are trusted, and which of their applications may call for which clinic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from access import log
from access.log import Actor
from access.models import AccessEntry, AllowedApplication, Clinic, TrustedIssuer

URL_LENGTH = 500
HOST = re.compile(r"[A-Za-z0-9._:-]+")
#: Printable ASCII but what begins a query or a fragment, and what may hide a name and password.
PLAIN = re.compile(r"[^?#@\\ \x00-\x1f\x7f-\U0010ffff]+")


OWN = "This application is on this clinic's list already with this audience: revoke that line first."
ELSEWHERE = (
    "This application is on another list already with this audience: revoke that line first, or ask the partner for "
    "tokens with another audience."
)


class Refused(Exception):
    """It cannot be done. The text says why and what to do."""


def check_url(url: str) -> None:
    """Raises ValidationError for what no issuer is called. Source: OpenID Connect Discovery 1.0, section 3."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and HOST.fullmatch(parts.hostname or "") and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or len(url) > URL_LENGTH or not PLAIN.fullmatch(url):
        raise ValidationError("Give an address such as https://login.example/tenant, without ? and #.", code="issuer")


def trust(url: str, *, name: str, by: Actor) -> TrustedIssuer:
    with transaction.atomic():
        facts = {"name": name, "is_trusted": True}
        issuer, _ = TrustedIssuer.objects.update_or_create(url=url, defaults=facts)
        note(issuer, by)
    return issuer


def distrust(issuer: TrustedIssuer, *, by: Actor) -> None:
    """Its tokens are refused from now on."""
    with transaction.atomic():
        TrustedIssuer.objects.filter(pk=issuer.pk).update(is_trusted=False)
        issuer.is_trusted = False
        note(issuer, by)


def note(issuer: TrustedIssuer, by: Actor) -> None:
    mode = "trusted" if issuer.is_trusted else "no longer trusted"
    log.note(by, AccessEntry.Action.GRANTED, None, "trustedissuer", [str(issuer.pk)], mode=mode)


def allow(
    clinic: Clinic,
    issuer: TrustedIssuer,
    *,
    application_id: str,
    audience: str,
    name: str,
    scopes: Sequence[str],
    by: Actor,
    expires_at: datetime | None = None,
    replaces: bool = True,
) -> AllowedApplication:
    """A line of the clinic's allow list. Raises Refused for another clinic's, and where it `replaces` none its own."""
    proof: dict[str, Any] = {"issuer": issuer, "application_id": application_id, "audience": audience}
    facts = {"name": name, "scopes": list(dict.fromkeys(scopes)), "expires_at": expires_at}
    own = AllowedApplication.objects.filter(clinic=clinic, **proof, revoked_at=None)
    try:
        with transaction.atomic():
            line, is_new = (
                own.update_or_create(clinic=clinic, **proof, revoked_at=None, defaults=facts)
                if replaces
                else (AllowedApplication.objects.create(clinic=clinic, **proof, **facts), True)
            )
            log.record(by, AccessEntry.Action.GRANTED, [line], mode="allowed" if is_new else "allowed anew")
    except IntegrityError:
        raise Refused(OWN if own.exists() else ELSEWHERE) from None
    allowed: AllowedApplication = line
    return allowed
