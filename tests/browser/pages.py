"""The pages of the admin: what a browser is shown for each, and to whom. A new page is one line more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.urls import reverse

from tests.admin.rows import FOR_MANAGERS, FOR_MEMBERS, FOR_OPERATORS, list_of, page_of
from tests.browser.desk import Desk
from tests.browser.world import World

Where = Callable[[World], str]


@dataclass(frozen=True)
class Shown:
    """`who` of the world's people comes to `where`, fills in the labelled fields and presses the buttons, in turn.

    `status`: of the answer that is then shown. `who` is nobody where it is empty.
    """

    name: str
    who: str
    where: Where
    fills: dict[str, str] = field(default_factory=dict)
    presses: tuple[str, ...] = ()
    status: int = 200

    def __str__(self) -> str:
        return f"{self.name}, {self.who or 'nobody'}"

    def visit(self, desk: Desk, world: World) -> None:
        desk.open(self.where(world))
        for label, value in self.fills.items():
            desk.page.get_by_label(label).fill(value)
        for words in self.presses:
            desk.page.get_by_role("button", name=words, exact=True).first.click()
            desk.page.wait_for_load_state()


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


READ = [*FOR_MEMBERS, *FOR_MANAGERS]
ALL = [*READ, *FOR_OPERATORS]
REQUESTS = ["queued", "submitting", "waiting", "overdue", "failed", "cancelled"]
NOTES = ["needs_review", "in_review", "approved", "signed", "amended", "rejected", "entered_in_error"]
NOBODYS = {"Username": "nobody", "Password": "no such password"}

FRONT = [Shown("front page", who, site("index")) for who in ("viewer", "manager", "operator", "newcomer", "stray")]
LISTS = [
    *(Shown(f"{name} list", "manager", listed(name)) for name in READ),
    *(Shown(f"{name} list", "operator", listed(name)) for name in FOR_OPERATORS),
    *(Shown(f"{name} list, empty", "newcomer", listed(name)) for name in READ),
    Shown("notes list, none of a state", "newcomer", listed("notes_note", "?state__exact=rejected")),
    Shown("notes found", "manager", listed("notes_note"), {"Words": "headaches"}, ("Search",)),
    Shown("transcripts found", "viewer", listed("notes_transcript"), {"Words": "headaches"}, ("Search",)),
    Shown("no note found", "manager", listed("notes_note"), {"Words": "fracture"}, ("Search",)),
    Shown("lists of an app", "manager", lambda world: reverse("admin:app_list", args=["ingest"])),
]
ROWS = [
    *(Shown(f"{name} page", "manager", of_row(name)) for name in READ),
    *(Shown(f"{name} page", "operator", of_row(name)) for name in FOR_OPERATORS),
    *(Shown(f"{state} request", "manager", of_row(state)) for state in REQUESTS),
    *(Shown(f"{state} note", "reviewer", of_row(state)) for state in NOTES),
    Shown("note", "viewer", of_row("notes_note")),
    Shown("junk callback", "manager", of_row("junk")),
    Shown("callback's body", "manager", of_row("ingest_callback", "body")),
]
REVIEW = [
    Shown("note and transcript", "reviewer", of_row("consulted")),
    Shown("note in hand", "reviewer", of_row("in_hand")),
    Shown("note in a colleague's hands", "manager", of_row("in_hand")),
    Shown("two versions", "reviewer", of_row("in_hand", "conflict")),
    Shown("version", "viewer", lambda world: reverse("admin:notes_note_version", args=[world["in_hand"].pk, 2])),
    Shown("note to be printed", "viewer", of_row("consulted", "print")),
    Shown("amended note to be printed", "viewer", of_row("amended", "print")),
    Shown("to be signed", "reviewer", to_sign),
    Shown("to be signed, without a password", "reviewer", to_sign, presses=("Sign and lock",)),
    Shown("addendum", "reviewer", of_row("signed", "addendum")),
    Shown("entered in error?", "reviewer", of_row("signed", "error")),
    Shown("rejected?", "reviewer", of_row("consulted"), presses=("Reject",)),
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
]
ERRORS = [
    Shown("not found", "viewer", at("/admin/no/such/page"), status=404),
    Shown("not theirs", "viewer", listed("access_apikey"), status=403),
    Shown("not to be asked", "viewer", listed("notes_note", "?p=%00"), status=400),
]

PAGES = [*FRONT, *LISTS, *ROWS, *REVIEW, *FORMS, *SIGNING_IN, *ERRORS]
