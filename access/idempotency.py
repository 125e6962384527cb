"""`Idempotency-Key` on POST: what is asked again under the same key is not done again, it gets the first answer.

What was done and its answer are committed together, so that no crash parts them. Only what succeeded is kept: whatever
was refused has done nothing, and may be tried again. Source: draft-ietf-httpapi-idempotency-key-header-07.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from uuid_utils.compat import uuid7

from access.models import KeptAnswer
from config import secrets
from config.problems import Conflict, invalid

Post = TypeVar("Post", bound=Callable[..., Response])
Ends = Callable[[Any], datetime]

HEADER = "Idempotency-Key"
VISIBLE = re.compile(r"[!-~]{1,255}")
QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
MALFORMED = "Send one key of 1 to 255 visible ASCII characters; with a comma or a quotation mark in it, in quotes."
CLEARED_AT_ONCE = 1000

# Where both find nothing, the second to be asked waits for no lock and sees no row that was committed meanwhile: KEEP
# then finds it.
LOOK = """
SELECT pg_try_advisory{kind}_lock(%s), kept.asked, kept.answer
FROM (SELECT) AS one LEFT JOIN access_keptanswer AS kept ON kept.key = %s AND kept.expires_at > now()
"""
KEEP = """
INSERT INTO access_keptanswer AS old (id, clinic_id, created_at, key, asked, answer, expires_at)
VALUES (%s, %s, now(), %s, %s, %s, %s)
ON CONFLICT (key) DO UPDATE SET created_at = now(), asked = EXCLUDED.asked, answer = EXCLUDED.answer,
    expires_at = EXCLUDED.expires_at WHERE old.expires_at <= now()
"""


class KeyInUse(Conflict):
    kind = ("idempotency-key-in-use", "The first request with this key is still under way")
    default_detail = "The first request with this Idempotency-Key is still under way. Ask again in a moment."
    wait = 1


class KeyReused(exceptions.APIException):
    status_code = 422
    kind = ("idempotency-key-reused", "This key was used for another request")
    default_detail = "This Idempotency-Key was used for another request. Take a new key for what is new."
    default_code = "idempotency_key_reused"


class AnswerLost(Conflict):
    default_detail = (
        "This Idempotency-Key was used, and what was answered cannot be read any more. Look at what was done; take a"
        " new key for what is new."
    )


@dataclass(frozen=True, slots=True)
class Ask:
    """What a program asks under a key. `key` and `what` are digests: of the program with its key, of what is asked."""

    clinic_id: UUID
    key: bytes
    what: bytes

    @property
    def lock(self) -> int:
        return int.from_bytes(self.key[:8], signed=True)


def idempotent(post: Post) -> Post:
    """For a view's post() that writes here: it happens once, in one transaction with the keeping of its answer."""
    return _keyed(post, _in_one_transaction)


def idempotent_until(ends: Ends) -> Callable[[Post], Post]:
    """For a post() that asks somebody over the network, which no transaction may wait for, and that could be repeated.

    `ends`: until when an answer's data is of any use. After that the same key gets a fresh one.
    """
    return lambda post: _keyed(post, partial(_outside_transactions, ends=ends))


def _keyed(post: Post, once: Callable[[Ask, Callable[[], Response]], Response]) -> Post:
    @wraps(post)
    def keyed(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = read_key(request.META.get("HTTP_IDEMPOTENCY_KEY"))
        answer = partial(post, view, request, *args, **kwargs)
        return answer() if key is None else once(_ask(request, key), answer)

    keyed.takes_key = True  # type: ignore[attr-defined]  # for config.schema
    return keyed  # type: ignore[return-value]


def read_key(given: str | None) -> str | None:
    """The key out of the header, bare or as a structured string; None where there is none. Raises ValidationError.

    A comma outside of quotes is what several headers are joined by.
    """
    if given is None:
        return None
    quoted = QUOTED.fullmatch(given)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else given
    if not VISIBLE.fullmatch(key) or (not quoted and not {'"', ","}.isdisjoint(key)):
        raise invalid(HEADER, "invalid", MALFORMED)
    return key


def _ask(request: Request, key: str) -> Ask:
    program: Any = request.auth
    what = [request.method, request.path, request.META.get("QUERY_STRING", ""), request.data]
    try:
        said = json.dumps(what, sort_keys=True).encode()
    except RecursionError:
        raise exceptions.ParseError("The body is not JSON that can be read.") from None
    mine = program.pk.bytes + key.encode()
    return Ask(program.clinic_id, hashlib.sha256(mine).digest(), hashlib.sha256(said).digest())


def _in_one_transaction(ask: Ask, answer: Callable[[], Response]) -> Response:
    with transaction.atomic():
        is_free, kept = _look(ask, "_xact")
        if kept or not is_free:
            return _again(ask, kept)
        return _kept(ask, answer(), _longest())


def _outside_transactions(ask: Ask, answer: Callable[[], Response], ends: Ends) -> Response:
    is_free, kept = _look(ask, "")
    try:
        if kept or not is_free:
            return _again(ask, kept)
        response = answer()
        return _kept(ask, response, min(_longest(), ends(response.data)))
    finally:
        if is_free:
            _unlock(ask)


def _look(ask: Ask, kind: str) -> tuple[bool, tuple[bytes, bytes] | None]:
    """Whether nobody else is at it, which holds until the transaction or session ends; what was kept, if anything."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK.format(kind=kind), [ask.lock, ask.key])
        is_free, what, answer = cursor.fetchone()
    return is_free, (bytes(what), bytes(answer)) if answer else None


def _unlock(ask: Ask) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [ask.lock])


def _longest() -> datetime:
    return timezone.now() + timedelta(hours=settings.IDEMPOTENCY_HOURS)


def _kept(ask: Ask, response: Response, expires_at: datetime) -> Response:
    """The answer, kept where it is a success. Raises KeyInUse where somebody was quicker."""
    if response.status_code >= 300:
        return response
    headers = {name: value for name, value in response.items() if name != "Content-Type"}
    body = JSONRenderer().render(response.data).decode()
    sealed = secrets.encrypt({"status": response.status_code, "headers": headers, "body": body})
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [uuid7(), ask.clinic_id, ask.key, ask.what, sealed, expires_at])
        if not cursor.rowcount:
            raise KeyInUse
    return response


def _again(ask: Ask, kept: tuple[bytes, bytes] | None) -> Response:
    """The first answer. Raises KeyInUse while there is none, KeyReused, AnswerLost."""
    if kept is None:
        raise KeyInUse
    what, sealed = kept
    if what != ask.what:
        raise KeyReused
    try:
        first = secrets.decrypt(sealed)
    except secrets.InvalidToken:  # CREDENTIAL_KEYS have changed
        raise AnswerLost from None
    data = json.loads(first["body"]) if first["body"] else None
    return Response(data, first["status"], headers=first["headers"] | {"Idempotency-Replayed": "true"})


def clear() -> None:
    """Removes answers whose time is over."""
    ended = KeptAnswer.objects.filter(expires_at__lte=timezone.now()).order_by("expires_at")
    while ids := list(ended.values_list("pk", flat=True)[:CLEARED_AT_ONCE]):
        KeptAnswer.objects.filter(pk__in=ids, expires_at__lte=timezone.now()).delete()
