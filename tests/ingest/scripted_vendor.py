"""A vendor that is streamed to and asked for answers, and does as a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    Result,
    Section,
    Submitted,
    Tokens,
    Unreadable,
    Vendor,
    Wish,
)
from vendors.outbound import Outbound


@dataclass
class Script:
    """`submits`: what handing a job over does. `answers`: what is said when it is asked, one after the other; the last
    stays. An answer that is an exception is raised."""

    submits: Callable[[Job, Progress], Submitted] = lambda job, progress: Submitted("session-1")
    answers: list[Any] = field(default_factory=lambda: [()])
    asked: list[Held] = field(default_factory=list)
    closed: list[tuple[Held, Kind]] = field(default_factory=list)


class ScriptedVendor(Vendor):
    name: ClassVar[str] = "scripted"
    title: ClassVar[str] = "Scripted"
    default_base_url: ClassVar[str] = "https://scripted.example"
    answers_once: ClassVar[bool] = False
    signs_webhooks: ClassVar[bool] = True
    kinds: ClassVar[frozenset[str]] = frozenset({"ambient", "dictation"})
    takes_audio: ClassVar[Literal["link", "stream"]] = "stream"
    is_polled: ClassVar[bool] = True
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
            return Notice(said["notice"], said.get("problem", ""))
        if "failure" in said:
            return Result(ref=said["ref"], failure=Failure("skipped", said["failure"], retryable=False))
        lines = (Line(said["text"], "doctor", None, None),)
        return Result(
            ref=said["ref"], transcript=lines, note=NoteText("Visit", (Section("PLAN", "Plan", said["text"]),))
        )

    def submit(self, job: Job, progress: Progress) -> Submitted:
        return self.script.submits(job, progress)

    def poll(self, held: Held) -> Sequence[bytes]:
        self.script.asked.append(held)
        answer = self.script.answers.pop(0) if len(self.script.answers) > 1 else self.script.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    def close(self, held: Held, *, kind: Kind) -> None:
        self.script.closed.append((held, kind))


def said(text: str, ref: str = "session-1", **more: Any) -> bytes:
    return json.dumps({"text": text, "ref": ref, **more}).encode()


def notice(ref: str = "session-1", **more: Any) -> bytes:
    return json.dumps({"notice": ref, **more}).encode()
