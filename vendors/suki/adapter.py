"""Suki, joined to the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Literal

from vendors.base import (
    Account,
    Held,
    Job,
    Kind,
    Notice,
    Problem,
    Progress,
    RecordingLinks,
    Result,
    Submitted,
    Tokens,
    Vendor,
    VendorError,
    Wish,
)
from vendors.outbound import Outbound
from vendors.signing import Signature
from vendors.suki import answers, partner, rules, streaming, webhooks
from vendors.suki.access import Access
from vendors.suki.client import Client
from vendors.suki.partner import Partner
from vendors.suki.streaming import Patience, Tape


class SukiVendor(Vendor):
    """Suki's ambient sessions and dictations: audio by WebSocket, answers by asking, webhooks that say when to ask.

    Of an account's options it reads `pace`, "real_time" or "fast" (as fast as the connection takes it), and
    `streaming_url`, where WebSockets are opened at another address than the base URL.
    """

    name: ClassVar[str] = "suki"
    title: ClassVar[str] = "Suki"
    default_base_url: ClassVar[str] = "https://sdp.suki.ai"
    answers_once: ClassVar[bool] = False
    signs_webhooks: ClassVar[bool] = True
    announces: ClassVar[bool] = True
    kinds: ClassVar[frozenset[str]] = frozenset({"ambient", "dictation"})
    takes_audio: ClassVar[Literal["link", "stream"]] = "stream"
    takes_several: ClassVar[frozenset[str]] = frozenset({"dictation"})
    opens_sessions: ClassVar[bool] = True
    polled: ClassVar[frozenset[str]] = frozenset({"ambient"})
    keeps_recordings: ClassVar[frozenset[str]] = frozenset({"ambient"})
    recordings_kept: ClassVar[timedelta] = timedelta(days=7)
    patience: ClassVar[Patience] = Patience()

    def __init__(self, account: Account, outbound: Outbound, tokens: Tokens) -> None:
        self._account = account
        self._outbound = outbound
        self._tokens = tokens

    @classmethod
    def check_credentials(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """`partner_id`, with `partner_token` or with `partner_key` and `partner_claims`; the rest may be left out."""
        return partner.check(credentials)

    @classmethod
    def check(cls, wish: Wish) -> Sequence[Problem]:
        """Why Suki could not grant the wish; empty when it can."""
        return rules.check(wish)

    @classmethod
    def partner(cls, credentials: Mapping[str, Any]) -> str:
        """The partner id: a partner has one address for webhooks, whichever of its clinics a session is of."""
        return Partner.of(credentials, "").id

    @classmethod
    def parse(cls, body: bytes) -> Result | Notice:
        """What `poll` and `submit` brought, or a webhook. Raises Unreadable."""
        return answers.parse(body)

    @classmethod
    def read_proof(cls, headers: Mapping[str, str], query: str, now: datetime) -> Signature:
        """What the two headers of a webhook offer, made at most 5 minutes ago. Raises Rejected."""
        return webhooks.read_signature(headers, now)

    @classmethod
    def webhook_secrets(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """The account's `webhook_secrets`; none where they were left out."""
        secrets = credentials.get("webhook_secrets")
        return secrets if isinstance(secrets, list) else []

    @classmethod
    def event_id(cls, headers: Mapping[str, str], body: bytes) -> str | None:
        """Suki names none: the same body of the same moment is the same event."""
        return webhooks.event_id(headers, body)

    def submit(self, job: Job, progress: Progress) -> Submitted:
        """Make the session, stream the audio, end the session; a dictation is answered by that. Raises VendorError."""
        if not job.sounds:
            raise VendorError("There is no audio to stream: upload it.", permanent=True, code="no_audio")
        if job.wish.kind == "dictation":
            return self._dictate(job, progress)
        return self._stream(job, progress)

    def poll(self, held: Held) -> Sequence[bytes]:
        """Of an ambient session: nothing while Suki is at work, then one body with all that it wrote."""
        return self._client(held.clinician_ref).answers(held.ref, held.wanted)

    def recordings(self, held: Held, *, download: bool) -> RecordingLinks:
        """Links for playing last 15 minutes, or the session's length and 10 minutes more; those for saving an hour."""
        return self._client(held.clinician_ref).recordings(held.ref, download=download)

    def close(self, held: Held, *, kind: Kind) -> None:
        """Ends a session that nobody streams to any more; one that Suki does not know is as good."""
        client = self._client(held.clinician_ref)
        try:
            (client.end_dictation if kind == "dictation" else client.end_ambient)(held.ref)
        except VendorError as error:
            if error.code != "session_missing":
                raise

    def _stream(self, job: Job, progress: Progress) -> Submitted:
        client = self._client(job.clinician_ref)
        ref = progress.ref or client.create_ambient(job)
        progress.opened(ref)
        (tape,) = self._tapes(job, progress)
        if not progress.sent_ms:
            client.give_context(ref, job, Partner.of(self._account.credentials, "").specialty)
        open_line = partial(client.open_stream, ref, seconds=tape.longest_seconds)
        with closing(tape):
            streaming.stream(tape, open_line, self.patience, job.started_at or datetime.now(UTC))
        client.end_ambient(ref)
        return Submitted(ref)

    def _dictate(self, job: Job, progress: Progress) -> Submitted:
        client = self._client(job.clinician_ref)
        ref = progress.ref or client.create_dictation(job, job.sounds[0].speech)
        progress.opened(ref)
        for tape in self._tapes(job, progress):
            open_line = partial(client.open_dictation, ref, seconds=tape.longest_seconds)
            with closing(tape):
                streaming.dictate(tape, open_line, self.patience)
        end = client.end_dictation(ref)
        return Submitted(ref, answers.dictated(ref, end, progress.finals()))

    def _tapes(self, job: Job, progress: Progress) -> Iterator[Tape]:
        in_real_time = self._account.options.get("pace") != "fast"
        begins_ms = 0
        for sound in job.sounds:
            yield Tape(sound, progress, begins_ms=begins_ms, in_real_time=in_real_time)
            begins_ms += sound.duration_ms

    def _client(self, clinician_ref: str) -> Client:
        asking = Partner.of(self._account.credentials, clinician_ref)
        return Client(Access(self._account, self._outbound, self._tokens, asking))
