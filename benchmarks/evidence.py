"""How well notes are traced to what was said: `scripts/bench evidence [--misses] [--json]`.

The engine of notes/evidence and a plain overlap of words are asked about the consultations that were compared by hand.
Those of the split "tuning" the engine's author may have looked at; those "held-out" say what it is worth elsewhere.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from benchmarks import overlap
from benchmarks.consultations import Consultation, Span, read_all
from benchmarks.report import table

Weigh = Callable[[Sequence[str], Sequence[str], str], Any]
SPLITS = ("tuning", "held-out")
COLUMNS = {
    "": "check",
    "language": "language",
    "split": "split",
    "way": "way",
    "there are": "wanted",
    "found": "found",
    "right": "right",
    "precision": "precision",
    "recall": "recall",
    "recall at 3": "recall_at_3",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found in one consultation, against what there is.

    `right`: of those found; `caught`: of those wanted, and `near`: among the first three; `misses`: in words.
    """

    wanted: int
    found: int
    right: int
    caught: int
    misses: Sequence[str]
    near: int | None = None


def links(consultation: Consultation, evidence: Any) -> Verdict:
    """Whether the first line given for a sentence is one of those it comes from."""
    given = {span: linked(span, evidence.sources) for span in consultation.sources}
    wrong = [span for span, lines in consultation.sources.items() if given[span][:1] and given[span][0] not in lines]
    silent = [span for span, lines in consultation.sources.items() if lines and not given[span]]
    found = sum(bool(lines) for lines in given.values())
    wanted = sum(bool(lines) for lines in consultation.sources.values())
    near = sum(bool({*given[span][:3]} & {*lines}) for span, lines in consultation.sources.items())
    misses = [f"{quoted(consultation, span)}: {heard(consultation, given[span][:1])}" for span in wrong + silent]
    return Verdict(wanted, found, found - len(wrong), found - len(wrong), misses, near)


def linked(span: Span, sources: Iterable[Any]) -> tuple[int, ...]:
    """The lines given for the passage that shares most with a sentence."""
    shared = [(span.shared(one.passage.section, one.passage.start, one.passage.end), one.lines) for one in sources]
    most, lines = max(shared, key=lambda pair: pair[0], default=(0, ()))
    return tuple(lines) if most else ()


def unsaid(consultation: Consultation, evidence: Any) -> Verdict:
    """Whether what was never said is pointed at, and nothing else."""
    found = [Span(one.section, one.start, one.end) for one in evidence.unsaid]
    right = [span for span in found if any(meet(span, other) for other in consultation.unsaid)]
    missed = [span for span in consultation.unsaid if not any(meet(span, other) for other in found)]
    misses = [f"not found: {quoted(consultation, span)}" for span in missed]
    misses += [f"false alarm: {quoted(consultation, span)}" for span in found if span not in right]
    return Verdict(len(consultation.unsaid), len(found), len(right), len(consultation.unsaid) - len(missed), misses)


def meet(one: Span, other: Span) -> bool:
    return one.shared(other.section, other.start, other.end) > 0


def unreflected(consultation: Consultation, evidence: Any) -> Verdict:
    """Whether the lines that the note keeps silent about are pointed at, and no others; those it gets wrong may be."""
    found, wanted = {one.line for one in evidence.unreflected} - consultation.mistaken, {*consultation.unreflected}
    misses = [f"not found: {heard(consultation, [line])}" for line in sorted(wanted - found)]
    misses += [f"false alarm: {heard(consultation, [line])}" for line in sorted(found - wanted)]
    right = len(found & wanted)
    return Verdict(len(wanted), len(found), right, right, misses)


def quoted(consultation: Consultation, span: Span) -> str:
    """The span with the words around it."""
    text = consultation.sections[span.section]
    begin, end = text.rfind("\n", 0, span.start) + 1, text.find("\n", span.end)
    around = (
        text[max(begin, span.start - 40) : span.start],
        text[span.end : min(end if end >= 0 else 10**6, span.end + 20)],
    )
    return f"{around[0]}[{text[span.start : span.end]}]{around[1]}"


def heard(consultation: Consultation, lines: Sequence[int]) -> str:
    return "; ".join(f"{line + 1} {consultation.lines[line]}" for line in lines) or "no line"


CHECKS: Mapping[str, Callable[[Consultation, Any], Verdict]] = {
    "links": links,
    "unsaid": unsaid,
    "unreflected": unreflected,
}


def run() -> dict[str, Any]:
    from notes.evidence import weigh

    rows, took = [], {}
    for way, asked in {"overlap of words": overlap.weigh, "engine": weigh}.items():
        begun = time.perf_counter()
        found = [(one, asked(one.sections, one.lines, one.language)) for one in read_all()]
        took[way] = round(1000 * (time.perf_counter() - begun) / len(found), 2)
        rows += list(summary(way, found))
    order = [*CHECKS]
    return {"rows": sorted(rows, key=lambda row: order.index(row["check"])), "ms_a_consultation": took}


def summary(way: str, found: Sequence[tuple[Consultation, Any]]) -> Iterator[dict[str, Any]]:
    languages = sorted({one.language.split("-")[0] for one, _ in found})
    for check, language, split in product(CHECKS, languages, SPLITS):
        of_these = [pair for pair in found if pair[0].language.startswith(language) and pair[0].split == split]
        named = {"check": check, "language": language, "split": split, "way": way}
        yield named | together([(one.name, CHECKS[check](one, evidence)) for one, evidence in of_these])


def together(verdicts: Sequence[tuple[str, Verdict]]) -> dict[str, Any]:
    def total(name: str) -> int:
        return sum(getattr(verdict, name) for _, verdict in verdicts)

    wanted, found = total("wanted"), total("found")
    near = {"recall_at_3": share(total("near"), wanted)} if all(one.near is not None for _, one in verdicts) else {}
    return {
        "wanted": wanted,
        "found": found,
        "right": total("right"),
        "precision": share(total("right"), found),
        "recall": share(total("caught"), wanted),
        **near,
        "misses": [f"{name}: {miss}" for name, verdict in verdicts for miss in verdict.misses],
    }


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def lines(result: dict[str, Any], misses: bool) -> Iterator[str]:
    yield from table(COLUMNS, result["rows"])
    yield ", ".join(f"{way}: {took} ms a consultation" for way, took in result["ms_a_consultation"].items())
    for row in result["rows"] if misses else ():
        if row["way"] == "engine" and row["misses"]:
            yield f"\n{row['check']}, {row['language']}, {row['split']}:"
            yield from row["misses"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench evidence", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="One line of JSON in place of the table.")
    parser.add_argument("--misses", action="store_true", help="Also what the engine got wrong, each in its words.")
    options = parser.parse_args()
    result = run()
    print(json.dumps(result) if options.json else "\n".join(lines(result, options.misses)))


if __name__ == "__main__":
    main()
