"""Results of Dragon Copilot's, normalised: a note of resources, or a transcript of turns.

Source: its pages on the data exchange. That `data` is JSON within JSON is one client's reading.
"""

from __future__ import annotations

import re

from vendors import loinc
from vendors.base import Line, NoteText, Notice, Result, Section, Unreadable
from vendors.dragon.exchange import LONGEST_ID, read_event, read_time
from vendors.reading import LAST_MILLISECOND, Fields, read_object

MOST_LINES = 100_000
MOST_SECTIONS = 1_000
LONGEST_TITLE = 1_000
LONGEST_SPEAKER = 100
_TIME = re.compile(r"([0-9]{1,6}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]{1,9}))?")


def parse(body: bytes) -> Result | Notice:
    """What was fetched, in its envelope, or an event. Raises Unreadable."""
    said = read_object(body)
    return _result(said) if said.value("answer_to") == "dragon" else read_event(said)


def _result(said: Fields) -> Result:
    ref = said.optional_text("session_id", most=LONGEST_ID)
    if not ref:
        raise Unreadable("session_id: missing")
    data = _object(_object(said, "answer"), "data")
    return Result(
        ref=ref,
        transcript=_transcript(data),
        note=_note(data),
        as_of=read_time(said.value("as_of")),
        is_supplement=said.value("is_supplement") is True,
    )


def _object(said: Fields, name: str) -> Fields:
    """An object, also where it comes as a text that holds its JSON. Raises Unreadable."""
    value = said.value(name)
    if isinstance(value, str):
        try:
            return read_object(value.encode("utf-8", "surrogatepass"))
        except Unreadable as error:
            raise Unreadable(f"{name}: {error}") from None
    found = said.object(name)
    if found is None:
        raise Unreadable(f"{name}: missing")
    return found


def _note(data: Fields) -> NoteText | None:
    resources = data.objects("resources", most=MOST_SECTIONS)
    if not resources:
        return None
    document = data.object("document")
    title = document.optional_text("title", most=LONGEST_TITLE) if document else None
    return NoteText(title or "", tuple(_section(one) for one in resources))


def _section(resource: Fields) -> Section:
    context = resource.object("context") or Fields({})
    title = context.optional_text("display_description", most=LONGEST_TITLE) or ""
    key, title = loinc.named(_code(context), title)
    return Section(key, title, resource.optional_text("content") or "")


def _code(context: Fields) -> str | None:
    """Its LOINC code, the first of them."""
    for code in context.objects("codes", most=MOST_SECTIONS) or []:
        if "loinc" in (code.text_or_none("system", most=LONGEST_TITLE) or "").lower():
            return code.text_or_none("identifier", most=LONGEST_ID)
    return None


def _transcript(data: Fields) -> tuple[Line, ...] | None:
    transcript = data.object("transcript")
    turns = transcript.objects("turns", most=MOST_LINES) if transcript else None
    if turns is None:
        return None
    lines = [_line(turn) for turn in sorted(turns, key=_place) if (turn.optional_text("text") or "").strip()]
    return tuple(lines) or None


def _place(turn: Fields) -> float:
    """By its index; those without come last, as they came."""
    index = turn.value("index")
    return index if type(index) in (int, float) else float("inf")  # type: ignore[return-value]


def _line(turn: Fields) -> Line:
    """An end before its beginning is none."""
    start, end = _milliseconds(turn.value("start_time")), _milliseconds(turn.value("end_time"))
    speaker = turn.text_or_none("speaker", most=LONGEST_SPEAKER) or "unspecified"
    return Line(turn.text("text"), speaker, start, end if start is None or end is None or end >= start else None)


def _milliseconds(value: object) -> int | None:
    """`00:00:01.000` from the start; None for anything else."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups(default="")
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    milliseconds = whole * 1000 + int(f"{fraction:0<3}"[:3])
    return milliseconds if milliseconds <= LAST_MILLISECOND else None
