from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from access import log, people
from access.management.commands._given import person_of
from access.signin import lockout


class Command(BaseCommand):
    help = "Lets a person try again at once whose name is locked after too many failures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *, username: str, **options: Any) -> None:
        person = person_of(username)
        with transaction.atomic():
            is_lifted = lockout.lift(person)
            if is_lifted:
                people.note_everywhere(log.command(), person.pk, "lock lifted")
        self.stderr.write(f"{username} may try again now." if is_lifted else f"No failures of {username} are counted.")
