"""The real, small installation on one machine: `python -m config.serve`, or scripts/serve, which installs it first.

The first start asks for the clinic, its first user and its vendor, or takes them from LISTENPOST_CLINIC,
LISTENPOST_USER, LISTENPOST_PASSWORD, LISTENPOST_VENDOR (empty: none yet), LISTENPOST_VENDOR_CREDENTIALS (JSON) and
LISTENPOST_VENDOR_BASE_URL. Each may instead be given as `<NAME>_FILE`.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import sys
from dataclasses import dataclass

from config.installation import Installation, Place, given, one_line
from config.supervisor import Failed, Stopped, say

SECRETS = {"LISTENPOST_PASSWORD", "LISTENPOST_VENDOR_CREDENTIALS"}


@dataclass(frozen=True)
class FirstStart:
    """What an installation cannot know by itself."""

    clinic: str
    user: str
    password: str
    vendor: str = ""
    credentials: str = ""
    base_url: str = ""

    @classmethod
    def asked(cls) -> FirstStart:
        clinic = answer("LISTENPOST_CLINIC", "Name of the clinic")
        user = answer("LISTENPOST_USER", "Name of the first user")
        password = answer("LISTENPOST_PASSWORD", f"Password for {user}")
        vendor = answer("LISTENPOST_VENDOR", "Vendor, such as nabla (empty: connect one later)", optional=True)
        if not vendor:
            return cls(clinic, user, password)
        example = '{"server_key": "..."}'
        credentials = answer("LISTENPOST_VENDOR_CREDENTIALS", f"Credentials at {vendor}, as JSON like {example}")
        base_url = answer("LISTENPOST_VENDOR_BASE_URL", f"Address of {vendor} (empty: its usual one)", optional=True)
        return cls(clinic, user, password, vendor, _json_object(credentials), base_url)

    @property
    def slug(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.clinic.lower()).strip("-") or "clinic"

    def apply(self, installation: Installation) -> None:
        """Each command may be repeated, so a start that failed half-way can be tried again."""
        installation.manage("create_clinic", self.slug, "--name", self.clinic)
        staff = (self.slug, self.user, "--role", "manager", "--password-stdin")
        installation.manage("create_staff", *staff, given_input=self.password)
        if self.vendor:
            address = ("--base-url", self.base_url) if self.base_url else ()
            account = (self.slug, self.vendor, *address, "--credentials", "-")
            installation.manage("connect_vendor", *account, given_input=self.credentials)
        installation.done(f"clinic {self.slug} created")


def answer(name: str, question: str, *, optional: bool = False) -> str:
    """From the environment, else from whoever sits at the terminal."""
    if name in os.environ or f"{name}_FILE" in os.environ:
        value = given(name).strip()
    elif not sys.stdin.isatty():
        value = "" if optional else _unasked(name)
    else:
        value = (getpass.getpass if name in SECRETS else input)(f"{question}: ").strip()
    if not value and not optional:
        raise Failed(f"{name} is empty")
    return value


def _unasked(name: str) -> str:
    raise Failed(f"the first start needs {name}: run it in a terminal to be asked, or set it (or {name}_FILE)")


def _json_object(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Failed("LISTENPOST_VENDOR_CREDENTIALS must be a JSON object")
    return text


def serve() -> None:
    place = Place.from_environment()
    known = place.var / "installation.json"
    with Installation(place) as installation:
        place.refuse_busy_ports("web_port", "door_port")
        first = None if known.exists() else FirstStart.asked()
        installation.start_servers()
        installation.migrate()
        if first:
            first.apply(installation)
            known.write_text(json.dumps({"clinic": first.slug, "user": first.user, "vendor": first.vendor}) + "\n")
        installation.start_services()
        web, door = installation.env["PUBLIC_URL"], installation.env["DOOR_URL"]
        say(f"\nListenpost runs at {web} (admin: {web}/admin/), its door at {door}.")
        say(f"Logs: {place.var / 'log'}. Ctrl-C stops it.")
        try:
            installation.supervisor.watch()
        except Stopped:
            say("stopping")


if __name__ == "__main__":
    with one_line():
        serve()
