"""Suki: what its answers and webhooks say, in our words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vendors.contract import CANARY
from vendors.base import Failure, Line, NoteText, Notice, Result, Section, Unreadable
from vendors.suki import answers
from vendors.suki.adapter import SukiVendor

REF = "01HZX3"


def parsed(**body: Any) -> Result | Notice:
    return SukiVendor.parse(json.dumps(body).encode())


def completed(content: Any = None, transcript: Any = None) -> Result:
    made = answers.completed(REF, json.dumps(content or {}).encode(), json.dumps(transcript or {}).encode())
    result = SukiVendor.parse(made)
    assert isinstance(result, Result)
    assert result.ref == REF
    return result


def lines(*items: dict[str, Any]) -> tuple[Line, ...]:
    found = completed(transcript={"final_transcript": [{"transcript": "x", **item} for item in items]}).transcript
    assert found is not None
    return found


def edges(**item: Any) -> tuple[int | None, int | None]:
    (line,) = lines(item)
    return line.start_offset_ms, line.end_offset_ms


def sections(*items: dict[str, Any]) -> tuple[Section, ...]:
    note = completed(content={"summary": list(items)}).note
    assert note is not None
    return note.sections


def notice(**body: Any) -> Notice:
    said = parsed(**{"session_id": REF, **body})
    assert isinstance(said, Notice)
    assert said.ref == REF
    assert CANARY not in said.problem
    return said


class TestNote:
    @pytest.mark.parametrize(
        ("code", "title", "key", "shown"),
        [
            ("10164-2", "HPI", "HISTORY_OF_PRESENT_ILLNESS", "HPI"),
            ("51847-2", "", "ASSESSMENT_AND_PLAN", "Assessment and plan"),
            ("18776-5", None, "PLAN", "Plan"),
            ("99999-9", "New", "LOINC_99999-9", "New"),
            ("not a code", "Odd", "OTHER", "Odd"),
            ("x" * 500, "Long", "OTHER", "Long"),
            (7, "Number", "OTHER", "Number"),
            (None, "", "OTHER", ""),
        ],
    )
    def test_sections_have_our_keys_by_their_loinc_codes(self, code: Any, title: Any, key: str, shown: str) -> None:
        assert sections({"loinc_code": code, "title": title, "content": "text"}) == (Section(key, shown, "text"),)

    def test_sections_keep_their_order_and_may_be_empty(self) -> None:
        found = sections({"loinc_code": "18776-5", "content": "b"}, {"loinc_code": "51848-0", "content": None})
        assert [(section.key, section.text) for section in found] == [("PLAN", "b"), ("ASSESSMENT", "")]

    def test_a_session_without_either_is_said_to_be_empty(self) -> None:
        contents: list[dict[str, Any]] = [{}, {"summary": []}, {"summary": None}]
        for content in contents:
            result = completed(content, {"final_transcript": []})
            assert (result.transcript, result.note) == (None, None)
            assert result.failure is not None
            assert (result.failure.code, result.failure.retryable) == ("empty", True)

    def test_one_of_the_two_is_no_failure(self) -> None:
        assert completed({"summary": [{"content": "x"}]}).note == NoteText("", (Section("OTHER", "", "x"),))
        assert completed(transcript={"final_transcript": [{"transcript": "x"}]}).failure is None


LINES = [{"transcript_id": line_id, "transcript": text} for line_id, text in (("a", "Hi."), ("b", " "), ("c", "Rest."))]


class TestSources:
    def sources(self, named: Any, *items: dict[str, Any]) -> tuple[int, ...]:
        said = {"summary": [{"content": "x", "source_transcripts": named}]}
        note = completed(said, {"final_transcript": [*(items or LINES)]}).note
        assert note is not None
        return note.sections[0].sources

    @pytest.mark.parametrize(
        "named",
        [
            ["c", "a"],
            [{"transcript_id": "c"}, {"transcript_id": "a", "transcript": "Hi."}],
            ["a", {"transcript_id": "c"}, "a", "c"],
        ],
    )
    def test_a_section_names_its_lines_by_their_numbers_without_those_that_have_no_words(self, named: Any) -> None:
        assert self.sources(named) == (0, 1)

    @pytest.mark.parametrize(
        "named",
        [
            None,
            [],
            {},
            "a",
            7,
            ["b", "z", "", "A"],
            [None, 7, ["a"], {}, {"transcript_id": ["a"]}, {"transcript_id": 0}, {"id": "a"}],
        ],
    )
    def test_what_names_no_line_is_left_out(self, named: Any) -> None:
        assert self.sources(named) == ()

    @pytest.mark.parametrize("line_id", [None, "", 7, ["a"], {}])
    def test_lines_need_no_id(self, line_id: Any) -> None:
        assert self.sources(["", "a"], {"transcript": "Hi.", "transcript_id": line_id}) == ()

    def test_an_id_of_two_lines_is_the_first_ones(self) -> None:
        assert self.sources(["a"], *({"transcript": text, "transcript_id": "a"} for text in "xyz")) == (0,)

    def test_no_section_names_more_lines_than_five_hundred(self) -> None:
        items = [{"transcript": "word", "transcript_id": str(number)} for number in range(2_000)]
        assert len(self.sources([str(number) for number in range(2_000)], *items)) == 500

    def test_without_the_transcript_there_are_none(self) -> None:
        (section,) = sections({"content": "x", "source_transcripts": ["a"]})
        assert section.sources == ()


class TestLines:
    @pytest.mark.parametrize("nothing", [{}, {"transcript": None}, {"transcript": ""}, {"transcript": " \n"}])
    def test_a_line_without_words_is_left_out(self, nothing: dict[str, Any]) -> None:
        items = [{"transcript": "One."}, nothing, {"transcript": "Two."}]
        found = completed({"summary": [{"content": "x"}]}, {"final_transcript": items}).transcript
        assert [line.text for line in found or ()] == ["One.", "Two."]

    def test_a_transcript_of_such_lines_alone_is_none(self) -> None:
        result = completed({"summary": [{"content": "x"}]}, {"final_transcript": [{}, {"transcript": ""}]})
        assert (result.transcript, result.failure) == (None, None)

    def test_when_it_began_is_told_by_such_a_line_too(self) -> None:
        items = [{"start_time": "2026-03-01T14:00:10Z"}, {"start_time": "2026-03-01T14:00:12Z", "transcript": "x"}]
        (line,) = completed(transcript={"final_transcript": items}).transcript or ()
        assert line.start_offset_ms == 2_000


class TestOffsets:
    @pytest.mark.parametrize(
        ("offset", "milliseconds"),
        [
            ({"hours": 1, "minutes": 2, "seconds": 3, "nanos": 4_000_000}, 3_723_004),
            ({"seconds": 3}, 3_000),
            ({"nanos": 499_999}, 0),
            ({"nanos": 500_001}, 1),
            ({"seconds": 1.5}, 1_500),
            ({}, 0),
            (None, None),
            ([], None),
            ("3s", None),
            (3, None),
            ({"seconds": -1}, None),
            ({"seconds": "3"}, None),
            ({"seconds": None}, None),
            ({"seconds": True}, None),
            ({"hours": 10**9}, None),
            ({"seconds": 1e308}, None),
            ({"seconds": int("9" * 300)}, None),
        ],
    )
    def test_an_offset_is_hours_minutes_seconds_and_nanos(self, offset: Any, milliseconds: int | None) -> None:
        assert edges(start_offset=offset, end_offset=offset) == (milliseconds, milliseconds)

    def test_times_count_from_where_a_line_has_both(self) -> None:
        first, second = lines(
            {"start_time": "2026-03-01T14:00:10Z", "end_time": "2026-03-01T14:00:11.250Z"},
            {"start_time": "2026-03-01T15:00:20+01:00", "start_offset": {"seconds": 15}, "end_offset": {"seconds": 16}},
        )
        assert (first.start_offset_ms, first.end_offset_ms) == (5_000, 6_250)
        assert (second.start_offset_ms, second.end_offset_ms) == (15_000, 16_000)

    def test_times_alone_count_from_the_first(self) -> None:
        first, second = lines({"start_time": "2026-03-01T14:00:10Z"}, {"start_time": "2026-03-01T14:00:12.5Z"})
        assert (first.start_offset_ms, second.start_offset_ms) == (0, 2_500)
        assert first.end_offset_ms is None

    @pytest.mark.parametrize(
        "time", ["", "now", "2026-03-01T14:00:10", 7, None, [], "0001-01-01T00:00:00+23:59", "9" * 10_000]
    )
    def test_a_time_that_is_none_gives_no_offset_or_the_beginning(self, time: Any) -> None:
        assert edges(start_time=time)[0] in (None, 0)

    def test_a_time_before_the_beginning_gives_none(self) -> None:
        early = {"start_time": "2026-03-01T14:00:00Z"}
        (line, _) = lines(early, {"start_time": "2026-03-01T14:00:10Z", "start_offset": {"seconds": 1}})
        assert line.start_offset_ms is None

    def test_fifty_thousand_words_are_read(self) -> None:
        found = lines(*({"transcript": "word", "start_offset": {"seconds": at}} for at in range(50_000)))
        assert len(found) == 50_000
        assert found[-1] == Line("word", "unspecified", 49_999_000, None)

    def test_more_than_a_hundred_thousand_are_not(self) -> None:
        with pytest.raises(Unreadable, match=r"final_transcript: more than 100,000 items"):
            completed(transcript={"final_transcript": [{}] * 100_001})


class TestUnreadable:
    @pytest.mark.parametrize(
        ("body", "place"),
        [
            ({"answer_to": "ambient"}, "session_id"),
            ({"answer_to": "ambient", "session_id": REF}, "status"),
            ({"answer_to": "ambient", "session_id": "x" * 129, "status": "failed"}, "session_id"),
            ({"answer_to": "ambient", "session_id": REF, "status": "completed"}, "transcript"),
            ({"answer_to": "dictation", "end": {}}, "session_id"),
            ({"status": "success"}, "session_id"),
            ({"session_id": REF}, "status"),
            ({"session_id": [REF], "status": "success"}, "session_id"),
        ],
    )
    def test_the_complaint_names_the_place(self, body: Any, place: str) -> None:
        with pytest.raises(Unreadable, match=f"^{place}"):
            parsed(**body)

    @pytest.mark.parametrize("said", [b"", b"<html>", b"[]", b'{"final_transcript": 7}', b'{"final_transcript": [7]}'])
    def test_an_answer_within_that_is_junk_makes_the_whole_junk(self, said: bytes) -> None:
        with pytest.raises(Unreadable):
            SukiVendor.parse(answers.completed(REF, b"{}", said))

    def test_an_answer_that_is_not_quite_json_is_read_all_the_same(self) -> None:
        raw = b'\xef\xbb\xbf{"final_transcript": [{"transcript": "two\nlines \xff \\ud800"}]}'
        result = SukiVendor.parse(answers.completed(REF, b"{}", raw))
        assert isinstance(result, Result)
        assert result.transcript is not None
        assert result.transcript[0].text == "two\nlines \ufffd \ufffd"

    def test_an_answer_cannot_pass_for_the_envelope(self) -> None:
        raw = b'{"final_transcript": []}, "status": "failed", "x": {}'
        with pytest.raises(Unreadable):
            SukiVendor.parse(answers.completed(REF, b"{}", raw))


class TestDictation:
    def result(self, end: bytes, *finals: str) -> Result:
        result = SukiVendor.parse(answers.dictated(REF, end, finals))
        assert isinstance(result, Result)
        return result

    @pytest.mark.parametrize(
        "end", [b"", b"{}", b"[]", b"<html>", b'{"final_transcript": ""}', b'{"final_transcript": [7], "status": 7}']
    )
    def test_without_a_whole_the_finals_are_the_transcript(self, end: bytes) -> None:
        found = self.result(end, "One.", " Two. ")
        assert found == Result(
            ref=REF, transcript=(Line("One.", "unspecified", None, None), Line("Two.", "unspecified", None, None))
        )

    def test_a_whole_of_the_same_words_keeps_the_finals_lines(self) -> None:
        found = self.result(b'{"final_transcript": "One.  Two."}', "One.", "Two.")
        assert [line.text for line in found.transcript or ()] == ["One.", "Two."]

    @pytest.mark.parametrize("status", ["cancelled", "failed", "FAILED"])
    def test_an_end_that_is_none_says_so_and_whether_somebody_gave_it_up(self, status: str) -> None:
        found = self.result(json.dumps({"status": status, "final_transcript": "One."}).encode(), "One.", "Two.")
        assert found.failure is not None
        assert (found.failure.code, found.failure.is_cancelled) == (status.lower(), status == "cancelled")
        assert found.transcript is None

    @pytest.mark.parametrize("end", [b"{}", b'{"status": "completed", "final_transcript": " \\n "}'])
    def test_nothing_heard_is_said_plainly(self, end: bytes) -> None:
        assert self.result(end).failure == answers.NOTHING_HEARD


class TestWebhook:
    def test_a_success_says_only_that_there_is_something_to_ask_for(self) -> None:
        links = {"contents": [{"href": "/api/v1/ambient/session/x/content", "method": "GET"}], "status": []}
        assert notice(status="success", encounter_id="e", sessions=[], additional_info={}, _links=links).problem == ""

    @pytest.mark.parametrize(
        ("status", "error_code", "words"),
        [
            ("failure", "ERROR_CODE_TRANSCRIPTION", "could not transcribe"),
            ("failure", "ERROR_CODE_TOMORROW", "could not write"),
            ("FAILURE", None, "could not write"),
            ("timeout", None, "took too long"),
            ("canceled", None, "cancelled"),
            ("cancelled", None, "cancelled"),
            (CANARY, None, "status that this version does not know"),
        ],
    )
    def test_anything_else_is_told_in_plain_words(self, status: str, error_code: Any, words: str) -> None:
        assert words in notice(status=status, error_code=error_code, error_detail=CANARY).problem

    @pytest.mark.parametrize(
        "href",
        [
            "/api/v1/x",
            "https://sdp.suki.ai/api/v1/x",
            "https://suki.clinic.example/api/v1/x",
            "//evil.example/x",
            "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
            "https://[zz/x",
        ],
    )
    def test_links_are_never_followed_so_none_is_worth_a_word(self, href: str) -> None:
        links = {"contents": [{"href": "/fine"}], "transcripts": [{"href": href}]}
        assert notice(status="success", _links=links) == notice(status="success")

    @pytest.mark.parametrize(
        "links", [None, 7, [], "x", {"contents": 7}, {"contents": [7, None, {}, {"href": 7}]}, {"": []}]
    )
    def test_links_may_be_anything(self, links: Any) -> None:
        assert notice(status="success", _links=links).problem == ""


@pytest.mark.parametrize(("status", "retryable"), [("skipped", False), ("aborted", True), ("failed", True)])
def test_an_end_without_a_note_says_why(status: str, retryable: bool) -> None:
    result = SukiVendor.parse(answers.ended(REF, status))
    assert isinstance(result, Result)
    assert isinstance(result.failure, Failure)
    assert (result.failure.code, result.failure.retryable) == (status, retryable)
    assert result.failure.message.endswith(".")
