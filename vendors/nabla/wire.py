"""Nabla's `listen_async` in bytes and types, with no I/O.

Source: Nabla's server API reference, version 2024-04-22, `POST /listen_async`, and for the signed envelope the
webhooks of its versions from 2024-10-01 on.
"""

from __future__ import annotations

import re
from typing import NotRequired, TypedDict

from vendors.base import Failure, Job, Line, NoteText, Result, Section, Unreadable
from vendors.nabla.rules import full_language
from vendors.reading import Fields, read_object

API_VERSION = "2024-04-22"
RATE_LIMITED = 85000

MOST_LINES = 20_000
MOST_SECTIONS = 1_000
LONGEST_ID = 128

TOO_SHORT = (
    "Nabla could not write a note: the transcript is too short. Check that the whole consultation was recorded, "
    "or ask for the transcript alone."
)
NOBODY_KNOWS = "If it ends so again, tell the operator, who can ask Nabla"
#: What the error codes of a callback mean and what to do. A refused submit has its own words, in `client`.
ERROR_WORDS = {
    422: TOO_SHORT,
    83005: TOO_SHORT,
    83006: "Nabla found no medical content in the recording. Check that it is the recording of this consultation.",
    83014: "Nabla refused the settings of the note: check the template, the language and the section style.",
    RATE_LIMITED: "Nabla had too many requests from this account at once. Wait a few minutes.",
    50025: "An access token of Nabla's own had expired while it was at work. Nothing needs to be put right here.",
}
RETRYABLE_CODES = frozenset({429, RATE_LIMITED, 50025, *range(500, 600)})

#: How an envelope's `type` ends the job. Its `status` is not documented and not read.
ENVELOPE_SUCCEEDED = {
    "generate_note_async.succeeded": True,
    "generate_note_async.failed": False,
    "transcribe_async.succeeded": True,
    "transcribe_async.failed": False,
}


class SubmitBody(TypedDict):
    """`POST {base}/listen_async`, the request."""

    output_objects: list[str]
    language: str
    split_by_sentence: bool
    section_style: str
    split_by_problem: bool
    note_template: str
    file_url: str
    callback_url: str
    client_request_id: str


class TranscriptItem(TypedDict):
    text: str
    speaker: NotRequired[str]
    start_offset_ms: NotRequired[int]
    end_offset_ms: NotRequired[int]


class NoteSection(TypedDict):
    key: str
    title: NotRequired[str]
    text: str


class Note(TypedDict):
    title: NotRequired[str]
    sections: list[NoteSection]


class CallbackBody(TypedDict):
    """`listen_async`, the callback: `error_code` marks a failure, anything else is a success."""

    request_id: NotRequired[str]
    client_request_id: NotRequired[str]
    transcript: NotRequired[list[TranscriptItem] | None]
    note: NotRequired[Note | None]
    error_code: NotRequired[int]
    error_message: NotRequired[str]


def submit_body(job: Job) -> SubmitBody:
    """What to send for `job`. Defaults are sent too, so that a change of Nabla's defaults changes nothing here."""
    wish = job.wish
    return {
        "output_objects": list(wish.output_objects),
        "language": full_language(wish.language),
        "split_by_sentence": wish.split_by_sentence,
        "section_style": wish.section_style,
        "split_by_problem": wish.split_by_problem,
        "note_template": wish.note_template,
        "file_url": job.file_url,
        "callback_url": job.callback_url,
        "client_request_id": job.client_request_id,
    }


def read_ref(body: bytes) -> str | None:
    """The `request_id` of the answer to a submit, as it came; None where it cannot be read: the job is accepted."""
    try:
        return _ref(read_object(body), "request_id")
    except Unreadable:
        return None


def read_error_code(body: bytes) -> int | None:
    """The `code` of an HTTP error's body, None when it has none."""
    try:
        code = read_object(body).value("code")
    except Unreadable:
        return None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def parse(body: bytes) -> Result:
    """An answer of either form: a plain `listen_async` callback, or the later webhooks' envelope.

    Both forms hold at most 20,000 transcript items, 1,000 sections and 1,000,000 characters a text. An envelope's
    `payload` is read like a plain callback (our reading of the reference). Raises Unreadable.
    """
    answer = read_object(body)
    return _parse_envelope(answer) if is_envelope(answer) else _parse_plain(answer)


def is_envelope(answer: Fields) -> bool:
    """Whether it has the form of the later webhooks, whatever they tell."""
    return answer.has("type") and answer.has("data")


def _parse_plain(answer: Fields) -> Result:
    result = _outcome(answer, ref=_ref(answer, "request_id"), client_request_id=_client_request_id(answer))
    if result == Result():
        raise Unreadable("no transcript, note, error or id")
    return result


def _parse_envelope(envelope: Fields) -> Result:
    succeeded = ENVELOPE_SUCCEEDED.get(envelope.text("type"))
    if succeeded is None:
        raise Unreadable("type: none that is known")
    data = envelope.object("data") or Fields({}, "data")
    payload = data.object("payload") or Fields({}, "data.payload")
    ref, client_request_id = _ref(data, "id"), _client_request_id(data)
    if not succeeded:
        return Result(client_request_id, ref, failure=_failure(payload.value("error_code")))
    result = _outcome(payload, ref=ref, client_request_id=client_request_id)
    if result == Result():
        raise Unreadable("data: no transcript, note, error or id")
    return result


def _outcome(answer: Fields, *, ref: str | None, client_request_id: str | None) -> Result:
    if answer.has("error_code"):
        return Result(client_request_id, ref, failure=_failure(answer.value("error_code")))
    return Result(client_request_id, ref, transcript=_transcript(answer), note=_note(answer))


def _ref(answer: Fields, name: str) -> str | None:
    # An odd one is no reason to lose a note: the ticket and the client_request_id say whose answer it is.
    return answer.text_or_none(name, most=LONGEST_ID) or None


def _client_request_id(answer: Fields) -> str | None:
    return answer.optional_text("client_request_id", most=LONGEST_ID) or None


def _failure(error_code: object) -> Failure:
    code = _code(error_code)
    if code is None:
        message = f"Nabla could not process the recording and gave no code that is known. {NOBODY_KNOWS}."
        return Failure("unknown", message, False)
    otherwise = f"Nabla could not process the recording (code {code}). {NOBODY_KNOWS} about this code."
    message = ERROR_WORDS.get(int(code), otherwise)
    return Failure(code, message, int(code) in RETRYABLE_CODES)


def _code(error_code: object) -> str | None:
    """A whole number of at most 9 digits, as JSON number or as text; None for anything else.

    A code is logged and shown, and a single word of the body may be a patient's name.
    """
    if isinstance(error_code, str):
        return error_code if re.fullmatch(r"[0-9]{1,9}", error_code) else None
    if isinstance(error_code, bool) or not isinstance(error_code, int | float):
        return None
    if error_code != int(error_code) or abs(error_code) >= 10**9:
        return None
    return str(int(error_code))


def _transcript(answer: Fields) -> tuple[Line, ...] | None:
    items = answer.objects("transcript", most=MOST_LINES)
    return None if items is None else tuple(_line(item) for item in items)


def _line(item: Fields) -> Line:
    # The reference's prose calls the offsets start_time_ms and end_time_ms.
    return Line(
        text=item.text("text"),
        speaker=item.optional_text("speaker") or "unspecified",
        start_offset_ms=item.milliseconds("start_offset_ms", "start_time_ms"),
        end_offset_ms=item.milliseconds("end_offset_ms", "end_time_ms"),
    )


def _note(answer: Fields) -> NoteText | None:
    note = answer.object("note")
    if note is None:
        return None
    sections = note.objects("sections", most=MOST_SECTIONS)
    if sections is None:
        raise Unreadable("note.sections: missing")
    return NoteText(title=note.optional_text("title") or "", sections=tuple(_section(item) for item in sections))


def _section(item: Fields) -> Section:
    # `content`, a list of texts removed in 2024, may still come: `text` holds the same.
    text = "" if item.is_null("text") else item.text("text")
    return Section(key=item.text("key"), title=item.optional_text("title") or "", text=text)
