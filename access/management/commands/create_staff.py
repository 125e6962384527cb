from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from access import log, people
from access.management.commands._given import clinic_of
from access.models import Membership, User


class Command(BaseCommand):
    help = "Creates a person who signs in for a clinic; an existing one gets this role and password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clinic", help="The clinic's slug.")
        parser.add_argument("username")
        parser.add_argument("--role", required=True, choices=Membership.Role.values)
        parser.add_argument("--password-stdin", action="store_true", help="Read the password from standard input.")

    def handle(self, *, clinic: str, username: str, role: str, password_stdin: bool, **options: Any) -> None:
        owner = clinic_of(clinic)
        user = User.objects.filter(username=username).first() or User(username=username)
        switched = [name for name in ("is_active", "is_staff") if user.pk and not getattr(user, name)]
        user.is_staff = user.is_active = True
        user.must_change_password = False
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else ask_password()
        try:
            validate_password(password, user)
            user.set_password(password)
            user.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        with transaction.atomic():
            user.save()
            before = people.held(user.memberships.all())
            Membership.objects.update_or_create(user=user, clinic=owner, defaults={"role": role})
            people.note_changes(before, people.held(user.memberships.all()), by=log.command())
            for mode in [*people.powers(user, switched), "password set"]:
                people.note_everywhere(log.command(), user.pk, mode)
        self.stderr.write(f"{username} is {role} of {owner.slug}.")


def ask_password() -> str:
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask for the password at: give it with --password-stdin.")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Once more: "):
        raise CommandError("They differ.")
    return password
