"""What the vendor makes of a finished session: its transcript, and its note by LOINC section."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.suki.clock import rfc3339
from sandbox.suki.contract import LOINC
from sandbox.suki.hearing import Heard, heard
from sandbox.suki.recordings import recording_id
from sandbox.suki.sessions import Session

# The consultations' sections that have a code of their own -> (code, title).
SECTIONS = {
    "CHIEF_COMPLAINT": ("10154-3", "Chief Complaint"),
    "HISTORY_OF_PRESENT_ILLNESS": ("10164-2", "History of Present Illness"),
    "PAST_MEDICAL_HISTORY": ("11348-0", "Past Medical History"),
    "PAST_SURGICAL_HISTORY": ("47519-4", "Past Surgical History"),
    "FAMILY_HISTORY": ("10157-6", "Family History"),
    "SOCIAL_HISTORY": ("29762-2", "Social History"),
    "ALLERGIES": ("48765-2", "Allergies"),
    "CURRENT_MEDICATIONS": ("10160-0", "Medications"),
    "IMMUNIZATIONS": ("11369-6", "Immunizations"),
    "VITALS": ("8716-3", "Vitals"),
    "LAB_RESULTS": ("30954-2", "Results"),
    "PHYSICAL_EXAM": ("29545-1", "Physical Exam"),
    "ASSESSMENT": ("51848-0", "Assessment"),
    "PLAN": ("18776-5", "Plan"),
    "PRESCRIPTION": ("57828-6", "Prescriptions"),
    "APPOINTMENTS": ("56446-8", "Appointments"),
}
LONG_WORD = re.compile(r"[a-z]{6,}")
FILLER = ["and", "then", "we", "talked", "about", "the", "weather", "for", "another", "while"]


def transcript(session: Session, words: int = 0) -> dict[str, Any]:
    """`words` makes it at least so long, and says nothing more."""
    if session.spool is None:
        return {"final_transcript": []}
    items = [item(session, number, *line) for number, line in enumerate(spoken(heard(session.spool)), 1)]
    longer = [FILLER[number % len(FILLER)] for number in range(words)]
    for start in range(0, words, 100):
        text = " ".join(longer[start : start + 100])
        items.append(item(session, len(items) + 1, text, session.duration_ms, session.duration_ms))
    return {"final_transcript": items}


def spoken(told: Heard) -> list[tuple[str, int, int]]:
    return [(line.text, line.start_ms, line.end_ms) for line in told.lines]


def item(session: Session, number: int, text: str, start_ms: int, end_ms: int) -> dict[str, Any]:
    begun = session.created if session.started is None else session.started
    return {
        "start_time": rfc3339(begun + start_ms / 1000),
        "end_time": rfc3339(begun + end_ms / 1000),
        "start_offset": offset(start_ms),
        "end_offset": offset(end_ms),
        "lang_id": "en",
        "recording_id": recording_id(session, 1 + start_ms * session.chunks // (session.duration_ms + 1)),
        "transcript": text,
        "transcript_id": transcript_id(session, number),
    }


def transcript_id(session: Session, number: int) -> str:
    return f"{session.id}-{number}"


def offset(moment_ms: int) -> dict[str, int]:
    seconds, milliseconds = divmod(moment_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return {"hours": hours, "minutes": minutes, "seconds": seconds, "nanos": milliseconds * 1_000_000}


def content(sessions: Iterable[Session]) -> dict[str, Any]:
    """The note of these, one after the other, with the sections that were asked for (all where none was)."""
    return {"summary": [section for session in sessions for section in summary(session)]}


def summary(session: Session) -> list[dict[str, Any]]:
    if session.spool is None:
        return []
    told, asked = heard(session.spool), asked_codes(session.context.get("sections"))
    made = []
    for key, text in told.sections:
        code, title = SECTIONS.get(key, ("", ""))
        if code and (not asked or code in asked):
            sources = source_transcripts(session, told, text)
            made.append({"title": title, "content": text, "loinc_code": code, "source_transcripts": sources})
    return made


def asked_codes(sections: Any) -> list[str]:
    """Every string in there that looks like a LOINC code: the form of `sections` is not described."""
    if isinstance(sections, str):
        return [sections] if LOINC.fullmatch(sections) else []
    inner: Sequence[Any] = list(sections.values()) if isinstance(sections, dict) else sections or []
    return [code for one in inner for code in asked_codes(one)] if isinstance(inner, list) else []


def source_transcripts(session: Session, told: Heard, text: str) -> list[str]:
    """The lines that share a long word with the section."""
    words = set(LONG_WORD.findall(text.lower()))
    numbered = enumerate(told.lines, 1)
    return [transcript_id(session, n) for n, line in numbered if words & set(LONG_WORD.findall(line.text.lower()))]
