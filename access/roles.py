"""What a person may do in which clinic, read once a request."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from access.models import Membership

Role = Membership.Role
RANK = {Role.VIEWER: 1, Role.REVIEWER: 2, Role.MANAGER: 3}


def roles(request: HttpRequest) -> dict[UUID, str]:
    """The person's role by clinic. Empty for strangers, and for operators, who need none."""
    known: dict[UUID, str] | None = getattr(request, "_roles", None)
    if known is None:
        mine = (
            Membership.objects.filter(user=request.user.pk)
            if request.user.is_authenticated
            else Membership.objects.none()
        )
        known = dict(mine.values_list("clinic", "role"))
        request._roles = known  # type: ignore[attr-defined]
    return known


def is_operator(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


def may(request: HttpRequest, role: str, clinic_id: UUID | None = None) -> bool:
    """Whether the person is at least this in the clinic; without one, in any clinic at all."""
    return is_operator(request) or (
        clinics(request, role) != [] if clinic_id is None else clinic_id in clinics(request, role)
    )


def clinics(request: HttpRequest, role: str) -> list[UUID]:
    """Where the person is at least this."""
    return [clinic for clinic, held in roles(request).items() if RANK[Role(held)] >= RANK[Role(role)]]
