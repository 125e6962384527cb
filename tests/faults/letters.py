"""Callbacks as vendors and partner systems write them, each for a request of its own."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4

from access.models import Clinic
from ingest import tickets
from ingest.models import Submission
from tests.factories import SubmissionFactory, VendorAccountFactory
from tests.rest.api import a_key

LINES, SECTIONS = 20, ("ASSESSMENT", "PLAN", "VITALS")


@dataclass
class Letter:
    """One callback. `said`: what each delivery of it was answered, None where no answer came.

    One that is not `repeated` is sent once, like a vendor's that never tries again. `secret`: what it is signed with.
    """

    request: UUID
    title: str
    path: str = field(repr=False)
    body: bytes = field(repr=False)
    proof: dict[str, str] = field(repr=False, default_factory=dict)
    secret: str = field(repr=False, default="")
    repeated: bool = True
    said: list[int | None] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        """Whether its sender was told so."""
        return 200 in self.said

    def headers(self, now: datetime | None = None) -> dict[str, str]:
        """As they are sent now, or by a clock that says something else."""
        signed = signature(self.secret, self.body, now or datetime.now(UTC)) if self.secret else {}
        return {"Content-Type": "application/json"} | self.proof | signed


def signature(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    """Nabla's, of its later webhooks."""
    at = now.isoformat()
    digest = hmac.new(secret.encode(), at.encode() + body, "sha256").hexdigest()
    return {"X-Nabla-Webhook-Timestamp": at, "X-Nabla-Webhook-Signature": digest}


def result(client_request_id: str, characters: int) -> dict[str, Any]:
    """Says something else in each line, which no compression makes smaller than half."""
    lines = [
        {"text": token_hex(characters // 2), "speaker": "patient", "start_offset_ms": n * 2000, "end_offset_ms": None}
        for n in range(LINES)
    ]
    sections = [{"key": key, "title": key.title(), "text": f"{client_request_id} {key}"} for key in SECTIONS]
    return {"transcript": lines, "note": {"title": client_request_id, "sections": sections}}


def envelope(client_request_id: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The form of the later webhooks."""
    data = {"id": str(uuid4()), "client_request_id": client_request_id, "status": "succeeded", "payload": payload}
    at = datetime.now(UTC).isoformat()
    return {"id": str(uuid4()), "created_at": at, "type": "generate_note_async.succeeded", "data": data}


class Post:
    """Writes the callbacks of one clinic's requests, which another system made."""

    ELSEWHERE = {"waiting": True, "submitted_elsewhere": True, "audio": None, "account": None}

    def __init__(self, clinic: Clinic, characters: int = 40) -> None:
        self.clinic, self.characters, self.secret = clinic, characters, token_hex(16)
        self.partner = {"Authorization": f"Bearer {a_key(clinic, 'callbacks:write')}"}
        credentials = {"server_key": "key", "webhook_secrets": [self.secret]}
        self.account = VendorAccountFactory(clinic=clinic, credentials=credentials)

    def submission(self) -> Submission:
        wish = {f"request__{name}": value for name, value in self.ELSEWHERE.items()}
        return SubmissionFactory(request__session__clinic=self.clinic, **wish)

    def ticketed(self) -> Letter:
        to, path = self.submission(), "/callbacks/nabla/"
        name, body = to.client_request_id, self.result(to)
        return Letter(to.request_id, name, path + tickets.for_callback(to.pk), json.dumps(body).encode())

    def posted(self) -> Letter:
        to = self.submission()
        name, body = to.client_request_id, self.result(to)
        return Letter(to.request_id, name, "/callbacks/nabla", json.dumps(body).encode(), self.partner)

    def signed(self) -> Letter:
        to, path = self.submission(), f"/callbacks/nabla/accounts/{self.account.pk}"
        name, body = to.client_request_id, envelope(to.client_request_id, self.result(to))
        return Letter(to.request_id, name, path, json.dumps(body).encode(), secret=self.secret)

    def result(self, to: Submission) -> dict[str, Any]:
        name = to.client_request_id
        return {"client_request_id": name} | result(name, self.characters)


def letters(clinic: Clinic, count: int, *, unrepeated: bool = True, characters: int = 40) -> list[Letter]:
    """Of all three ways to the door, half of them by ticket; every fifth is sent only once, unless all are repeated."""
    post = Post(clinic, characters)
    ways = [post.ticketed, post.posted, post.ticketed, post.signed]
    written = [ways[number % len(ways)]() for number in range(count)]
    for letter in written[::5]:
        letter.repeated = not unrepeated
    return written
