"""Partner systems at the door: which program posts. Asked in plain SQL, on the door's own connections.

What proves a program is decided where REST decides it (access.programs); only the asking differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from access import bearer, programs, refusals, tokens
from access.log import Actor
from access.models import AccessEntry, AllowedApplication, ApiKey, Scope
from access.programs import Refused, ScopeMissing, trust
from config import bodies
from ingest.inbox import Inbox

Action = AccessEntry.Action

KEY = """
SELECT id, clinic_id, scopes, digest, expires_at, revoked_at, last_used_at FROM access_apikey WHERE prefix = %s
"""
ISSUERS = "SELECT url FROM access_trustedissuer WHERE is_trusted"
APPLICATIONS = """
SELECT a.id, a.clinic_id, a.scopes, a.expires_at, a.revoked_at, a.last_used_at, a.application_id
FROM access_allowedapplication a JOIN access_trustedissuer i ON i.id = a.issuer_id
WHERE i.url = %s AND i.is_trusted AND a.audience = ANY(%s) AND a.revoked_at IS NULL
ORDER BY a.application_id <> %s LIMIT 2
"""
KEY_USED = "UPDATE access_apikey SET last_used_at = now() WHERE id = %s"
APPLICATION_USED = "UPDATE access_allowedapplication SET last_used_at = now() WHERE id = %s"
LOGGED = """
INSERT INTO access_accessentry (
    id, clinic_id, actor_kind, actor_id, role, on_behalf_of, action, object_type, object_ids, mode, reason, times,
    address, request_id)
VALUES (%s, %s, %s, %s, '', '', %s, %s, %s, %s, %s, %s, %s, '')
"""


class Partners:
    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        # Of their own: an issuer that hangs must not hold up what hands out files.
        self.checkers = ThreadPoolExecutor(2, "tokens")

    async def identify(self, scope: bodies.Scope) -> ApiKey | AllowedApplication:
        """The program that the `Authorization` header proves, if it may post.

        Raises Refused, issuers.Unreachable, Unavailable.
        """
        token = bearer.token(bodies.header(scope, b"authorization"))
        if token is None:
            raise Refused("malformed", "Send an API key or a token of a trusted issuer, as Authorization: Bearer ...")
        program = await (self._application(token) if tokens.looks_like_one(token) else self._key(token))
        if not programs.may(program, Scope.CALLBACKS_WRITE):
            raise ScopeMissing(Scope.CALLBACKS_WRITE, program)
        if programs.was_not_seen_lately(program):
            await self.inbox.rows(KEY_USED if isinstance(program, ApiKey) else APPLICATION_USED, program.pk)
        return program

    async def _key(self, token: str) -> ApiKey:
        presented = programs.read_key(token)
        rows = await self.inbox.rows(KEY, presented.prefix)
        return programs.judge_key(presented, ApiKey(**rows[0]) if rows else None)

    async def _application(self, text: str) -> AllowedApplication:
        token = programs.read(text)
        if trust.wants_news(token.issuer):
            trust.renew([row["url"] for row in await self.inbox.rows(ISSUERS)])
        claims = await asyncio.get_running_loop().run_in_executor(self.checkers, programs.verify, token)
        rows = await self.inbox.rows(APPLICATIONS, claims.issuer, list(claims.audiences), claims.application_id)
        named = [AllowedApplication(**row) for row in rows if row["application_id"] == claims.application_id]
        return programs.choose(named, is_for_us=bool(rows))

    async def refused(self, refusal: Refused, address: str | None) -> None:
        """Into the log, and into the access log what access.refusals wants there. Raises Unavailable."""
        who, clinic_id = refusals.subject(refusal, address)
        for one, times in refusals.due(who, refusal.code, clinic_id):
            actor = Actor(one.kind, one.actor, one.address)
            await self.logged(actor, Action.REFUSED, one.clinic_id, reason=one.code, times=times)

    async def logged(
        self, who: Actor, action: str, clinic_id: UUID | None, of: str = "", ids: Sequence[str] = (), **facts: Any
    ) -> None:
        """access.log.note, on the door's connections. Raises Unavailable."""
        told = (facts.get("mode", ""), facts.get("reason", ""), facts.get("times", 1))
        row = (uuid7(), clinic_id, who.kind, who.id, action, of, list(ids), *told, who.address)
        await self.inbox.rows(LOGGED, *row)
