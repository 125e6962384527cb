"""What the vendor makes of an audio file: the transcript and the note, in the form that was ordered."""

import re
from typing import Any

from sandbox.audio import BadAudio, Download, fetch
from sandbox.consultation import Consultation, Line, scripted
from sandbox.nabla.contract import Order
from sandbox.nabla.templates import TEMPLATES, title
from sandbox.sample import sample

LONGEST_MS = 60 * 60 * 1000 + 1000  # A lossy codec pads an hour by a few frames.
SHORTEST_MS = 3000
UNUSABLE, TOO_SHORT = 422, 83005
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
BY_PROBLEM = ("HISTORY_OF_PRESENT_ILLNESS", "SOAP_SUBJECTIVE")


def result(order: Order, download: Download) -> dict[str, Any]:
    """The callback's body without its ids: `transcript` and `note` as ordered, or `error_code` and `error_message`."""
    try:
        fetch(order.file_url, download)
    except BadAudio as error:
        return {"error_code": UNUSABLE, "error_message": str(error)}
    duration_ms, sha256 = download.duration_ms or 0, download.sha256 or ""
    if duration_ms > LONGEST_MS:
        return {"error_code": UNUSABLE, "error_message": "The audio is longer than 60 minutes."}
    if duration_ms < SHORTEST_MS:
        return too_short(order)
    recognised = sha256 == sample()["sha256"] and order.language == "en"
    heard = from_sample() if recognised else scripted(sha256, duration_ms, order.language)
    made: dict[str, Any] = {}
    if "transcript_item" in order.outputs:
        made["transcript"] = [item for line in heard.lines for item in items(line, order.split_by_sentence)]
    if "note" in order.outputs:
        plain = (order.template, order.style, order.split_by_problem) == ("GENERAL_MEDICINE", "auto", False)
        made["note"] = sample()["note"] if recognised and plain else note(heard, order)
    return made


def too_short(order: Order) -> dict[str, Any]:
    if "note" in order.outputs:
        message = "We can't generate the note when the transcript is too short."
        return {"error_code": UNUSABLE, "error_message": message}
    return {"error_code": TOO_SHORT, "error_message": "The transcript is too short."}


def from_sample() -> Consultation:
    lines = [
        Line(item["speaker"], item["text"], item["start_offset_ms"], item["end_offset_ms"])
        for item in sample()["transcript"]
    ]
    sections = {section["key"]: sentences(section["text"]) for section in sample()["note"]["sections"]}
    problems = {problem["title"]: sentences(problem["text"]) for problem in sample()["problems"]}
    return Consultation(sample()["note"]["title"], lines, sections, problems)


def sentences(text: str) -> list[str]:
    return [one for line in text.splitlines() for one in SENTENCE_END.split(line.removeprefix("- "))]


def items(line: Line, by_sentence: bool) -> list[dict[str, Any]]:
    """The line as the contract's transcript items; sentences share its time by their length."""
    parts = sentences(line.text) if by_sentence else [line.text]
    total, spoken, made = sum(map(len, parts)), 0, []
    span = line.end_ms - line.start_ms
    for part in parts:
        start, spoken = spoken, spoken + len(part)
        made.append(
            {
                "text": part,
                "speaker": line.speaker,
                "start_offset_ms": line.start_ms + span * start // total,
                "end_offset_ms": line.start_ms + span * spoken // total,
            }
        )
    return made


def note(heard: Consultation, order: Order) -> dict[str, Any]:
    sections = []
    for key, subjects in TEMPLATES[order.template].sections.items():
        if order.split_by_problem and order.language == "en" and key in BY_PROBLEM:
            text = by_problem(heard, subjects, order.style)
        else:
            text = styled([told for subject in subjects for told in heard.sections.get(subject, [])], key, order.style)
        if text:
            sections.append({"key": key, "title": title(key, order.language), "text": text})
    return {"title": heard.title, "sections": sections}


def by_problem(heard: Consultation, subjects: tuple[str, ...], style: str) -> str:
    """The history under one heading a problem; what belongs to no problem comes after."""
    parts = [f"{name}:\n{styled(told, '', style)}" for name, told in heard.problems.items() if told]
    rest = [
        told
        for subject in subjects
        if subject != "HISTORY_OF_PRESENT_ILLNESS"
        for told in heard.sections.get(subject, [])
    ]
    return "\n\n".join([*parts, *([styled(rest, "", style)] if rest else [])])


def styled(told: list[str], key: str, style: str) -> str:
    """`auto` makes a list of a plan with several points, and a paragraph of all else."""
    if style == "bullet_points" or (style == "auto" and key.endswith("PLAN") and len(told) > 1):
        return "\n".join(f"- {one}" for one in told)
    return " ".join(told)
