"""What a scribe vendor is to Listenpost: the protocol, the types that cross it, the one error that leaves an adapter.

Nothing here, nor in any adapter, knows a database, Django or another vendor. Times are integers in milliseconds
from the start of the audio; texts are `str` without U+0000 and without lone surrogates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from vendors.outbound import Outbound

TRANSCRIPT = "transcript_item"
NOTE = "note"

#: Of a session: "ambient" or "dictation".
Kind = str


class VendorError(Exception):
    """A vendor could not be asked, or refused.

    `message` is plain words for staff and is stored and logged: it never repeats what the vendor wrote, a URL
    or a token.
    `permanent`: asking again the same way cannot help. `retry_after`: seconds the vendor asked us to wait.
    `unanswered`: the vendor may have received the request, but its answer never came.
    `call_id`: what the vendor's support finds the call by.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        code: str = "vendor_error",
        retry_after: float | None = None,
        unanswered: bool = False,
        call_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.permanent = permanent
        self.retry_after = retry_after
        self.unanswered = unanswered
        self.call_id = call_id


class Unreadable(Exception):
    """A body that no answer of this vendor looks like. The text names the place, never what stood there."""


class Rejected(Exception):
    """A webhook whose origin is not proven. `code`, which is also the text, is for logs and metrics."""

    def __init__(
        self,
        code: Literal[
            "signature_missing",
            "signature_malformed",
            "signature_stale",
            "signature_wrong",
            "access_token_missing",
            "access_token_wrong",
        ],
    ) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Account:
    """A clinic's way into one vendor: where, with which secrets, the vendor's own options (region, transport ...)."""

    base_url: str
    credentials: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a vendor. `duration_ms`: of all audio that is sent, None where none is sent by us."""

    output_objects: tuple[str, ...]
    language: str
    kind: Kind = field(default="ambient", kw_only=True)
    note_template: str = "GENERAL_MEDICINE"
    section_style: str = "auto"
    split_by_sentence: bool = False
    split_by_problem: bool = False
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a wish cannot be granted: the field of the request, a stable code, a sentence for its author."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Speech:
    """How streamed audio is encoded: one value for a session's set-up and for each of its frames. Always mono."""

    language: str
    encoding: str = "LINEAR16"
    sample_rate_hertz: int = 16_000

    @property
    def bytes_per_second(self) -> int:
        return 2 * self.sample_rate_hertz


class Sound(Protocol):
    """An audio as it is sent to a vendor: decoded, or as it was stored. `size`: of what is stored, in bytes."""

    speech: Speech
    duration_ms: int
    content_type: str
    size: int

    def frames(self, start_ms: int) -> Iterator[bytes]:
        """From there to its end: 100 ms each, the last may be shorter. Raises VendorError where it cannot be read."""

    def stored(self, start: int) -> Iterator[bytes]:
        """Its stored bytes, from that one to the last, some at a time. Raises VendorError where they are gone."""


class Superseded(Exception):
    """Whoever is at a job may not go on: another worker has it now, or nobody wants it any more."""


class Progress(Protocol):
    """How far a job has come; kept, so that another worker goes on where this one stopped.

    `ref`: the vendor's id of what an earlier try opened. `sent_ms`: of all its audio, one after the other.
    `heard_ms`: up to where the vendor has said all that it understood. `place`: where an earlier try of a vendor that
    confirms what it has stored came to, in its own terms; empty at first. Methods that tell something raise Superseded.
    """

    ref: str | None
    sent_ms: int
    heard_ms: int
    place: Mapping[str, int]

    def opened(self, ref: str) -> None:
        """The vendor has made the session: whatever follows belongs to it."""

    def sending(self, until_ms: int) -> None:
        """The audio up to there is handed over from now on. Told before: what is in doubt is not sent twice."""

    def reached(self, place: Mapping[str, int], until_ms: int) -> None:
        """The vendor has stored the audio up to there: whoever goes on, goes on from this place."""

    def broke(self) -> None:
        """The connection is gone, and with it perhaps some of what was sent last: staff are told where."""

    def heard(self, text: str, *, is_final: bool) -> None:
        """What a dictation was understood as: a final stays, anything else lasts until the next."""

    def heard_out(self, until_ms: int) -> None:
        """Of the audio up to there nothing more will be understood."""

    def finals(self) -> Sequence[str]:
        """All finals so far in their order, earlier tries' too."""


class Tokens(Protocol):
    """A vendor's short-lived tokens, shared by all processes and encrypted. `key` holds no secret."""

    def get(self, key: str) -> str | None: ...

    def put(self, key: str, token: str, seconds: float) -> None: ...

    def drop(self, key: str, token: str) -> None:
        """This token is no good. One that has come in its place stays."""


@dataclass(frozen=True, slots=True)
class Job:
    """One submission, ready to send. Both URLs carry tickets: they are secrets.

    `id` names it among all clinics', `client_request_id` within its own, where the clinic may have chosen it.
    `sounds`: the audio, for a vendor that takes a stream; several where it `takes_several`, in their order.
    The `*_ref`s are the clinic's own. `started_at`: of the consultation, where the clinic told.
    `unanswered_before`: an earlier try under the same `client_request_id` may have reached the vendor.
    """

    id: UUID
    client_request_id: str
    wish: Wish
    file_url: str = field(repr=False)
    callback_url: str = field(repr=False)
    unanswered_before: bool = False
    encounter_ref: str = ""
    clinician_ref: str = ""
    started_at: datetime | None = None
    sounds: tuple[Sound, ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """The vendor has it. `ref` is the vendor's own id for it, None where it named none.

    `answer`: where the vendor gave it at once, as the last word of a stream.
    `call_id`: what the vendor's support finds the last call by.
    """

    ref: str | None
    answer: bytes | None = field(default=None, repr=False)
    call_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Held:
    """What a vendor keeps for us: its own id of it, and the vendor's user that it is kept for.

    `wanted`: of what it writes, what is to be fetched.
    """

    ref: str
    clinician_ref: str = ""
    wanted: tuple[str, ...] = (TRANSCRIPT, NOTE)


@dataclass(frozen=True, slots=True)
class Link:
    """One part of a recording. `url` opens it for whoever has it, until `expires_at`."""

    recording_id: str
    url: str = field(repr=False)
    expires_at: datetime
    sequence_number: int


@dataclass(frozen=True, slots=True)
class RecordingLinks:
    """In the order of the parts. `is_streamable`: whether links for playing can be had; else only those for saving."""

    links: tuple[Link, ...]
    is_streamable: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One stretch of a transcript. `speaker` is an open string; offsets are None where the vendor gave none."""

    text: str
    speaker: str
    start_offset_ms: int | None
    end_offset_ms: int | None


@dataclass(frozen=True, slots=True)
class Section:
    """`sources`: the lines that its vendor says it was written from, by number from 0 in the answer's transcript."""

    key: str
    title: str
    text: str
    sources: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NoteText:
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """The vendor's own refusal of a job it had accepted. `message` is our plain sentence for `code`.

    `is_cancelled`: somebody gave the job up at the vendor.
    """

    code: str
    message: str
    retryable: bool
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """An answer, normalised. Either `failure` is set, or it is a success with whatever the vendor sent of the rest.

    `as_of`: when it became so at the vendor, where that is said: of two that differ, the later one counts.
    `is_supplement`: it stands beside what else comes of the same session, and is no later text of it.
    """

    client_request_id: str | None = None
    ref: str | None = None
    transcript: tuple[Line, ...] | None = None
    note: NoteText | None = None
    failure: Failure | None = None
    as_of: datetime | None = None
    is_supplement: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """The vendor says that something became of `ref`, without bringing it: `poll` asks, or `fetch` where it has a link.

    `problem`: what staff should know, in plain words, where the notice itself is out of the ordinary.
    `as_of`: when it happened, where that is said. `is_supplement`: of the result that it announces.
    """

    ref: str
    problem: str = ""
    link: str = field(default="", repr=False)
    as_of: datetime | None = None
    is_supplement: bool = False


class Proof(Protocol):
    """What the sender of a webhook offers as proof of who it is."""

    def verify(self, body: bytes, secrets: Sequence[str]) -> None:
        """Returns when one of the secrets proves it. Raises Rejected, also when there are no secrets."""


class Vendor(Protocol):
    """One scribe vendor. Class methods need no account: they only read and judge."""

    name: ClassVar[str]
    title: ClassVar[str]
    #: Where it is called, unless the account says otherwise; see also `home`.
    default_base_url: ClassVar[str]
    #: True where a submission gets one answer only: a second, different success is then a conflict, not a revision.
    answers_once: ClassVar[bool]
    #: Whether the parts of an answer come apart, in any order: until all are there, the request waits.
    answers_in_parts: ClassVar[bool] = False
    #: Whether its webhooks come to an account's address, and prove that they are the vendor's.
    signs_webhooks: ClassVar[bool]
    #: Whether these only say that there is something, which `poll` or `fetch` brings: a result in one is junk.
    announces: ClassVar[bool] = False
    #: Whether it has to be told where to send them, by `subscribe`.
    subscribes: ClassVar[bool] = False
    #: Whether it has to be told whose recording it is.
    needs_clinician: ClassVar[bool] = False
    #: Kinds of session that it writes up.
    kinds: ClassVar[frozenset[str]]
    #: By link it fetches `job.file_url`; by stream it is sent `job.sounds`, which may take as long as the audio lasts.
    takes_audio: ClassVar[Literal["link", "stream"]]
    #: Kinds of session of which one job may bring several audio files: a dictation by push-to-talk.
    takes_several: ClassVar[frozenset[str]] = frozenset()
    #: Whether a job makes something at it that `close` ends, where the job is abandoned.
    opens_sessions: ClassVar[bool] = False
    #: Kinds of session whose answers `poll` fetches.
    polled: ClassVar[frozenset[str]]
    #: Kinds of session that it has `recordings` of, and for how long from the session on.
    keeps_recordings: ClassVar[frozenset[str]]
    recordings_kept: ClassVar[timedelta] = timedelta(0)

    def __init__(self, account: Account, outbound: Outbound, tokens: Tokens) -> None: ...

    @classmethod
    def check_credentials(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """Sentences that say what is wrong with these credentials; empty when they can be used."""

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> Sequence[str]:
        """Sentences that say what is wrong with an account's options; empty when they go together."""
        return ()

    @classmethod
    def home(cls, options: Mapping[str, Any]) -> str:
        """Where an account with these options calls it, unless the account says otherwise."""
        return cls.default_base_url

    @classmethod
    def addresses(cls, account: Account) -> Sequence[str]:
        """All that an account's secrets may be sent to, whatever the vendor's answers say."""
        named = [account.base_url, account.options.get("partner_url"), account.options.get("streaming_url")]
        return [url for url in named if isinstance(url, str)]

    @classmethod
    def check(cls, wish: Wish) -> Sequence[Problem]:
        """Why this vendor could not grant the wish; empty when it can. Asked before anything is stored or sent."""

    @classmethod
    def partner(cls, credentials: Mapping[str, Any]) -> str:
        """Accounts with the same one share the vendor's webhooks; empty where each account has its own."""
        return ""

    @classmethod
    def parse(cls, body: bytes) -> Result | Notice:
        """One answer, normalised. Raises Unreadable."""

    @classmethod
    def read_proof(cls, headers: Mapping[str, str], query: str, now: datetime) -> Proof:
        """What a webhook's sender offers as proof, from the request's head alone: asked before the body is read.

        `headers`: names in lower case; a repeated one comes joined by a comma. `query`: of its address, as it came.
        `now` knows its time zone.
        Raises Rejected for what cannot hold whatever the body is: missing, malformed, too old or too far ahead.
        """

    @classmethod
    def webhook_secrets(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """The secrets any of which may have signed a webhook of this account; none where it expects no webhooks."""

    @classmethod
    def handshake(cls, headers: Mapping[str, str]) -> Mapping[str, str] | None:
        """The headers of the answer to OPTIONS, by which a sender asks whether it may send; None: it may not."""
        return None

    @classmethod
    def event_id(cls, headers: Mapping[str, str], body: bytes) -> str | None:
        """The vendor's own id of a proven event; None where it names none. Raises nothing.

        At most 200 characters, without U+0000 and lone surrogates. The same id is the same event, whatever else
        differs.
        """

    def submit(self, job: Job, progress: Progress) -> Submitted:
        """Hand over one job. Idempotent by `job.id`, and goes on from `progress`.

        Raises VendorError, and Superseded.
        """

    def poll(self, held: Held) -> Sequence[bytes]:
        """Answers for `parse`, made of whatever the vendor has to be asked for; none while it is at work.

        Raises VendorError.
        """
        return ()

    def fetch(self, notice: Notice) -> Sequence[bytes]:
        """What is behind a notice's link, for `parse`. Raises VendorError."""
        return ()

    def subscribe(self, webhook_url: str) -> None:
        """From now on its webhooks come to this address, in place of any before. Raises VendorError."""
        raise VendorError(
            f"{self.title} cannot be told where to send webhooks.", permanent=True, code="no_subscription"
        )

    def recordings(self, held: Held, *, download: bool) -> RecordingLinks:
        """Fresh links to the parts of the original recording, for playing or for saving.

        Raises VendorError: `recording_pending` while the vendor is processing it, `recording_gone`, permanent, when it
        has deleted it.
        """
        raise VendorError(
            f"{self.title} keeps no recordings: nothing needs to be done.", permanent=True, code="no_recordings"
        )

    def close(self, held: Held, *, kind: Kind) -> None:
        """Ends what an abandoned job has left open at the vendor; nothing where that has ended already.

        Raises VendorError.
        """
        return
