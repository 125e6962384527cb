from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from access.models import Clinic


class Command(BaseCommand):
    help = "Creates a clinic, or renames the one with this slug. Prints its id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="Its short name in commands: small letters, digits, hyphens.")
        parser.add_argument("--name", required=True)
        parser.add_argument("--time-zone", help="Such as Europe/Paris; UTC when the clinic is new.")

    def handle(self, *, slug: str, name: str, time_zone: str | None, **options: Any) -> None:
        clinic = Clinic.objects.filter(slug=slug).first() or Clinic(slug=slug)
        clinic.name = name
        clinic.time_zone = time_zone or clinic.time_zone
        try:
            clinic.full_clean()
        except ValidationError as error:
            raise CommandError(
                "; ".join(f"{field}: {' '.join(why)}" for field, why in error.message_dict.items())
            ) from None
        clinic.save()
        self.stdout.write(str(clinic.pk))
