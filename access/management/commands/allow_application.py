from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import log, partners, programs
from access.management.commands._given import clinic_of, expiry_of, issuer_of, scopes_of, take_program, text_of
from access.models import AllowedApplication, Clinic, TrustedIssuer


class Command(BaseCommand):
    help = "Lets an application of a trusted issuer call for a clinic, or no longer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clinic", help="The clinic's slug.")
        parser.add_argument("--issuer", required=True, help="The issuer's address, as trust_issuer was given it.")
        parser.add_argument("--application", required=True, help="What its tokens say in 'azp', 'appid' or 'sub'.")
        parser.add_argument("--audience", required=True, help="What its tokens for this clinic say in 'aud'.")
        take_program(parser, is_required=False)
        parser.add_argument("--revoke", action="store_true", help="Refuse it from now on.")

    def handle(self, *, clinic: str, issuer: str, revoke: bool, **options: Any) -> None:
        owner, trusted = clinic_of(clinic), issuer_of(issuer)
        text_of("--application", options["application"], 200)
        text_of("--audience", options["audience"], 500)
        (self.revoke if revoke else self.allow)(owner, trusted, **options)
        self.stderr.write(f"{options['application']} {'is revoked' if revoke else 'may call'} for {owner.slug}.")

    def allow(self, clinic: Clinic, issuer: TrustedIssuer, **options: Any) -> None:
        facts: dict[str, Any] = {
            "application_id": options["application"],
            "audience": options["audience"],
            "name": text_of("--name", options["name"], 100),
            "scopes": scopes_of(options["scope"]),
            "expires_at": expiry_of(options["days"]),
        }
        if not issuer.is_trusted:
            raise CommandError("The issuer is no longer trusted: trust_issuer makes it so again.")
        try:
            partners.allow(clinic, issuer, **facts, by=log.command())
        except partners.Refused as refusal:
            raise CommandError(str(refusal)) from None

    def revoke(self, clinic: Clinic, issuer: TrustedIssuer, **options: Any) -> None:
        proof = {"application_id": options["application"], "audience": options["audience"], "issuer": issuer}
        line = AllowedApplication.objects.for_clinic(clinic).filter(**proof, revoked_at=None).first()
        if line is None:
            raise CommandError("There is no such line on the clinic's allow list.")
        programs.revoke(line, by=log.command())
