from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from access import log
from access.models import AccessEntry, Clinic


class Command(BaseCommand):
    help = "Creates a clinic, or renames the one with this slug. Prints its id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="Its short name in commands: small letters, digits, hyphens.")
        parser.add_argument("--name", required=True)
        parser.add_argument("--time-zone", help="Such as Europe/Paris; UTC when the clinic is new.")

    def handle(self, *, slug: str, name: str, time_zone: str | None, **options: Any) -> None:
        known = Clinic.objects.filter(slug=slug).first()
        clinic = known or Clinic(slug=slug)
        before = (clinic.name, clinic.time_zone)
        clinic.name, clinic.time_zone = name, time_zone or clinic.time_zone
        try:
            clinic.full_clean()
        except ValidationError as error:
            raise CommandError(
                "; ".join(f"{field}: {' '.join(why)}" for field, why in error.message_dict.items())
            ) from None
        if before != (clinic.name, clinic.time_zone):
            self.save(clinic, "changed" if known else "created")
        self.stdout.write(str(clinic.pk))

    @transaction.atomic
    def save(self, clinic: Clinic, mode: str) -> None:
        clinic.save()
        log.note(log.command(), AccessEntry.Action.CHANGED, clinic.pk, "clinic", [str(clinic.pk)], mode=mode)
