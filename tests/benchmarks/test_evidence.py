"""How evidence is measured: what is right scores full, what is wrong is counted and told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from benchmarks import overlap
from benchmarks.consultations import Consultation, Span, read_all, spoken
from benchmarks.evidence import CHECKS, summary
from benchmarks.overlap import Evidence, Passage, Source, Unreflected

CONSULTATIONS = read_all()


def truth(consultation: Consultation) -> Evidence:
    """What somebody finds who looked at how it was marked by hand."""
    return Evidence(
        tuple(Source(passage(span), lines) for span, lines in consultation.sources.items()),
        tuple(passage(span) for span in consultation.unsaid),
        tuple(Unreflected(line, kind) for line, kind in consultation.unreflected.items()),
    )


def passage(span: Span) -> Passage:
    return Passage(span.section, span.start, span.end)


def test_the_set_is_large_enough_and_its_halves_are_alike() -> None:
    pairs: Counter[tuple[str, str]] = Counter()
    for one in CONSULTATIONS:
        pairs[one.language[:2], one.split] += sum(len(lines) for lines in one.sources.values())
    assert pairs.keys() == {(language, split) for language in ("en", "fr") for split in ("tuning", "held-out")}
    assert min(pairs.values()) >= 40


@pytest.mark.parametrize("consultation", CONSULTATIONS, ids=lambda one: one.name)
def test_marks_point_at_words_and_lines_that_are_there(consultation: Consultation) -> None:
    there = range(len(consultation.lines))
    assert all(line in there for lines in consultation.sources.values() for line in lines)
    assert all(line in there for line in consultation.unreflected)
    assert all(consultation.sections[span.section][span.start : span.end].strip() for span in consultation.unsaid)
    assert not any("{" in text or "}" in text for text in consultation.sections)


def test_lines_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="line 2"):
        list(spoken(["1 doctor: Hello.", "3 patient: Hello."]))


def test_the_truth_scores_full() -> None:
    for row in summary("truth", [(one, truth(one)) for one in CONSULTATIONS]):
        assert (row["precision"], row["recall"], row["misses"]) == (1.0, 1.0, []), row


def test_silence_is_never_wrong_and_finds_nothing() -> None:
    for row in summary("silence", [(one, Evidence((), (), ())) for one in CONSULTATIONS]):
        assert (row["found"], row["precision"], row["recall"]) == (0, None, 0.0)
        assert len(row["misses"]) == row["wanted"]


def test_a_link_counts_by_its_first_line_and_apart_by_its_first_three() -> None:
    one = CONSULTATIONS[0]
    elsewhere = {span: [line for line in range(len(one.lines)) if line not in of] for span, of in one.sources.items()}
    second = tuple(Source(passage(span), (elsewhere[span][0], *of)) for span, of in one.sources.items())
    verdict = CHECKS["links"](one, replace(truth(one), sources=second))
    assert (verdict.right, verdict.caught, verdict.near) == (0, 0, verdict.wanted)
    assert len(verdict.misses) == len(one.sources)


def test_pointing_elsewhere_is_a_false_alarm() -> None:
    one = next(one for one in CONSULTATIONS if len(one.unsaid) == 1)
    (wrong,) = one.unsaid
    found = Evidence((), (Passage(wrong.section, wrong.end, wrong.end + 3),), (Unreflected(0, "number"),))
    for check, wanted in (("unsaid", 1), ("unreflected", len(one.unreflected))):
        verdict = CHECKS[check](one, found)
        assert (verdict.found, verdict.right, verdict.caught) == (1, 0, 0)
        assert Counter(miss.split(":")[0] for miss in verdict.misses) == {"false alarm": 1, "not found": wanted}


def test_a_line_that_the_note_gets_wrong_may_be_pointed_at_and_need_not_be() -> None:
    one = next(one for one in CONSULTATIONS if one.mistaken)
    assert not any(other.mistaken & other.unreflected.keys() for other in CONSULTATIONS)
    pointed = replace(truth(one), unreflected=tuple(Unreflected(line, "number") for line in one.mistaken))
    assert CHECKS["unreflected"](one, pointed).found == 0


def test_the_overlap_of_words_finds_what_stands_there_literally_and_no_more() -> None:
    note, said = ["Pain for 14 days. Took 400 mg."], ["I have had pain for two weeks.", "I took 400 mg.", "No fever."]
    found = overlap.weigh(note, said, "en")
    assert [source.lines[0] for source in found.sources] == [0, 1]
    assert [note[0][one.start : one.end] for one in found.unsaid] == ["14"]
    assert [(one.line, one.kind) for one in found.unreflected] == [(2, "negation")]
