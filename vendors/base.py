"""What a scribe vendor is to Listenpost: the protocol, the types that cross it, the one error that leaves an adapter.

Nothing here, nor in any adapter, knows a database, Django or another vendor. Times are integers in milliseconds
from the start of the audio; texts are `str` without U+0000 and without lone surrogates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from vendors.outbound import Outbound
    from vendors.signing import Signature

TRANSCRIPT = "transcript_item"
NOTE = "note"


class VendorError(Exception):
    """A vendor could not be asked, or refused.

    `message` is plain words for staff and is stored and logged: it never repeats what the vendor wrote, a URL
    or a token.
    `permanent`: asking again the same way cannot help. `retry_after`: seconds the vendor asked us to wait.
    `unanswered`: the vendor may have received the request, but its answer never came.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        code: str = "vendor_error",
        retry_after: float | None = None,
        unanswered: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.permanent = permanent
        self.retry_after = retry_after
        self.unanswered = unanswered


class Unreadable(Exception):
    """A body that no answer of this vendor looks like. The text names the place, never what stood there."""


class Rejected(Exception):
    """A webhook whose origin is not proven. `code`, which is also the text, is for logs and metrics."""

    def __init__(
        self, code: Literal["signature_missing", "signature_malformed", "signature_stale", "signature_wrong"]
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
    """What is wanted of a vendor for one audio. `duration_ms` is None when no audio is sent by us."""

    output_objects: tuple[str, ...]
    language: str
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
class Job:
    """One submission, ready to send. Both URLs carry tickets: they are secrets.

    `unanswered_before`: an earlier try under the same `client_request_id` may have reached the vendor.
    """

    client_request_id: str
    wish: Wish
    file_url: str = field(repr=False)
    callback_url: str = field(repr=False)
    unanswered_before: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """The vendor has it. `ref` is the vendor's own id for it, None where it named none."""

    ref: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One stretch of a transcript. `speaker` is an open string; offsets are None where the vendor gave none."""

    text: str
    speaker: str
    start_offset_ms: int | None
    end_offset_ms: int | None


@dataclass(frozen=True, slots=True)
class Section:
    key: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class NoteText:
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """The vendor's own refusal of a job it had accepted. `message` is our plain sentence for `code`."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Result:
    """An answer, normalised. Either `failure` is set, or it is a success with whatever the vendor sent of the rest."""

    client_request_id: str | None = None
    ref: str | None = None
    transcript: tuple[Line, ...] | None = None
    note: NoteText | None = None
    failure: Failure | None = None


class Vendor(Protocol):
    """One scribe vendor. Class methods need no account: they only read and judge."""

    name: ClassVar[str]
    title: ClassVar[str]
    default_base_url: ClassVar[str]
    #: True where a submission gets one answer only: a second, different success is then a conflict, not a revision.
    answers_once: ClassVar[bool]
    #: Whether its webhooks come to an account's address, signed.
    signs_webhooks: ClassVar[bool]

    def __init__(self, account: Account, outbound: Outbound) -> None: ...

    @classmethod
    def check_credentials(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """Sentences that say what is wrong with these credentials; empty when they can be used."""

    @classmethod
    def check(cls, wish: Wish) -> Sequence[Problem]:
        """Why this vendor could not grant the wish; empty when it can. Asked before anything is stored or sent."""

    @classmethod
    def parse(cls, body: bytes) -> Result:
        """One answer, normalised. Raises Unreadable."""

    @classmethod
    def read_signature(cls, headers: Mapping[str, str], now: datetime) -> Signature:
        """What a webhook's sender offers as proof, from the headers alone: asked before the body is read.

        `headers`: names in lower case; a repeated one comes joined by a comma. `now` knows its time zone.
        Raises Rejected for what cannot hold whatever the body is: missing, malformed, more than 60 s old or ahead.
        """

    @classmethod
    def webhook_secrets(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """The secrets any of which may have signed a webhook of this account; none where it expects no webhooks."""

    @classmethod
    def event_id(cls, body: bytes) -> str | None:
        """The vendor's own id of the event in a proven body; None where it names none. Raises nothing.

        At most 200 characters, without U+0000 and lone surrogates. The same id is the same event, whatever else
        differs.
        """

    def submit(self, job: Job) -> Submitted:
        """Hand over one job. Idempotent by `job.client_request_id`. Raises VendorError."""
