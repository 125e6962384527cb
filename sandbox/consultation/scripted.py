"""Puts a consultation together from the exchanges in en.json, fr.json and es.json.

A short recording holds the complaint and the conclusion; a longer one more of the questions between; beyond that the
two read a symptom diary day by day until the hour is full. The note says only what was said.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SPOKEN_MS_PER_CHARACTER = 62
PAUSE_MS = 400

Exchange = dict[str, Any]


@dataclass(frozen=True)
class Line:
    speaker: str
    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Consultation:
    """`sections` holds sentences under a section's key, `problems` the sentences of the history by problem."""

    title: str
    lines: list[Line]
    sections: dict[str, list[str]]
    problems: dict[str, list[str]]


@cache
def scripts(language: str) -> dict[str, Any]:
    path = Path(__file__).with_name(f"{language}.json")
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def scripted(sha256: str, duration_ms: int, language: str) -> Consultation:
    """The consultation of this audio in `en`, `fr` or `es`."""
    chance = random.Random(f"{sha256} {language}")  # noqa: S311
    script = scripts(language)
    scenario = chance.choice(script["scenarios"])
    exchanges = [filled(one, slots) for one, slots in chosen(script, scenario, duration_ms, chance)]
    sections: dict[str, list[str]] = {}
    for exchange in exchanges:
        for key, sentences in exchange.get("note", {}).items():
            sections.setdefault(key, []).extend(sentences)
    history = sections.get("HISTORY_OF_PRESENT_ILLNESS", [])
    spoken = [(speaker, text) for exchange in exchanges for speaker, text in exchange["lines"]]
    return Consultation(scenario["title"], timed(spoken, duration_ms), sections, {scenario["problem"]: history})


def chosen(
    script: dict[str, Any], scenario: dict[str, Any], duration_ms: int, chance: random.Random
) -> list[tuple[Exchange, dict[str, Any]]]:
    """As many exchanges as the time holds, in the order they are spoken, each with the numbers it mentions."""
    facts = case(chance)
    opening, *middle, closing = scenario["exchanges"]
    general = chance.sample(script["general"], len(script["general"]))
    more = [(one, facts) for one in [*middle, *general, script["diary_opening"]]]
    left = duration_ms - natural_ms(opening) - natural_ms(closing)
    picked: list[tuple[Exchange, dict[str, Any]]] = [(opening, facts)]
    for exchange, slots in [*more, *diary(script["diary"], left, chance)]:
        left -= natural_ms(exchange)
        if left < 0:
            break
        picked.append((exchange, slots))
    return [*picked, (closing, facts)]


def case(chance: random.Random) -> dict[str, Any]:
    return {
        "days": chance.randint(3, 12),
        "weeks": chance.randint(2, 6),
        "score": chance.randint(3, 8),
        "hours": chance.randint(5, 8),
        "cups": chance.randint(4, 8),
        "age": chance.randint(9, 30),
        "temp": chance.choice(["37.4", "37.9", "38.2", "38.4"]),
        "sys": chance.randint(112, 148),
        "dia": chance.randint(66, 94),
        "pulse": chance.randint(58, 92),
    }


def diary(pages: list[Exchange], fill_ms: int, chance: random.Random) -> Iterator[tuple[Exchange, dict[str, Any]]]:
    """Days enough to fill the time; an exchange takes two seconds at the very least."""
    for day in range(1, max(0, fill_ms) // 2000 + 2):
        slots = {"day": day, "d": chance.randint(1, 8), "h": chance.randint(4, 9), "m": chance.randint(10, 60)}
        yield chance.choice(pages), slots


def filled(exchange: Exchange, slots: dict[str, Any]) -> Exchange:
    note = {key: [one.format(**slots) for one in told] for key, told in exchange.get("note", {}).items()}
    return {"lines": [(speaker, text.format(**slots)) for speaker, text in exchange["lines"]], "note": note}


def natural_ms(exchange: Exchange) -> int:
    return sum(len(text) * SPOKEN_MS_PER_CHARACTER + PAUSE_MS for _, text in exchange["lines"])


def timed(spoken: list[tuple[str, str]], duration_ms: int) -> list[Line]:
    """Every line gets its share of the time, so that the last one ends with the audio."""
    lengths = [len(text) * SPOKEN_MS_PER_CHARACTER for _, text in spoken]
    scale = duration_ms / (sum(lengths) + PAUSE_MS * (len(spoken) - 1))
    lines, at = [], 0.0
    for (speaker, text), length in zip(spoken, lengths, strict=True):
        lines.append(Line(speaker, text, round(at * scale), min(duration_ms, round((at + length) * scale))))
        at += length + PAUSE_MS
    return lines
