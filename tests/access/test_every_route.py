"""Every address of the project, walked by everybody. The table is tests/access/routes.py."""

from __future__ import annotations

import copy
import functools
import json
import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from access import keys
from access.models import AccessEntry, ApiKey, Clinic, ClinicOwned, Membership, Scope, TrustedIssuer, User
from config.health import HealthMiddleware
from feed import sequencer
from feed.models import Endpoint
from ingest import door
from ingest.models import Session, VendorAccount
from notes.findings import REASONS
from notes.models import Draft, Note, NoteSection
from recordings.models import Recording, RecordingPart
from tests.access import routes
from tests.admin.conftest import signed_in
from tests.admin.rows import consultation
from tests.factories import (
    AsyncRequestFactory,
    CallbackFactory,
    ClinicFactory,
    EventFactory,
    MembershipFactory,
    SubmissionFactory,
    UserFactory,
)
from tests.rest.api import a_key

pytestmark = pytest.mark.django_db
Cells = dict[str, str]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


# --- What there is
def found(patterns: Iterable[Any], before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route or "/", pattern
        else:
            yield from found(pattern.url_patterns, route)


FOUND = dict(found(get_resolver().url_patterns))
REST = routes.lines(routes.REST)
OPEN = routes.lines(routes.OPEN)
TABLE = [*routes.ADMIN, *REST, *OPEN]


def test_every_route_is_in_the_table_and_every_line_of_it_is_a_route() -> None:
    known = {route for _, route in TABLE}
    assert set(FOUND) - known == set(), "routes that nobody has decided about"
    assert known - set(FOUND) == set(), "lines of routes that are gone"


def test_every_method_is_in_the_table() -> None:
    decided = set(TABLE)
    missing = [line for line in needed() if line not in decided]
    assert not missing, "methods that nobody has decided about"


def needed() -> Iterator[tuple[str, str]]:
    for route, pattern in FOUND.items():
        view = getattr(pattern.callback, "cls", None)
        for method in ("GET", "POST") if route.startswith(("admin", "/")) else METHODS:
            if (view is None or hasattr(view, method.lower())) and (route != "^api/" or method == "GET"):
                yield method, route


def test_every_model_of_the_admin_and_every_action_is_in_the_table() -> None:
    registered = {f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry}
    assert registered == set(routes.MODELS)
    assert {name: actions for name in sorted(registered) if (actions := actions_of(name))} == routes.BUTTONS


def actions_of(name: str) -> set[str]:
    request = RequestFactory().get("/")
    request.user = MembershipFactory(role="manager", user__is_superuser=True).user
    return set(admin.site._registry[apps.get_model(name.replace("/", "."))].get_actions(request))


def test_the_doors_addresses_are_known() -> None:
    assert {pattern.pattern: set(handlers) for pattern, handlers in door.ROUTES} == routes.DOOR
    assert set(HealthMiddleware.answers) == routes.HEALTH


# --- A clinic with a row behind every id, and those who come
@dataclass
class World:
    """`rows`: one of each model, by its place in the admin. `other`: another clinic."""

    clinic: Clinic
    other: Clinic
    rows: dict[str, Any]

    def rest_address(self, route: str) -> str:
        row = self.rows[REST_ROWS[route.split("/")[2]]]
        route = route.replace("<uuid:delivery>", str(self.rows["feed/delivery"].pk))
        return f"/{route.replace('<uuid:pk>', str(row.pk)).replace('<int:number>', '1')}"

    def address(self, route: str) -> str:
        """In the admin."""
        _, _, rest = route.partition("admin/")
        row = self.rows.get("/".join(rest.split("/")[:2]))
        content_type = str(ContentType.objects.get_for_model(Clinic).pk)
        audio = str(self.rows["ingest/asyncrequest"].audio_id)
        route = route.replace("<uuid:listening>", str(uuid4())).replace("<uuid:audio_id>", audio)
        route = route.replace("<int:number>", "1")
        for name in ("<path:object_id>", "<uuid:object_id>", "<int:object_id>", "<id>"):
            route = route.replace(name, str((row or self.clinic).pk))
        route = route.replace("<path:content_type_id>", content_type).replace("(?P<url>.*)$", "no/such/page")
        route = route.replace("^(?P<app_label>access|ingest|notes|recordings|feed)/$", "access/")
        return f"/{route.lstrip('^/')}"


REST_ROWS = {
    "sessions": "ingest/session",
    "requests": "ingest/asyncrequest",
    "transcripts": "notes/transcript",
    "notes": "notes/note",
    "recordings": "recordings/recording",
    "events": "feed/event",
    "webhooks": "feed/endpoint",
}


@pytest.fixture
def world(clinic: Clinic, other_clinic: Clinic, storage: Path, settings: Any) -> World:
    settings.OUTBOUND_ALLOW = [ip_network("127.0.0.0/8")]
    world = replace(a_world(clinic), other=other_clinic)
    audio = storage / world.rows["ingest/asyncrequest"].audio.storage_key
    audio.parent.mkdir(parents=True)
    audio.write_bytes(bytes(1000))
    recorded = storage / archived(world.rows["recordings/recording"]).storage_key
    recorded.parent.mkdir(parents=True)
    recorded.write_bytes(bytes(1000))
    return world


def archived(recording: Any) -> RecordingPart:
    facts = {"storage_key": "recordings/1", "size": 1000, "pcm_start": 44, "pcm_size": 956, "header_holds": True}
    Recording.objects.filter(pk=recording.pk).update(state="archived")
    return RecordingPart.objects.create(
        clinic=recording.clinic, recording=recording, number=1, vendor_ref="1", state="archived", **facts
    )


def a_world(clinic: Clinic) -> World:
    made = consultation(clinic)
    failed = SubmissionFactory(request__session=made["ingest_session"], request__failed=True).request
    rows = {name.replace("_", "/"): row for name, row in made.rows.items()}
    colleague = MembershipFactory(clinic=clinic, role="viewer")
    rows |= {
        "ingest/asyncrequest": failed,
        "ingest/callback": CallbackFactory(submission=failed.current_submission, state="junk"),
        "access/membership": colleague,
        "access/user": colleague.user,
        "access/clinic": clinic,
        "access/trustedissuer": made["access_allowedapplication"].issuer,
        "feed/event": EventFactory(clinic=clinic),
    }
    return World(clinic, clinic, rows)


def people(world: World) -> dict[str, Client]:
    """By the columns of the table."""
    both = MembershipFactory(clinic=world.other, role="manager").user
    MembershipFactory(clinic=world.clinic, role="viewer", user=both)
    users = {role: MembershipFactory(clinic=world.clinic, role=role).user for role in Membership.Role.values}
    users["stranger"] = MembershipFactory(clinic=world.other, role="manager").user
    users |= {"elsewhere": both, "operator": UserFactory(is_superuser=True)}
    return {name: signed_in(users[name]) if name in users else Client() for name in routes.PEOPLE}


IMPLYING = {"sessions:read": {"sessions:write"}}


def programs(world: World, needed: str) -> dict[str, Client]:
    implying = {needed, *IMPLYING.get(needed, ())}
    tokens = {
        "stranger": a_key(world.other),
        "lacking": a_key(world.clinic, *(scope for scope in Scope.values if scope not in implying)),
        "holder": a_key(world.clinic, needed),
        "revoked": a_key(world.clinic),
    }
    identified = keys.read(tokens["revoked"])
    assert identified
    ApiKey.objects.filter(prefix=identified.prefix).update(revoked_at=timezone.now())
    clients = {name: Client(headers={"Authorization": f"Bearer {token}"}) for name, token in tokens.items()}
    person = signed_in(MembershipFactory(clinic=world.clinic, role="manager").user)
    return {"none": Client(), **clients, "person": person}


# --- What they send: what would do it, were they allowed to
def sent(world: World, route: str) -> dict[str, Any]:
    name, _, rest = route.removeprefix("admin/").partition("/<")
    if make := POSTED.get(route):
        return make(world)
    if "press/" in rest:
        return {"action": min(routes.BUTTONS.get(name, {"close"})), "confirm": "yes"}
    return {"title": "x", "state": "failed", "role": "manager", "post": "yes"}


def a_program(world: World) -> dict[str, Any]:
    return {"clinic": world.clinic.pk, "name": "EHR", "scopes": ["notes:read"], "days": "30"}


def an_application(world: World) -> dict[str, Any]:
    issuer = world.rows["access/trustedissuer"].pk
    return {**a_program(world), "issuer": issuer, "application_id": "another", "audience": "listenpost"}


def an_account(world: World) -> dict[str, Any]:
    VendorAccount.objects.filter(vendor="nabla").update(vendor="former")
    return {"clinic": world.clinic.pk, "vendor": "nabla", "credentials": CREDENTIALS}


def a_person(world: World) -> dict[str, Any]:
    return {"username": world.rows["access/user"].username, "is_staff": "on", "is_superuser": "on", **NO_MEMBERSHIPS}


def a_clinic(slug: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"name": "Renamed", "slug": slug, "time_zone": "Europe/Paris", **NO_MEMBERSHIPS}


def an_issuer(name: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"name": name, "url": "https://login.example/new", "is_trusted": "on"}


def a_webhook(world: World) -> dict[str, Any]:
    return {"clinic": world.clinic.pk, "url": "http://127.0.0.1:9/events", "types": ["note.signed"]}


def one_that_is_off(world: World) -> dict[str, Any]:
    Endpoint.objects.update(state="off", off_reason="gone", off_at=timezone.now())
    return {"again": "on"}


CREDENTIALS = '{"server_key": "another"}'
NO_MEMBERSHIPS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
PASSWORDS = {"password1": "quite a long phrase", "password2": "quite a long phrase", "usable_password": "true"}
WORDS = {"based_on": "1", "title": "x", "text-0": "y"}
POSTED: dict[str, Callable[[World], dict[str, Any]]] = {
    "admin/notes/note/<uuid:object_id>/save/": lambda world: WORDS,
    "admin/notes/note/<uuid:object_id>/draft/": lambda world: WORDS,
    "admin/notes/note/<uuid:object_id>/error/": lambda world: {"reason": "x"},
    "admin/notes/note/<uuid:object_id>/dismiss/": lambda world: {"warning": "0" * 32, "reason": REASONS[0]},
    "admin/access/apikey/add/": a_program,
    "admin/access/apikey/<uuid:object_id>/rotate/": lambda world: {"hours": "24"},
    "admin/access/allowedapplication/add/": an_application,
    "admin/ingest/vendoraccount/add/": an_account,
    "admin/ingest/vendoraccount/<uuid:object_id>/credentials/": lambda world: {"credentials": CREDENTIALS},
    "admin/feed/endpoint/add/": a_webhook,
    "admin/feed/endpoint/<uuid:object_id>/edit/": a_webhook,
    "admin/feed/endpoint/<uuid:object_id>/secret/": lambda world: {"hours": "24"},
    "admin/feed/endpoint/<uuid:object_id>/replay/": lambda world: {"since": "2026-01-02T03:04", "confirm": "yes"},
    "admin/feed/endpoint/<uuid:object_id>/switch_on/": one_that_is_off,
    "admin/access/membership/add/": lambda world: {"clinic": world.clinic.pk, "username": "ada", "role": "viewer"},
    "admin/access/membership/<uuid:object_id>/role/": lambda world: {"role": "manager"},
    "admin/access/trustedissuer/add/": an_issuer("new"),
    "admin/access/trustedissuer/<path:object_id>/change/": an_issuer("renamed"),
    "admin/access/clinic/add/": a_clinic("bay"),
    "admin/access/clinic/<path:object_id>/change/": a_clinic("harbour"),
    "admin/access/user/add/": lambda world: {"username": "ada", **PASSWORDS, **NO_MEMBERSHIPS},
    "admin/access/user/<path:object_id>/change/": a_person,
    "admin/access/user/<id>/password/": lambda world: PASSWORDS,
    "admin/access/user/<int:object_id>/sign-in/": lambda world: {"action": "lift"},
}
BODIES = {
    "api/v1/sessions": {"kind": "ambient", "language": "en-US", "consent": True},
    "api/v1/sessions/<uuid:pk>": {"encounter_ref": "another"},
    "api/v1/sessions/<uuid:pk>/requests": {"vendor": "nabla", "output_objects": ["note"]},
    "api/v1/webhooks": {"url": "http://127.0.0.1:9/events"},
    "api/v1/webhooks/<uuid:pk>": {"description": "another"},
    "api/v1/webhooks/<uuid:pk>/replay": {"since": "2026-01-02T03:04:05Z"},
}


# --- What came of it
OF_NO_CLINIC: dict[Any, str] = {
    Clinic: "true",
    TrustedIssuer: "true",
    NoteSection: "true",
    User: "id NOT IN (SELECT user_id FROM access_membership WHERE clinic_id = %(other)s)",
}


def belongings(world: World) -> Any:
    """All that is the clinic's, a digest a table; but for who came, and what was typed and not saved."""
    owned = [model for model in apps.get_models() if issubclass(model, (ClinicOwned, Membership)) and model != Draft]
    whose = dict.fromkeys(owned, "clinic_id = %(clinic)s") | OF_NO_CLINIC
    digests = " UNION ALL ".join(digest(model._meta.db_table, which) for model, which in whose.items())
    with connection.cursor() as cursor:
        cursor.execute(digests, {"clinic": world.clinic.pk, "other": world.other.pk})
        return cursor.fetchall()


def digest(table: str, which: str) -> str:
    row = "(to_jsonb(kept) - '{last_used_at,last_login}'::text[])::text"
    return f"SELECT '{table}', md5(string_agg({row}, ',' ORDER BY id)) FROM {table} kept WHERE {which}"  # noqa: S608


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def kept_signed_in(client: Client) -> Iterator[None]:
    cookies = copy.deepcopy(client.cookies)
    yield
    client.cookies = cookies


def walked(
    world: World, clients: dict[str, Client], send: Callable[[Client], Any], *, is_logged: bool = False
) -> Cells:
    """What each of them gets; whatever came of it is undone before the next one comes."""
    cells, before = {}, belongings(world)
    for name, client in clients.items():
        with undone(), kept_signed_in(client):
            logged = AccessEntry.objects.count()
            status = send(client).status_code
            is_changed = belongings(world) != before
            in_log = "" if AccessEntry.objects.count() > logged or not is_logged else " and not in the log"
            cells[name] = f"{status}+{in_log}" if is_changed else str(status)
    return cells


def wrong(got: Cells, expected: Cells) -> dict[str, str]:
    return {name: f"{cell}, not {expected[name]}" for name, cell in got.items() if cell != expected[name]}


@pytest.mark.parametrize("place", ["", *routes.MODELS])
def test_the_admin(world: World, place: str) -> None:
    lines = routes.of_model(place) if place else routes.lines(routes.SITE)
    clients, differences = people(world), {}
    for (method, route), cells in lines.items():
        with undone():
            address, data = world.address(route), sent(world, route) if method == "POST" else {}
            send = operator.methodcaller(method.lower(), address, data)
            got = walked(world, clients, send, is_logged=True)
        differences[f"{method} {route}"] = wrong(got, dict(zip(routes.PEOPLE, cells, strict=True)))
    assert not {line: difference for line, difference in differences.items() if difference}


@pytest.mark.parametrize("place", ["", *routes.MODELS])
def test_no_other_method_does_more_in_the_admin(world: World, place: str) -> None:
    lines = routes.of_model(place) if place else routes.lines(routes.SITE)
    clients = {name: client for name, client in people(world).items() if name in ("viewer", "manager")}
    for route in {route for _, route in lines}:
        shown = [dict(zip(routes.PEOPLE, lines[method, route], strict=True)) for method in ("GET", "POST")]
        for method in ("put", "delete"):
            got = walked(world, clients, operator.methodcaller(method, world.address(route)))
            for name, cell in got.items():
                assert cell in {"405", *(cells[name].rstrip("+") for cells in shown)}, f"{method} {route} by {name}"


@pytest.mark.parametrize("line", REST, ids=" ".join)
def test_rest(world: World, line: tuple[str, str]) -> None:
    method, route = line
    needed, *cells = REST[line]
    clients = programs(world, needed)
    send = functools.partial(ask, method=method, address=world.rest_address(route), body=BODIES.get(route))
    got = walked(world, clients, send, is_logged=True)
    assert got == dict(zip(routes.PROGRAMS, cells, strict=True))


@pytest.mark.parametrize("route", sorted({route for _, route in REST}))
def test_no_other_method_is_taken_over_rest(world: World, route: str) -> None:
    methods = set(METHODS) - {method for method, other in REST if other == route}
    clients = programs(world, REST[next(line for line in REST if line[1] == route)][0])
    for method in methods:
        send = functools.partial(ask, method=method, address=world.rest_address(route), body={})
        assert list(walked(world, clients, send).values()) == ["401", "405", "405", "405", "401", "401"], method


@pytest.mark.parametrize("line", OPEN, ids=" ".join)
def test_what_is_open(world: World, line: tuple[str, str]) -> None:
    method, route = line
    address = f"/{route.lstrip('^')}"
    got = walked(world, programs(world, "notes:read"), lambda client: ask(client, method, address, None))
    assert list(got.values()) == OPEN[line]


def ask(client: Client, method: str, address: str, body: Any) -> Any:
    data = b"no audio" if method == "PUT" else json.dumps(body or {}).encode()
    content_type = "text/plain" if method == "PUT" else "application/json"
    headers = {"If-Match": "*"} if method in ("PATCH", "DELETE") else {}
    return client.generic(method, address, b"" if method == "GET" else data, content_type, headers=headers)


# --- Buttons, and the same as actions of the list
PRESSES = [
    (name, action) for name, actions in routes.BUTTONS.items() for action in sorted(actions - routes.OF_ITS_HOLDER)
]


def whose(name: str) -> list[str]:
    return routes.FOR_REVIEWERS if name.startswith("notes/") else routes.FOR_MANAGERS


def prepare(world: World, action: str) -> None:
    if state := routes.STATES.get(action):
        Note.objects.filter(pk=world.rows["notes/note"].pk).update(state=state, holder=UserFactory())
    if action == "start_note":
        Note.objects.filter(clinic=world.clinic).update(
            request=AsyncRequestFactory(session__clinic=world.clinic, ready=True)
        )
        Session.objects.update(kind="dictation")
    if action == "stay_off":
        Endpoint.objects.update(state="off", off_reason="gone", off_at=timezone.now())
    if action == "stop_replay":
        Endpoint.objects.update(replay_after=uuid4(), replay_until=uuid4())
    if action == "archive_now":
        Recording.objects.update(state="available")


@pytest.mark.parametrize(("name", "action"), PRESSES)
def test_a_button_is_for_those_who_may(world: World, name: str, action: str) -> None:
    prepare(world, action)
    address, clients = world.address(f"admin/{name}/<uuid:object_id>/press/"), people(world)
    answers = {"action": action, "confirm": "yes", "reason": "x", "template": "SOAP"}
    got = walked(world, clients, lambda client: client.post(address, answers), is_logged=True)
    assert list(got.values()) == whose(name)


@pytest.mark.parametrize(("name", "action"), [one for one in PRESSES if one[1] not in routes.NOT_OF_MANY])
def test_an_action_of_the_list_is_for_those_who_may(world: World, name: str, action: str) -> None:
    prepare(world, action)
    data = {"action": action, "_selected_action": [world.rows[name].pk], "confirm": "yes", "reason": "x"}
    clients = people(world)
    got = walked(world, clients, lambda client: client.post(f"/admin/{name}/", data), is_logged=True)
    may = {who for who, cell in zip(routes.PEOPLE, whose(name), strict=True) if cell.endswith("+")}
    assert {who for who, cell in got.items() if cell.endswith("+")} == may


# --- Somebody of two clinics sees both and no third
@pytest.mark.parametrize("name", sorted(set(routes.MODELS) - routes.OF_OPERATORS))
def test_a_person_of_two_clinics_sees_both_and_no_third(world: World, name: str) -> None:
    person = MembershipFactory(clinic=world.clinic, role="manager").user
    MembershipFactory(clinic=world.other, role="manager", user=person)
    client, mine, theirs = signed_in(person), world.rows[name], a_world(world.other).rows[name]
    foreign = a_world(ClinicFactory()).rows[name]
    listed = client.get(f"/admin/{name}/").content.decode()
    for row, status in ((mine, 200), (theirs, 200), (foreign, 404)):
        assert client.get(f"/admin/{name}/{row.pk}/change/").status_code == status
        assert (f"/admin/{name}/{row.pk}/change/" in listed) is (status == 200)


@pytest.mark.parametrize("path", ["sessions", "requests", "transcripts", "notes", "recordings", "webhooks"])
def test_over_rest_a_key_of_one_clinic_lists_no_others_rows(world: World, path: str) -> None:
    elsewhere = a_world(world.other)
    sequencer.sequence()
    client = Client(headers={"Authorization": f"Bearer {a_key(world.clinic)}"})
    listed = client.get(f"/api/v1/{path}").content.decode()
    assert str(world.rows[REST_ROWS[path]].pk) in listed
    assert str(elsewhere.rows[REST_ROWS[path]].pk) not in listed
