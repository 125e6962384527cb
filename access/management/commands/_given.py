"""What the commands are given, checked in one way. Clinics are named by slug."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.utils import timezone

from access.models import ApiKey, Clinic, Scope, TrustedIssuer, User

#: Stands for what happened before a clinic was known: no slug has a dot.
NO_CLINIC = "no.clinic"


def take_program(parser: ArgumentParser, *, is_required: bool = True) -> None:
    parser.add_argument("--name", required=is_required, help="What uses it, such as 'EHR'.")
    parser.add_argument("--scope", required=is_required, nargs="+", action="extend", help="What it may do.")
    parser.add_argument("--days", type=int, help="How long it lives; until it is revoked by default.")


def clinic_of(slug: str) -> Clinic:
    clinic: Clinic | None = found(Clinic, slug=slug)
    if clinic is None:
        raise CommandError(f"There is no clinic {slug!r}.")
    return clinic


def clinic_or_none(name: str) -> Clinic | None:
    """None for NO_CLINIC."""
    return None if name == NO_CLINIC else clinic_of(name)


def all_clinics() -> dict[str, UUID | None]:
    """Every clinic's id by its name, that of none included."""
    return {NO_CLINIC: None, **dict(Clinic.objects.order_by("slug").values_list("slug", "pk"))}


def person_of(username: str) -> User:
    person: User | None = found(User, username=username)
    if person is None:
        raise CommandError("There is nobody of that name.")
    return person


def key_of(prefix: str) -> ApiKey:
    key: ApiKey | None = found(ApiKey, prefix=prefix)
    if key is None:
        raise CommandError("There is no such API key: give its prefix, the 12 characters after 'lp_'.")
    return key


def issuer_of(url: str) -> TrustedIssuer:
    issuer: TrustedIssuer | None = found(TrustedIssuer, url=url)
    if issuer is None:
        raise CommandError(f"The issuer {url!r} is not known: make it trusted with trust_issuer.")
    return issuer


def found(model: Any, **named: str) -> Any:
    """None also for what no column can hold, such as bytes that are no text."""
    return model.objects.filter(**named).first() if all(text.isprintable() for text in named.values()) else None


def text_of(option: str, text: str | None, longest: int) -> str:
    if not text or len(text) > longest or not text.isprintable():
        raise CommandError(f"{option} takes 1 to {longest} characters.")
    return text


def scopes_of(given: Sequence[str] | None) -> list[str]:
    if not given:
        raise CommandError(f"--scope is missing. Known scopes: {', '.join(Scope.values)}.")
    if unknown := sorted(set(given) - set(Scope.values)):
        raise CommandError(f"Unknown: {', '.join(unknown)}. Known scopes: {', '.join(Scope.values)}.")
    return sorted(set(given))


def expiry_of(days: int | None) -> datetime | None:
    if days is not None and not 0 < days < 36_500:
        raise CommandError("--days must be above zero and below 36500.")
    return timezone.now() + timedelta(days=days) if days else None
