"""Vendors that are streamed to, and asked for answers or say where these are, and do as a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from vendors.base import (
    Account,
    Failure,
    Held,
    Job,
    Kind,
    Line,
    NoteText,
    Notice,
    Problem,
    Progress,
    Proof,
    Result,
    Section,
    Submitted,
    Tokens,
    Unreadable,
    Vendor,
    Wish,
)
from vendors.outbound import Outbound
from vendors.signing import read_access_token


@dataclass
class Script:
    """`submits`: what handing a job over does. `answers`: what is said when it is asked, or is behind a link, one after
    the other; the last stays. An answer that is an exception is raised."""

    submits: Callable[[Job, Progress], Submitted] = lambda job, progress: Submitted("session-1")
    answers: list[Any] = field(default_factory=lambda: [()])
    asked: list[Held] = field(default_factory=list)
    fetched: list[Notice] = field(default_factory=list)
    closed: list[tuple[Held, Kind]] = field(default_factory=list)

    def answer(self) -> Sequence[bytes]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return list(answer)


class ScriptedVendor(Vendor):
    name: ClassVar[str] = "scripted"
    title: ClassVar[str] = "Scripted"
    default_base_url: ClassVar[str] = "https://scripted.example"
    answers_once: ClassVar[bool] = False
    signs_webhooks: ClassVar[bool] = True
    announces: ClassVar[bool] = True
    kinds: ClassVar[frozenset[str]] = frozenset({"ambient", "dictation"})
    takes_audio: ClassVar[Literal["link", "stream"]] = "stream"
    polled: ClassVar[frozenset[str]] = frozenset({"ambient"})
    keeps_recordings: ClassVar[frozenset[str]] = frozenset()
    script: ClassVar[Script] = Script()

    def __init__(self, account: Account, outbound: Outbound, tokens: Tokens) -> None:
        """Nothing is sent anywhere."""

    @classmethod
    def check_credentials(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        return []

    @classmethod
    def partner(cls, credentials: Mapping[str, Any]) -> str:
        return str(credentials.get("partner_id", ""))

    @classmethod
    def check(cls, wish: Wish) -> Sequence[Problem]:
        return []

    @classmethod
    def webhook_secrets(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        return []

    @classmethod
    def event_id(cls, headers: Mapping[str, str], body: bytes) -> str | None:
        return None

    @classmethod
    def parse(cls, body: bytes) -> Result | Notice:
        try:
            said = json.loads(body)
        except ValueError:
            raise Unreadable("body: not JSON") from None
        if "notice" in said:
            return Notice(said["notice"], said.get("problem", ""), said.get("link", ""))
        if "failure" in said:
            given_up = said.get("cancelled", False)
            return Result(ref=said["ref"], failure=Failure("skipped", said["failure"], False, given_up))
        return Result(
            ref=said["ref"],
            transcript=transcript(said.get("transcript", said.get("text"))),
            note=note(said.get("note", said.get("text"))),
            as_of=datetime.fromisoformat(said["as_of"]) if "as_of" in said else None,
            is_supplement="supplement" in said,
        )

    def submit(self, job: Job, progress: Progress) -> Submitted:
        return self.script.submits(job, progress)

    def poll(self, held: Held) -> Sequence[bytes]:
        self.script.asked.append(held)
        return self.script.answer()

    def fetch(self, notice: Notice) -> Sequence[bytes]:
        self.script.fetched.append(notice)
        return self.script.answer()

    def close(self, held: Held, *, kind: Kind) -> None:
        self.script.closed.append((held, kind))


class ExchangeVendor(ScriptedVendor):
    """One whose webhooks prove themselves by a token in their address, and say where a part of the answer is."""

    name: ClassVar[str] = "exchange"
    title: ClassVar[str] = "Exchange"
    answers_in_parts: ClassVar[bool] = True
    polled: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def read_proof(cls, headers: Mapping[str, str], query: str, now: datetime) -> Proof:
        return read_access_token(query)

    @classmethod
    def webhook_secrets(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        return [credentials["access_token"]]

    @classmethod
    def handshake(cls, headers: Mapping[str, str]) -> Mapping[str, str] | None:
        origin = headers.get("webhook-request-origin")
        return {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"} if origin else {}


def transcript(text: str | None) -> tuple[Line, ...] | None:
    return None if text is None else (Line(text, "doctor", None, None),)


def note(text: str | None) -> NoteText | None:
    """An empty text: a note of no sections."""
    if text is None:
        return None
    return NoteText("Visit", (Section("PLAN", "Plan", text),) if text else ())


def said(text: str, ref: str = "session-1", **more: Any) -> bytes:
    return json.dumps({"text": text, "ref": ref, **more}).encode()


def part(ref: str = "session-1", **brought: str) -> bytes:
    """`transcript`, `note`, or both; `as_of`: in ISO 8601; `supplement`: it is one."""
    return json.dumps({"ref": ref, **brought}).encode()


def notice(ref: str = "session-1", **more: Any) -> bytes:
    return json.dumps({"notice": ref, **more}).encode()
