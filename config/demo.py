"""The whole way of one consultation, on this machine: `python -m config.demo`, or scripts/demo.

It runs an installation with the sandbox as its vendors, uploads the sample over REST like any other client, and prints
the note and where to look; an EHR, which the sandbox pretends too, is told of the note by a webhook. `--vendor` says
which of the vendors it is: with Suki, the recording that it keeps is copied, and the sample dictated as well; with
Dragon Copilot, `--transport` says how audio goes there, one way after the other where it names several. `--once` ends
it.
"""

from __future__ import annotations

import argparse
import json
import mimetypes
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import requests

from config.embedded import secret
from config.installation import ROOT, Installation, Place, answers, one_line
from config.supervisor import Failed, Process, Stopped, say

CLINIC, USER = "demo", "clinician"
SAMPLE = ROOT / "sandbox" / "sample" / "consultation.flac"
CONSULTATION = {
    **{"kind": "ambient", "language": "en-US", "consent": True},
    **{"encounter_ref": "VISIT-1", "clinician_ref": "dr-demo"},
}
SERVER_KEY = "sandbox-nabla-key"
# The sandbox is told these too.
WEBHOOK_SECRET, SUKI_SECRET = "sandbox-nabla-webhook-secret", "sandbox-suki-webhook-secret"
SUKI = {
    "partner_id": "sandbox-partner",
    "partner_token": "sandbox-partner-token",
    "provider_id": "dr-demo",
    "provider_org_id": "demo-clinic",
    "provider_specialty": "FAMILY_MEDICINE",
    "webhook_secrets": [SUKI_SECRET],
}
# At Dragon Copilot the same application asks for tokens that is a partner system of the clinic, too.
DRAGON = {
    "partner_id": "5a9db0c5-0001-4000-8000-000000000001",
    "customer_id": "5a9db0c5-0002-4000-8000-000000000002",
    "product_id": "5a9db0c5-0003-4000-8000-000000000003",
    "client_id": "sandbox-partner",
    "client_secret": "sandbox-partner-secret",
    "access_token": "sandbox-dragon-access-token",
}
VENDORS = ("nabla", "suki", "dragon")
TRANSPORTS = ("rest", "websocket", "grpc")
# How a partner system of the clinic gets its tokens: at the sandbox's issuer, by client credentials.
PARTNER = {"client_id": "sandbox-partner", "client_secret": "sandbox-partner-secret", "audience": "listenpost"}
PARTNER_SCOPES = ("notes:read", "callbacks:write")
# The consumer, an EHR that the sandbox pretends, and what the demo's own key may do.
EHR = "subscriber/ehr"
SCOPES = ("sessions:write", "notes:read", "recordings:read", "events:read", "webhooks:write")
PATIENCE_SECONDS = 180
FINAL = {"ready", "failed", "cancelled"}


class Demo:
    """An installation with a demo clinic; what other programs need to reach it is kept in var/demo.json."""

    def __init__(self, installation: Installation) -> None:
        self.installation, self.place = installation, installation.place
        self.file = self.place.var / "demo.json"
        self.sandbox_url = f"http://127.0.0.1:{self.place.sandbox_port}"
        self.issuer_url = f"{self.sandbox_url}/issuer"
        self.password = secret(self.place.var / "secrets" / "demo-password")
        self.api_key = self.webhook_url = self.suki_url = ""
        installation.supervisor.changed = self.write

    def start(self) -> None:
        self.installation.start_servers()
        self.installation.migrate()
        self._create()
        self.installation.start_services(self._sandbox())
        self.api = Api(self.installation)
        self.api_key = self._known_key() or self._new_key()
        self.api.use(self.api_key)
        self.write()

    def write(self) -> None:
        """Rewritten whenever a process was started again: the pids are those of now."""
        if not self.api_key:
            return
        env = self.installation.env
        facts = {
            "base_url": env["PUBLIC_URL"],
            "door_url": env["DOOR_URL"],
            "api_key": self.api_key,
            "clinic": CLINIC,
            "admin": {"username": USER, "password": self.password},
            "sandbox_url": self.sandbox_url,
            "webhooks": {"url": self.webhook_url, "secrets": [WEBHOOK_SECRET]},
            "suki_webhooks": {"url": self.suki_url, "secrets": [SUKI_SECRET]},
            "metrics_token": env["METRICS_TOKEN"],
            "partner": PARTNER | {"issuer": self.issuer_url, "token_url": f"{self.issuer_url}/token"},
            "database_url": env["DATABASE_URL"],
            "redis_url": env["REDIS_URL"],
            "pids": self.installation.supervisor.pids,
        }
        fresh = self.file.with_suffix(".new")
        fresh.touch(0o600)
        fresh.write_text(json.dumps(facts, indent=2) + "\n")
        fresh.rename(self.file)

    def _create(self) -> None:
        manage = self.installation.manage
        manage("create_clinic", CLINIC, "--name", "Demo clinic")
        manage("create_staff", CLINIC, USER, "--role", "manager", "--password-stdin", given_input=self.password)
        base = ("--base-url", f"{self.sandbox_url}/nabla/v1/copilot-api/server")
        key = json.dumps({"server_key": SERVER_KEY, "webhook_secrets": [WEBHOOK_SECRET]})
        self.webhook_url = manage("connect_vendor", CLINIC, "nabla", *base, "--credentials", "-", given_input=key)
        # As fast as it is taken: nobody wants to wait for as long as the consultation lasted.
        streams = ("--base-url", f"{self.sandbox_url}/suki", "--pace", "fast", "--credentials", "-")
        self.suki_url = manage("connect_vendor", CLINIC, "suki", *streams, given_input=json.dumps(SUKI))
        manage("trust_issuer", self.issuer_url, "--name", "The sandbox's issuer")
        partner = ("--application", PARTNER["client_id"], "--audience", PARTNER["audience"], "--name", "Demo partner")
        manage("allow_application", CLINIC, "--issuer", self.issuer_url, *partner, "--scope", *PARTNER_SCOPES)
        self.installation.done("demo clinic, user and vendor accounts ready")

    def connect_dragon(self, transport: str) -> None:
        """Once all serve: it looks whether it may send, before it takes a subscription."""
        credentials = json.dumps({**DRAGON, "issuer": self.issuer_url})
        given = ("--credentials", "-", "--subscribe", *self._at_dragon(transport))
        self.installation.manage("connect_vendor", CLINIC, "dragon", *given, given_input=credentials)
        self.installation.done(f"subscribed at Dragon Copilot; audio goes there by {transport}")

    def _at_dragon(self, transport: str) -> Iterator[str]:
        base = f"{self.sandbox_url}/dragon"
        by_grpc = f"http://127.0.0.1:{self.place.sandbox_grpc_port}"
        yield from ("--transport", transport, "--base-url", base, "--partner-url", f"{base}/partner")
        yield from ("--streaming-url", by_grpc if transport == "grpc" else base)

    def _sandbox(self) -> Process:
        port = self.place.sandbox_port
        command = [sys.executable, "-m", "sandbox", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--dragon-grpc-port", str(self.place.sandbox_grpc_port)]
        command += ["--suki-webhook-url", self.suki_url, "--suki-webhook-secret", SUKI_SECRET]
        ready = answers("127.0.0.1", port, "/control/health")
        return Process("sandbox", command, env=self.installation.env, cwd=ROOT, ready=ready)

    def _known_key(self) -> str:
        try:
            key = str(json.loads(self.file.read_text())["api_key"])
        except (OSError, ValueError, KeyError):
            return ""
        return key if self.api.accepts(key) else ""

    def _new_key(self) -> str:
        return self.installation.manage("create_api_key", CLINIC, "--name", "demo", "--scope", *SCOPES)


class Api:
    """A REST client of the running installation, as an EHR would be one."""

    def __init__(self, installation: Installation) -> None:
        self.base = f"{installation.env['PUBLIC_URL']}/api/v1"
        self.http = requests.Session()
        self.http.trust_env = False  # a proxy for the outer world has nothing to do with this machine

    def use(self, key: str) -> None:
        self.http.headers["Authorization"] = f"Bearer {key}"

    def accepts(self, key: str) -> bool:
        """Whether it is good for all that the demo does: a key of an earlier version may lack scopes."""
        headers = {"Authorization": f"Bearer {key}"}
        return self.http.get(f"{self.base}/webhooks", headers=headers, timeout=30).status_code == 200

    def call(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = self.http.request(method, f"{self.base}/{path}", timeout=60, **options)
        except requests.RequestException as error:
            raise Failed(f"{method} {path} was not answered: {type(error).__name__}") from None
        if not response.ok:
            raise Failed(f"{method} {path} was answered with {response.status_code}: {response.text[:300]}")
        return response.json()


def subscribe(demo: Demo) -> None:
    """The EHR is told of notes from now on. It forgets its secret with the sandbox, so a later start gets a new one."""
    api, url = demo.api, f"{demo.sandbox_url}/{EHR}"
    known = [one["id"] for one in api.call("GET", "webhooks")["results"] if one["url"] == url and one["state"] == "on"]
    if known:
        made = api.call("POST", f"webhooks/{known[0]}/secret", json={"overlap_hours": 0})
    else:
        wanted = {"url": url, "description": "The demo's EHR", "types": ["note.created"]}
        made = api.call("POST", "webhooks", json=wanted)
    tell_sandbox(demo, "PUT", "secrets/ehr", {"secrets": [made["secret"]]})


def tell_sandbox(demo: Demo, method: str, path: str, body: Any = None) -> Any:
    url, no_key = f"{demo.sandbox_url}/control/subscriber/{path}", {"Authorization": None}
    response = demo.api.http.request(method, url, json=body, headers=no_key, timeout=30)
    response.raise_for_status()
    return response.json()


def follow_webhook(demo: Demo, note: Any) -> None:
    """Until the EHR was told of the note, and has verified that it was told by this installation."""
    begun = time.monotonic()
    while True:
        told = [one for one in tell_sandbox(demo, "GET", "messages/ehr") if note["id"] in one["body"]]
        if any(one["verified"] for one in told):
            demo.installation.done("the EHR was told by webhook: note.created, its signature verified")
            return
        if time.monotonic() - begun > PATIENCE_SECONDS:
            raise Failed(f"the EHR was not told of the note, see {demo.place.var / 'log'}")
        demo.installation.supervisor.watch(0.2)


def consult(demo: Demo, audio: Path, vendor: str) -> Any:
    """Sends the recording the way every client does and returns the note."""
    request = ask(demo, audio, CONSULTATION, {"vendor": vendor, "output_objects": ["transcript_item", "note"]})
    return demo.api.call("GET", f"notes/{request['note']}")


def ask(demo: Demo, audio: Path, session: Any, wanted: Any) -> Any:
    """A request of a new session with this audio, once it is ready."""
    api = demo.api
    path = f"sessions/{api.call('POST', 'sessions', json=session)['id']}"
    kind = mimetypes.guess_type(audio.name)[0] or "audio/flac"
    stored = api.call("PUT", f"{path}/audio", data=audio.read_bytes(), headers={"Content-Type": kind})
    demo.installation.done(f"uploaded {audio.name}: {stored['duration_ms'] / 1000:.0f} s of audio")
    request = follow(demo, api.call("POST", f"{path}/requests", json=wanted))
    if request["state"] != "ready":
        raise Failed(f"the request is {request['state']}: {request['failure']}")
    return request


def dictate(demo: Demo, audio: Path) -> None:
    """The same recording as a dictation: what the vendor understood is all that comes of it."""
    session = {**CONSULTATION, "kind": "dictation", "encounter_ref": "DICTATION-1"}
    request = ask(demo, audio, session, {"vendor": "suki", "output_objects": ["transcript_item"]})
    transcript = demo.api.call("GET", f"transcripts/{request['transcript']}")
    say("\nDictated")
    for item in transcript["items"]:
        say(textwrap.fill(item["text"], 96, initial_indent="  ", subsequent_indent="  "))


def follow_recording(demo: Demo) -> None:
    """The vendor's own recording, until there is a copy of it."""
    begun = time.monotonic()
    while True:
        (recording,) = demo.api.call("GET", "recordings?limit=1")["results"]
        if recording["state"] == "archived":
            demo.installation.done(f"the vendor's recording is copied: {recording['bytes']:,} bytes")
            return
        if time.monotonic() - begun > PATIENCE_SECONDS:
            raise Failed(f"the recording is still {recording['state']}, see {demo.place.var / 'log'}")
        demo.installation.supervisor.watch(0.2)


def follow(demo: Demo, request: Any) -> Any:
    """Says each state the request comes through, until its last."""
    begun, seen = time.monotonic(), list[str]()
    while True:
        state = request["state"]
        if state in ("waiting", "ready") and "submitting" not in seen:
            seen.append("submitting")  # shorter than the time between two looks
            demo.installation.done("request is submitting")
        if state not in seen:
            seen.append(state)
            demo.installation.done(f"request is {state}")
        if state in FINAL:
            return request
        if time.monotonic() - begun > PATIENCE_SECONDS:
            raise Failed(f"still {state} after {PATIENCE_SECONDS} s, see {demo.place.var / 'log'}")
        demo.installation.supervisor.watch(0.1)
        request = demo.api.call("GET", f"requests/{request['id']}")


def print_note(note: Any) -> None:
    say(f"\n{note['title'] or 'Untitled note'}\n{'=' * len(note['title'] or 'Untitled note')}")
    for section in note["sections"]:
        say(f"\n{section['title']}")
        for line in section["text"].splitlines():
            say(textwrap.fill(line, 96, initial_indent="  ", subsequent_indent="  "))


def print_places(demo: Demo) -> None:
    base = demo.installation.env["PUBLIC_URL"]
    places = {
        "Read it": f"{base}/admin/",
        "User": f"{USER}, password {demo.password}",
        "REST": f"{base}/api/docs",
        "API key": demo.api_key,
        "Change feed": f"curl -H 'Authorization: Bearer {demo.api_key}' {base}/api/v1/events",
        "Partner": f"tokens from {demo.issuer_url}/token, as {PARTNER['client_id']}",
        "Sandbox": demo.sandbox_url,
        "Logs": str(demo.place.var / "log"),
        "All of this": str(demo.file),
    }
    say("\n" + "\n".join(f"{name + ':':<13}{value}" for name, value in places.items()))


def run(*, vendor: str, transports: Sequence[str], once: bool) -> None:
    place = Place.from_environment()
    with Installation(place, {"OUTBOUND_ALLOW": "127.0.0.0/8,::1/128"}) as installation:
        place.refuse_busy_ports("web_port", "door_port", "sandbox_port", "sandbox_grpc_port")
        demo = Demo(installation)
        demo.start()
        subscribe(demo)
        for transport in transports:
            demo.connect_dragon(transport)
            note = consult(demo, SAMPLE, vendor)
            print_note(note)
            follow_webhook(demo, note)
        if vendor == "suki":
            follow_recording(demo)
            dictate(demo, SAMPLE)
        print_places(demo)
        if once:
            return
        say("\nIt stays up until Ctrl-C.")
        try:
            installation.supervisor.watch()
        except Stopped:
            say("stopping")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vendor", choices=VENDORS, default="nabla", help="who writes the consultation up")
    ways = "how audio goes to Dragon Copilot; several are shown one after the other"
    parser.add_argument("--transport", choices=TRANSPORTS, nargs="+", default=["rest"], help=ways)
    parser.add_argument("--once", action="store_true", help="end when that is done")
    arguments = parser.parse_args()
    with one_line():
        run(vendor=arguments.vendor, transports=arguments.transport, once=arguments.once)
