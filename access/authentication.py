"""Who a REST request comes from: the program that its `Authorization: Bearer` proves."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from access import bearer, limits, programs, refusals
from access.issuers import Unreachable
from access.limits import Policy
from access.models import AllowedApplication, ApiKey
from config import problems

NO_PROOF = "Send a live API key or a token of a trusted issuer, as Authorization: Bearer ..."


@dataclass(frozen=True)
class Caller:
    """`request.user` of a request that a program made."""

    pk: UUID
    is_authenticated = True
    is_active = True


class Unproven(AuthenticationFailed):
    """401: the proof does not hold."""


class ApplicationNotAllowed(AuthenticationFailed):
    """401: the token is good, its application is on no allow list."""

    kind = ("application-not-allowed", "The application is not on the clinic's allow list")


class IssuerUnreachable(problems.Unavailable):
    default_detail = "The token's issuer cannot be reached to check the token. Try again in a few seconds."


class BearerAuthentication(BaseAuthentication):
    """Sets `request.auth` to the ApiKey or AllowedApplication."""

    def authenticate(self, request: Request) -> tuple[Caller, ApiKey | AllowedApplication] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        try:
            program = identify(header)
        except programs.Refused as refusal:
            refusals.refused(request, refusal)
            limits.refused(request)
            # DRF reads the challenge off the authenticator that it asks first.
            request._challenge = bearer.challenge("invalid_token", refusal.message)  # type: ignore[attr-defined]
            raise _answer(refusal) from None
        except Unreachable:
            refusals.refused(request, programs.UNKNOWABLE)
            limits.refused(request)
            raise IssuerUnreachable from None
        limits.spend(request, Policy.KEY, str(program.pk))
        programs.mark_used(program)
        return Caller(program.pk), program

    def authenticate_header(self, request: Request) -> str:
        return getattr(request, "_challenge", bearer.challenge())


def identify(header: str) -> ApiKey | AllowedApplication:
    """The program behind an `Authorization` header. Raises programs.Refused, issuers.Unreachable."""
    token = bearer.token(header)
    if token is None:
        raise programs.Refused("malformed", NO_PROOF)
    return programs.identify(token)


def _answer(refusal: programs.Refused) -> AuthenticationFailed:
    kind = ApplicationNotAllowed if isinstance(refusal, programs.NotAllowed) else Unproven
    return kind(refusal.message)
