"""The access log: who read, played, changed, signed or was refused what, as what, when and from where.

Called before the answer leaves: what cannot be logged is not shown. Ids and codes only, never a word of a patient's.
"""

from __future__ import annotations

import getpass
import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from rest_framework.request import Request
from uuid_utils.compat import uuid7

from access import roles
from access.models import AccessEntry, ApiKey, ClinicOwned, Program
from config.requests import request_id

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = AccessEntry.Actor
#: 192.0.2.1, 192.0.2.1:443, 2001:db8::1, [2001:db8::1]:443, fe80::1%eth0
ADDRESS = re.compile(r"([0-9.]+)(?::[0-9]+)?|\[([0-9a-fA-F:.]+)(?:%[^\]]*)?\](?::[0-9]+)?|([0-9a-fA-F:.]+)(?:%.*)?")
OPERATOR = "operator"
COLUMNS = (
    *("id", "clinic_id"),
    *("action", "object_type", "object_ids", "mode", "reason", "on_behalf_of", "times"),
    *("actor_kind", "actor_id", "role", "address", "request_id"),
)
# Every request that shows a patient's words waits for this statement; the ORM would take twice as long over it.
INSERT = f"INSERT INTO access_accessentry ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something. `roles`: what a person is, by clinic; `operator` there where it is none of them."""

    kind: str
    id: str = ""
    address: str | None = None
    roles: Mapping[UUID, str] | None = None
    is_operator: bool = False

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    def role_in(self, clinic_id: UUID | None) -> str:
        held = (self.roles or {}).get(clinic_id, "") if clinic_id else ""
        return held or (OPERATOR if self.is_operator else "")


def actor(request: HttpRequest | Request) -> Actor:
    """Whoever the request comes from."""
    program, user = getattr(request, "auth", None), getattr(request, "user", None)
    if isinstance(program, Program):
        return of_program(program, address(request))
    if user is None or not user.is_authenticated:
        return Actor(Kind.NOBODY, address=address(request))
    return Actor(Kind.USER, str(user.pk), address(request), roles.roles(request), bool(user.is_superuser))


def of_program(program: Program, address: str | None = None) -> Actor:
    kind = Kind.API_KEY if isinstance(program, ApiKey) else Kind.APPLICATION
    return Actor(kind, str(program.pk), address)


def worker(name: str) -> Actor:
    """This service itself, in one of its tasks."""
    return Actor(Kind.WORKER, name)


def command() -> Actor:
    """An operator at the machine's shell."""
    try:
        return Actor(Kind.COMMAND, getpass.getuser()[:60])
    except (KeyError, OSError):  # a user without a name, as in some containers
        return Actor(Kind.COMMAND)


def record(by: HttpRequest | Request | Actor, action: str, rows: Iterable[ClinicOwned], **facts: Any) -> None:
    """One entry for all these rows (one a model and clinic, should they differ), none for no rows.

    `facts`: `mode`, `on_behalf_of`, `reason`, as AccessEntry has them.
    """
    groups: dict[tuple[UUID, str], list[str]] = {}
    for row in rows:
        groups.setdefault((row.clinic_id, str(row._meta.model_name)), []).append(str(row.pk))
    who = by if isinstance(by, Actor) else actor(by)
    for (clinic_id, object_type), ids in groups.items():
        note(who, action, clinic_id, object_type, ids, **facts)


@contextmanager
def recording(by: HttpRequest | Request | Actor, action: str, rows: Iterable[ClinicOwned]) -> Iterator[None]:
    """record(), with its commit under way while the block prepares the answer. The block asks the database nothing.

    Raises at its end what record() would have raised: what cannot be logged is not shown.
    """
    if not (rows := list(rows)):
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline() as pipeline:
        record(by, action, rows)
        pipeline.sync()
        yield


def note(
    by: Actor, action: str, clinic_id: UUID | None, object_type: str = "", ids: Sequence[str] = (), **facts: Any
) -> None:
    """One entry, for what is no row of a clinic: a person, an issuer, a refusal."""
    insert(row(by, action, clinic_id, object_type, ids, **facts))


def insert(values: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)


def row(
    by: Actor,
    action: str,
    clinic_id: UUID | None,
    object_type: str = "",
    ids: Sequence[str] = (),
    *,
    mode: str = "",
    reason: str = "",
    on_behalf_of: str = "",
    times: int = 1,
) -> list[Any]:
    """What INSERT takes."""
    what: list[Any] = [str(action), object_type, list(ids), mode, reason, on_behalf_of, times]
    return [uuid7(), clinic_id, *what, str(by.kind), by.id, by.role_in(clinic_id), by.address, request_id.get()]


def address(request: HttpRequest | Request) -> str | None:
    """Where the request came from."""
    return sender(str(request.META.get("REMOTE_ADDR", "")), str(request.META.get("HTTP_X_FORWARDED_FOR", "")))


def sender(peer: str, forwarded: str) -> str | None:
    """The IP address of whoever called; behind a proxy, what the proxy itself has added to X-Forwarded-For last.

    Some proxies add the port too.
    """
    claimed = forwarded.rpartition(",")[2].strip() if settings.SECURE_PROXY_SSL_HEADER else ""
    match = ADDRESS.fullmatch(claimed or peer)
    try:
        found = ipaddress.ip_address(next(filter(None, match.groups())) if match else "")
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)
