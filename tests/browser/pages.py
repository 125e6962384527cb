"""The pages of the admin: what a browser is shown for each, and to whom. A new page is one line more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.urls import reverse
from playwright.sync_api import expect

from notes.models import Note
from tests.admin.rows import FOR_MANAGERS, FOR_MEMBERS, FOR_OPERATORS, list_of, page_of
from tests.admin.signin import code_of
from tests.browser.desk import Desk
from tests.browser.world import World
from tests.factories import PASSWORD

Where = Callable[[World], str]
Does = Callable[[Desk, World], None]


@dataclass(frozen=True)
class Shown:
    """`who` of the world's people comes to `where`, fills in the labelled fields and presses the buttons, in turn; or
    `does` what takes more than that.

    `status`: of the answer that is then shown. `who` is nobody where it is empty.
    """

    name: str
    who: str
    where: Where
    fills: dict[str, str] = field(default_factory=dict)
    presses: tuple[str, ...] = ()
    status: int = 200
    does: Does = lambda desk, world: None

    def __str__(self) -> str:
        return f"{self.name}, {self.who or 'nobody'}"

    def visit(self, desk: Desk, world: World) -> None:
        desk.open(self.where(world))
        for label, value in self.fills.items():
            desk.page.get_by_label(label).fill(value)
        for words in self.presses:
            desk.page.get_by_role("button", name=words, exact=True).first.click()
            desk.page.wait_for_load_state()
        self.does(desk, world)


def site(name: str) -> Where:
    return lambda world: reverse(f"admin:{name}")


def listed(name: str, query: str = "") -> Where:
    return lambda world: list_of(name) + query


def to_sign(world: World) -> str:
    return f"{of_row('approved', 'sign')(world)}?version=1"


def of_row(name: str, page: str = "change") -> Where:
    return lambda world: page_of(world[name], page)


def adding(name: str) -> Where:
    return lambda world: reverse(f"admin:{name}_add")


def at(address: str) -> Where:
    return lambda world: address


def sets_up(desk: Desk, world: World) -> None:
    """With the code of the app that has just taken the secret in."""
    desk.page.get_by_label("Password").fill(PASSWORD)
    desk.page.get_by_label("The code that the app shows now").fill(code_of(world.people["beginner"]))
    desk.page.get_by_role("button", name="Set up").click()
    is_told(desk, "Recovery codes")


def loses_cookies(desk: Desk, world: World) -> None:
    """Between the form and its sending."""
    desk.context.clear_cookies()
    desk.sign_in("nobody")
    is_told(desk, "Not done")


def asks_how_many(desk: Desk, world: World) -> None:
    desk.page.get_by_label("From").fill("2026-01-02T03:04")
    desk.page.get_by_role("button", name="Send earlier events").click()
    expect(desk.page.get_by_role("link", name="Choose another time")).to_be_visible()


def goes_on_trying(username: str, told: str) -> Does:
    """Until there is nothing to try at any more."""

    def tries(desk: Desk, world: World) -> None:
        for _ in range(20):
            if desk.page.get_by_role("button", name="Sign in").count():
                desk.sign_in(username, "no such password")
        is_told(desk, told)

    return tries


def is_kept_waiting(desk: Desk, world: World) -> None:
    """By somebody who holds the table for longer than a statement may take."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {Note._meta.db_table}")
        desk.open(list_of("notes_note"))
    is_told(desk, "Something went wrong here")


def is_told(desk: Desk, heading: str) -> None:
    expect(desk.page.get_by_role("heading", name=heading)).to_be_visible()


READ = [*FOR_MEMBERS, *FOR_MANAGERS]
ALL = [*READ, *FOR_OPERATORS]
REQUESTS = ["queued", "submitting", "waiting", "overdue", "failed", "cancelled"]
NOTES = ["needs_review", "in_review", "approved", "signed", "amended", "rejected", "entered_in_error"]
WEBHOOKS = ["webhook", "failing_webhook", "gone_webhook"]
DELIVERIES = ["delivered", "to_be_sent_again", "given_up"]
RECORDINGS = ["archived", "available", "lost"]
NOBODYS = {"Username": "nobody", "Password": "no such password"}

FRONT = [Shown("front page", who, site("index")) for who in ("viewer", "manager", "operator", "newcomer", "stray")]
LISTS = [
    *(Shown(f"{name} list", "manager", listed(name)) for name in READ),
    *(Shown(f"{name} list", "operator", listed(name)) for name in FOR_OPERATORS),
    *(Shown(f"{name} list, empty", "newcomer", listed(name)) for name in READ),
    Shown("notes with a newer text", "viewer", listed("notes_note", "?newer=yes")),
    Shown("notes list, none of a state", "newcomer", listed("notes_note", "?state__exact=rejected")),
    Shown("notes found", "manager", listed("notes_note"), {"Words": "headaches"}, ("Search",)),
    Shown("transcripts found", "viewer", listed("notes_transcript"), {"Words": "headaches"}, ("Search",)),
    Shown("no note found", "manager", listed("notes_note"), {"Words": "fracture"}, ("Search",)),
    Shown("webhooks in trouble", "manager", listed("feed_endpoint", "?trouble=yes")),
    Shown("deliveries, none of a state", "newcomer", listed("feed_delivery", "?state=failed")),
    Shown("lists of an app", "manager", lambda world: reverse("admin:app_list", args=["ingest"])),
]
ROWS = [
    *(Shown(f"{name} page", "manager", of_row(name)) for name in READ),
    *(Shown(f"{name} page", "operator", of_row(name)) for name in FOR_OPERATORS),
    *(Shown(f"{state} request", "manager", of_row(state)) for state in REQUESTS),
    *(Shown(f"{state} note", "reviewer", of_row(state)) for state in NOTES),
    *(Shown(f"{state} recording", "manager", of_row(f"{state}_recording")) for state in RECORDINGS),
    *(Shown(name.replace("_", " "), "manager", of_row(name)) for name in WEBHOOKS),
    *(Shown(f"delivery, {name.replace('_', ' ')}", "manager", of_row(name)) for name in DELIVERIES),
    Shown("note", "viewer", of_row("notes_note")),
    Shown("junk callback", "manager", of_row("junk")),
    Shown("callback's body", "manager", of_row("ingest_callback", "body")),
]
REVIEW = [
    Shown("note and transcript", "reviewer", of_row("consulted")),
    Shown("note in hand", "reviewer", of_row("in_hand")),
    Shown("note in a colleague's hands", "manager", of_row("in_hand")),
    Shown("two versions", "reviewer", of_row("in_hand", "conflict")),
    Shown("note with a newer text", "reviewer", of_row("revised")),
    Shown("note with a newer text, in a colleague's hands", "manager", of_row("revised")),
    Shown("signed note with a newer text", "reviewer", of_row("signed_and_revised")),
    Shown("newer text taken over", "reviewer", of_row("taken_over")),
    Shown("words typed into a section that is gone", "reviewer", of_row("taken_over", "conflict")),
    Shown("version", "viewer", lambda world: reverse("admin:notes_note_version", args=[world["in_hand"].pk, 2])),
    Shown("note to be printed", "viewer", of_row("consulted", "print")),
    Shown("amended note to be printed", "viewer", of_row("amended", "print")),
    Shown("to be signed", "reviewer", to_sign),
    Shown("to be signed, without a password", "reviewer", to_sign, presses=("Sign and lock",)),
    Shown("addendum", "reviewer", of_row("signed", "addendum")),
    Shown("entered in error?", "reviewer", of_row("signed", "error")),
    Shown("rejected?", "reviewer", of_row("consulted"), presses=("Reject",)),
    Shown("dictation as it is heard", "viewer", of_row("being_dictated")),
    Shown("dictation by push-to-talk", "reviewer", lambda world: page_of(world["dictated"]) + "?audio=2"),
]
FORMS = [
    Shown("new API key", "manager", adding("access_apikey")),
    Shown("new API key, incomplete", "manager", adding("access_apikey"), presses=("Make an API key",)),
    Shown("API key rotated", "manager", of_row("access_apikey", "rotate")),
    Shown("API key revoked?", "manager", of_row("access_apikey"), presses=("Revoke",)),
    Shown("new person", "manager", adding("access_membership")),
    Shown("person's role", "manager", of_row("access_membership", "role")),
    Shown("person removed?", "manager", of_row("access_membership"), presses=("Remove from the clinic",)),
    Shown("new password, shown", "manager", of_row("access_membership", "password"), presses=("New password",)),
    Shown("new vendor account", "manager", adding("ingest_vendoraccount")),
    Shown("vendor account's credentials", "manager", of_row("ingest_vendoraccount", "credentials")),
    Shown("new webhook", "manager", adding("feed_endpoint")),
    Shown("new webhook, incomplete", "manager", adding("feed_endpoint"), presses=("Make a webhook",)),
    Shown("webhook changed", "manager", of_row("webhook", "edit")),
    Shown("webhook's secret", "manager", of_row("webhook", "secret")),
    Shown("webhook's new secret, shown", "manager", of_row("webhook", "secret"), presses=("New secret",)),
    Shown("webhook sent earlier events", "manager", of_row("webhook", "replay"), does=asks_how_many),
    Shown("webhook switched on", "manager", of_row("gone_webhook", "switch_on")),
    Shown("webhook switched off?", "manager", of_row("webhook"), presses=("Switch off",)),
    Shown("webhook removed?", "manager", of_row("webhook"), presses=("Remove",)),
    Shown("new partner", "operator", adding("access_allowedapplication")),
    *(Shown(f"new {name}", "operator", adding(name)) for name in FOR_OPERATORS[:3]),
    Shown("new clinic, incomplete", "operator", adding("access_clinic"), presses=("Save",)),
    Shown("user's password", "operator", lambda world: f"/admin/access/user/{world['access_user'].pk}/password/"),
]
SIGNING_IN = [
    Shown("sign in", "", site("login")),
    Shown("sign in, after a while", "", lambda world: f"{reverse('admin:login')}?ended=idle"),
    Shown("sign in, wrong", "", site("login"), NOBODYS, ("Sign in",)),
    Shown("change the password", "viewer", site("password_change")),
    Shown("password changed", "viewer", site("password_change_done")),
    Shown("second factor, new", "viewer", site("second_factor")),
    Shown("second factor, there", "careful", site("second_factor")),
    Shown("recovery codes", "beginner", site("second_factor"), does=sets_up),
    Shown("signed out", "leaver", site("index"), presses=("Log out",)),
]
ERRORS = [
    Shown("not found", "viewer", at("/admin/no/such/page"), status=404),
    Shown("not theirs", "viewer", listed("access_apikey"), status=403),
    Shown("in no clinic", "stray", listed("notes_note"), status=403),
    Shown("form without its cookie", "", site("login"), status=403, does=loses_cookies),
    Shown("locked out", "", site("login"), status=429, does=goes_on_trying("forgetful", "Too many failed sign-ins")),
    Shown("not to be asked", "viewer", listed("notes_note", "?p=%00"), status=400),
]

#: Of a web process that lets one sign-in a minute pass and waits a second for its database.
IMPATIENT = [
    Shown("too many tries", "", site("login"), status=429, does=goes_on_trying("hasty", "Too many tries")),
    Shown("something went wrong", "viewer", site("index"), status=500, does=is_kept_waiting),
]

PAGES = [*FRONT, *LISTS, *ROWS, *REVIEW, *FORMS, *SIGNING_IN, *ERRORS]
