"""Partner systems at the door: which program posts. Asked in plain SQL, on the door's own connections.

What proves a program is decided where REST decides it (access.programs); only the asking differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString
from uuid import UUID

from access import bearer, log, programs, tokens
from access.log import Actor
from access.models import AllowedApplication, ApiKey, Scope
from access.programs import Refused, ScopeMissing, trust
from access.tokens import Claims, Token
from config import bodies
from ingest.connections import Connections

KEY = """
SELECT id, clinic_id, scopes, digest, expires_at, retires_at, revoked_at, last_used_at
FROM access_apikey WHERE prefix = %s
"""
ISSUERS = "SELECT url FROM access_trustedissuer WHERE is_trusted"
APPLICATIONS = """
SELECT a.id, a.clinic_id, a.scopes, a.expires_at, a.revoked_at, a.last_used_at, a.application_id
FROM access_allowedapplication a JOIN access_trustedissuer i ON i.id = a.issuer_id
WHERE i.url = %s AND i.is_trusted AND a.audience = ANY(%s)
ORDER BY a.application_id <> %s, a.revoked_at IS NOT NULL, a.revoked_at DESC LIMIT 2
"""
STALE = "id = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')"
KEY_USED: LiteralString = f"UPDATE access_apikey SET last_used_at = now() WHERE {STALE}"  # noqa: S608
APPLICATION_USED: LiteralString = f"UPDATE access_allowedapplication SET last_used_at = now() WHERE {STALE}"  # noqa: S608


class Partners:
    def __init__(self, connections: Connections) -> None:
        self.connections = connections
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
            await self.connections.rows(KEY_USED if isinstance(program, ApiKey) else APPLICATION_USED, program.pk)
        return program

    async def _key(self, token: str) -> ApiKey:
        presented = programs.read_key(token)
        rows = await self.connections.rows(KEY, presented.prefix)
        return programs.judge_key(presented, ApiKey(**rows[0]) if rows else None)

    async def _application(self, text: str) -> AllowedApplication:
        token = programs.read(text)
        if trust.wants_news(token.issuer):
            trust.renew([row["url"] for row in await self.connections.rows(ISSUERS)])
        claims = await self._verified(token)
        rows = await self.connections.rows(APPLICATIONS, claims.issuer, list(claims.audiences), claims.application_id)
        named = [AllowedApplication(**row) for row in rows if row["application_id"] == claims.application_id]
        return programs.choose(named, lambda: {row["clinic_id"] for row in rows})

    async def _verified(self, token: Token) -> Claims:
        """At once where the token's key is at hand: tokens that make us ask their issuer wait for each other alone."""
        if token.issuer not in trust or tokens.issuer_of(token).holds(token.key_id, token.algorithm):
            return programs.verify(token)
        return await asyncio.get_running_loop().run_in_executor(self.checkers, programs.verify, token)

    async def logged(self, who: Actor, action: str, clinic_id: UUID, of: str, ids: Sequence[str], mode: str) -> None:
        """access.log.note, on the door's connections. Raises Unavailable."""
        await self.connections.rows(log.INSERT, *log.row(who, action, clinic_id, of, ids, mode=mode))
