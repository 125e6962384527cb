"""What the vendor makes of a session: its transcript, and its note by LOINC section."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.audio import BadAudio, measure
from sandbox.consultation import Line, scripted
from sandbox.dragon.recordings import Recording, Streamed
from sandbox.sample import sample
from sandbox.suki.hearing import sample_lines, sample_samples

LANGUAGES = ("en", "fr", "es")
BYTES_A_SECOND = 32_000
LONGEST_MS = 12 * 3_600_000
# The consultations' sections -> (legacy_id, LOINC, name).
SECTIONS = {
    "CHIEF_COMPLAINT": ("cc", "10154-3", "Chief Complaint"),
    "HISTORY_OF_PRESENT_ILLNESS": ("hpi", "10164-2", "History of Present Illness"),
    "PAST_MEDICAL_HISTORY": ("pmh", "11348-0", "Past Medical History"),
    "PAST_SURGICAL_HISTORY": ("psh", "47519-4", "Past Surgical History"),
    "FAMILY_HISTORY": ("fh", "10157-6", "Family History"),
    "SOCIAL_HISTORY": ("sh", "29762-2", "Social History"),
    "ALLERGIES": ("allergies", "48765-2", "Allergies"),
    "CURRENT_MEDICATIONS": ("medications", "10160-0", "Medications"),
    "IMMUNIZATIONS": ("immunizations", "11369-6", "Immunizations"),
    "VITALS": ("vitals", "8716-3", "Vitals"),
    "LAB_RESULTS": ("results", "30954-2", "Results"),
    "PHYSICAL_EXAM": ("pe", "29545-1", "Physical Exam"),
    "ASSESSMENT": ("assessment", "51848-0", "Assessment"),
    "PLAN": ("plan", "18776-5", "Plan"),
    "PRESCRIPTION": ("prescriptions", "57828-6", "Prescriptions"),
    "APPOINTMENTS": ("appointments", "56446-8", "Appointments"),
}


@dataclass(frozen=True)
class Heard:
    """`sections` are (key, text), the keys those of the consultations."""

    title: str
    lines: Sequence[Line]
    sections: Sequence[tuple[str, str]]


def heard(recordings: Sequence[Recording], locale: str) -> Heard:
    """What was said in all of them."""
    if any(is_sample(one) for one in recordings):
        note = sample()["note"]
        return Heard(note["title"], sample_lines(), [(one["key"], one["text"]) for one in note["sections"]])
    digest = hashlib.sha256("".join(one.sha256 or "" for one in recordings).encode()).hexdigest()
    language = locale[:2] if locale[:2] in LANGUAGES else "en"
    made = scripted(digest, sum(map(duration_ms, recordings)), language)
    return Heard(made.title, made.lines, [(key, " ".join(told)) for key, told in made.sections.items()])


def is_sample(recording: Recording) -> bool:
    """The sample's file as it is, or its samples."""
    if recording.sha256 == sample()["sha256"]:
        return True
    wanted = sample_samples()
    is_as_long = len(wanted) <= recording.size < len(wanted) + BYTES_A_SECOND
    return is_as_long and recording.spool.holds(0, wanted)


def duration_ms(recording: Recording) -> int:
    """By its format; a file measured; what is neither is taken for samples of 16 kHz and 16 bits."""
    pcm = recording.format.get("pcm") if isinstance(recording, Streamed) else None
    if pcm:
        rate = max(1, int(pcm["sampleRateHz"] * pcm["channels"] * pcm["bitcount"]) // 8)
        return min(LONGEST_MS, recording.size * 1000 // rate)
    try:
        with recording.spool.path.open("rb") as file:
            return min(LONGEST_MS, measure(file))
    except BadAudio:
        return min(LONGEST_MS, recording.size * 1000 // BYTES_A_SECOND)


def transcript(told: Heard) -> dict[str, Any]:
    turns = [turn(number, line) for number, line in enumerate(told.lines, 1)]
    return {"transcript": {"speaker_count": len({line.speaker for line in told.lines}), "turns": turns}}


def turn(number: int, line: Line) -> dict[str, Any]:
    return {
        "index": number,
        "speaker": "clinician" if line.speaker == "doctor" else "other",
        "text": line.text,
        "start_time": clock(line.start_ms),
        "end_time": clock(line.end_ms),
    }


def clock(moment_ms: int) -> str:
    seconds, milliseconds = divmod(moment_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"


def note(told: Heard) -> dict[str, Any]:
    """The sections that something was said about, and the first of the others, which is empty."""
    known = [(key, text) for key, text in told.sections if key in SECTIONS]
    unsaid = [(key, "") for key in SECTIONS if key not in dict(known)]
    resources = [resource(*SECTIONS[key], text) for key, text in [*known, *unsaid[:1]]]
    return {"document": {"title": told.title}, "resources": resources}


def letter() -> dict[str, Any]:
    """A document that goes with the note."""
    told = resource("letter", "57133-1", "Referral note", "Dear colleague, thank you for seeing this patient.")
    return {"document": {"title": "Referral letter"}, "resources": [told]}


def resource(legacy_id: str, code: str, name: str, text: str) -> dict[str, Any]:
    context = {
        "content_type": "document_section",
        "display_description": name,
        "codes": [{"system": "loinc.org", "identifier": code}],
    }
    return {"legacy_id": legacy_id, "context": context, "content": text}
