"""Clinics as commands name them: by slug, and what happened before a clinic was known by a name that is no slug."""

from __future__ import annotations

from uuid import UUID

from access.management.commands._given import clinic_of
from access.models import Clinic

NO_CLINIC = "no.clinic"


def all_by_name() -> dict[str, UUID | None]:
    """Every clinic's id by slug, and None by NO_CLINIC."""
    return {NO_CLINIC: None, **dict(Clinic.objects.order_by("slug").values_list("slug", "pk"))}


def named(name: str) -> Clinic | None:
    """The clinic of that slug, None for NO_CLINIC. Raises CommandError."""
    return None if name == NO_CLINIC else clinic_of(name)
