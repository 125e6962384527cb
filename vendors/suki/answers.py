"""Answers of Suki's, normalised: what it was asked for, in an envelope of ours, and what its webhooks tell.

An envelope is one JSON object: `answer_to` ("ambient" or "dictation"), `session_id`, and what Suki said, as it came;
what is no JSON comes as a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import orjson

from vendors import loinc
from vendors.base import Failure, Line, NoteText, Notice, Result, Section, Unreadable
from vendors.reading import LAST_MILLISECOND, MOST_CHARACTERS, Fields, read_object

MOST_LINES = 100_000
MOST_SECTIONS = 1_000
#: Lines that a section names as its sources: more point at nothing.
MOST_SOURCES = 500
LONGEST_ID = 128

AT_WORK = ("created", "ready", "running")
COMPLETED = "completed"
#: A status that ends a session without a note -> whether asking again may help, and why there is none.
ENDINGS = {
    "skipped": (False, "Suki wrote nothing: it takes a minute of audio at least. Check that all of it was recorded."),
    "aborted": (True, "The session was aborted at Suki before it was written up."),
    "failed": (True, "Suki could not write this session up. If it ends so again, tell the operator, who can ask Suki."),
}
UNTIL_THEN = "What was understood until then is kept on the request's page."
DICTATION_ENDINGS = {
    "cancelled": Failure("cancelled", f"It was cancelled at Suki. {UNTIL_THEN}", retryable=False, is_cancelled=True),
    "failed": Failure("failed", f"Suki could not finish this dictation. {UNTIL_THEN}", retryable=True),
}
NOTHING_HEARD = Failure("nothing_heard", "Suki understood no words in this dictation. Check the recording.", False)
NOTHING_WRITTEN = Failure("empty", "Suki completed the session and gives neither a transcript nor a note of it.", True)
SPEAKER = "unspecified"

WEBHOOK_PROBLEMS = {
    "failure": "Suki reports that it could not write the session up.",
    "timeout": "Suki reports that the session took too long.",
    "cancelled": "Suki reports that the session was cancelled.",
}
WEBHOOK_ALIASES = {"timed_out": "timeout", "canceled": "cancelled", "cancellation": "cancelled", "failed": "failure"}
CANNOT_TRANSCRIBE = "Suki reports that it could not transcribe the session."
UNKNOWN_STATUS = "Suki reports a status that this version does not know. The answer is kept as it came."


def completed(ref: str, content: bytes, transcript: bytes) -> bytes:
    """The envelope of a session that was written up."""
    return orjson.dumps(
        {
            "answer_to": "ambient",
            "session_id": ref,
            "status": COMPLETED,
            "content": _as_it_came(content),
            "transcript": _as_it_came(transcript),
        }
    )


def ended(ref: str, status: str) -> bytes:
    """The envelope of a session that came to another end."""
    return orjson.dumps({"answer_to": "ambient", "session_id": ref, "status": status})


def dictated(ref: str, end: bytes, finals: Sequence[str]) -> bytes:
    """The envelope of a dictation: what its end was answered with, and the finals that were heard."""
    return orjson.dumps(
        {"answer_to": "dictation", "session_id": ref, "end": _as_it_came(end), "finals": [{"text": t} for t in finals]}
    )


def parse(body: bytes) -> Result | Notice:
    """An envelope of ours, or a webhook. Raises Unreadable."""
    answer = read_object(body)
    kind = answer.value("answer_to")
    if kind == "ambient":
        return _ambient(answer)
    if kind == "dictation":
        return _dictation(answer)
    return _webhook(answer)


def _ambient(answer: Fields) -> Result | Notice:
    ref, status = _session_id(answer), answer.text("status")
    if status in ENDINGS:
        retryable, message = ENDINGS[status]
        return Result(ref=ref, failure=Failure(status, message, retryable))
    if status != COMPLETED:
        return Notice(ref, UNKNOWN_STATUS)
    items = _said(answer, "transcript").objects("final_transcript", most=MOST_LINES) or []
    spoken = _spoken(items)
    transcript, note = _transcript(spoken, items), _note(_said(answer, "content"), _numbers(spoken))
    return Result(ref=ref, transcript=transcript, note=note, failure=None if transcript or note else NOTHING_WRITTEN)


def _dictation(answer: Fields) -> Result:
    ref, end = _session_id(answer), _said_if_any(answer, "end")
    status = (end.text_or_none("status", most=LONGEST_ID) or "").lower()
    if status in DICTATION_ENDINGS:
        return Result(ref=ref, failure=DICTATION_ENDINGS[status])
    lines = _dictated_lines(answer, end)
    return Result(ref=ref, transcript=lines) if lines else Result(ref=ref, failure=NOTHING_HEARD)


def _dictated_lines(answer: Fields, end: Fields) -> tuple[Line, ...]:
    finals = [final.text("text") for final in answer.objects("finals", most=MOST_LINES) or []]
    whole = end.text_or_none("final_transcript", most=MOST_CHARACTERS) or ""
    # What is the same in words keeps the finals' own lines.
    texts = whole.splitlines() if whole.strip() and whole.split() != " ".join(finals).split() else finals
    return tuple(Line(text.strip(), SPEAKER, None, None) for text in texts if text.strip())


def _webhook(answer: Fields) -> Notice:
    """Tells of a session; what became of it is asked for, whatever the webhook says and wherever its links lead."""
    ref, status = _session_id(answer), answer.text("status").lower()
    return Notice(ref, _webhook_problem(status, answer) if status != "success" else "")


def _webhook_problem(status: str, answer: Fields) -> str:
    if answer.value("error_code") == "ERROR_CODE_TRANSCRIPTION":
        return CANNOT_TRANSCRIBE
    return WEBHOOK_PROBLEMS.get(WEBHOOK_ALIASES.get(status, status), UNKNOWN_STATUS)


def _session_id(answer: Fields) -> str:
    ref = answer.optional_text("session_id", most=LONGEST_ID)
    if not ref:
        raise Unreadable("session_id: missing")
    return ref


def _as_it_came(body: bytes) -> object:
    try:
        is_object = isinstance(orjson.loads(body), dict)
    except orjson.JSONDecodeError:
        is_object = False
    return orjson.Fragment(body) if is_object else body.decode("utf-8", errors="replace")


def _said(answer: Fields, name: str) -> Fields:
    """What Suki said, as JSON or in a text. Raises Unreadable."""
    said = answer.value(name)
    if isinstance(said, str):
        return read_object(said.encode("utf-8", "surrogatepass"))
    fields = answer.object(name)
    if fields is None:
        raise Unreadable(f"{name}: missing")
    return fields


def _said_if_any(answer: Fields, name: str) -> Fields:
    """The same, of what may be nothing or cannot be read."""
    try:
        return _said(answer, name)
    except Unreadable:
        return Fields({}, name)


def _note(content: Fields, numbers: Mapping[str, int]) -> NoteText | None:
    items = content.objects("summary", most=MOST_SECTIONS)
    return NoteText(title="", sections=tuple(_section(item, numbers) for item in items)) if items else None


def _section(item: Fields, numbers: Mapping[str, int]) -> Section:
    key, title = loinc.named(
        item.text_or_none("loinc_code", most=LONGEST_ID), item.optional_text("title", most=1_000) or ""
    )
    return Section(key, title, item.optional_text("content") or "", _sources(item, numbers))


def _sources(item: Fields, numbers: Mapping[str, int]) -> tuple[int, ...]:
    """The lines that `source_transcripts` names, by their ids or by objects with these: which is not documented."""
    said = item.value("source_transcripts")
    named = said[:MOST_SOURCES] if isinstance(said, list) else []
    ids = [one.get("transcript_id") if isinstance(one, dict) else one for one in named]
    return tuple(sorted({numbers[line_id] for line_id in ids if isinstance(line_id, str) and line_id in numbers}))


def _spoken(items: Sequence[Fields]) -> list[tuple[Fields, str]]:
    """The lines that have words, with these."""
    said = [(item, item.optional_text("transcript") or "") for item in items]
    return [(item, text) for item, text in said if text.strip()]


def _numbers(spoken: Sequence[tuple[Fields, str]]) -> Mapping[str, int]:
    """Which line of the transcript has an id of Suki's: the first that does."""
    numbers: dict[str, int] = {}
    for number, (item, _) in enumerate(spoken):
        line_id = item.value("transcript_id")
        if isinstance(line_id, str) and line_id:
            numbers.setdefault(line_id, number)
    return numbers


def _transcript(spoken: Sequence[tuple[Fields, str]], items: Sequence[Fields]) -> tuple[Line, ...] | None:
    """`items`: all lines, for when it began is told by those without words too."""
    begins_at = next(_beginnings(items), None)
    return tuple(_line(item, text, begins_at) for item, text in spoken) or None


def _beginnings(items: Sequence[Fields]) -> Iterator[float]:
    """When the audio began, in Unix seconds: where a line has an offset and a time; else the first line's time."""
    times = [(_time(item, "start_time"), _offset(item, "start_offset")) for item in items]
    yield from (at - offset / 1000 for at, offset in times if at is not None and offset is not None)
    yield from sorted(at for at, _ in times if at is not None)


def _line(item: Fields, text: str, begins_at: float | None) -> Line:
    def milliseconds(edge: str) -> int | None:
        offset, at = _offset(item, f"{edge}_offset"), _time(item, f"{edge}_time")
        if offset is not None or at is None or begins_at is None:
            return offset
        return _bounded(round((at - begins_at) * 1000))

    return Line(text, SPEAKER, milliseconds("start"), milliseconds("end"))


def _offset(item: Fields, name: str) -> int | None:
    """`{hours, minutes, seconds, nanos}`, of which any may be left out, in milliseconds; None for anything else."""
    offset = item.value(name)
    if not isinstance(offset, dict):
        return None
    parts = [offset.get(unit, 0) for unit in ("hours", "minutes", "seconds", "nanos")]
    if not all(type(part) in (int, float) and 0 <= part <= LAST_MILLISECOND for part in parts):
        return None
    hours, minutes, seconds, nanos = parts
    return _bounded(round(((hours * 60 + minutes) * 60 + seconds) * 1000 + nanos / 1_000_000))


def _bounded(milliseconds: int) -> int | None:
    return milliseconds if 0 <= milliseconds <= LAST_MILLISECOND else None


def _time(item: Fields, name: str) -> float | None:
    """An RFC 3339 time in Unix seconds; None for anything else."""
    text = item.value(name)
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.timestamp() if read.tzinfo else None
