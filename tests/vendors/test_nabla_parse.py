"""Nabla: reading callbacks of both forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vendors.base import Failure, Line, NoteText, Result, Section, Unreadable
from vendors.nabla.wire import ERROR_WORDS, TOO_SHORT, parse


def parsed(**body: Any) -> Result:
    return parse(json.dumps(body).encode())


def complaint(**body: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        parsed(**body)
    return str(caught.value)


def failure(code: Any) -> Failure:
    found = parsed(request_id="r", error_code=code, error_message="the patient's words").failure
    assert found is not None
    return found


def line(**item: Any) -> Line:
    transcript = parsed(transcript=[{"text": "hello", **item}]).transcript
    assert transcript is not None
    return transcript[0]


def section(**item: Any) -> Section:
    note = parsed(note={"sections": [item]}).note
    assert note is not None
    return note.sections[0]


def envelope(kind: str, payload: Any = None, **data: Any) -> Result:
    return parsed(id="e", created_at="2026-01-01T00:00:00Z", type=kind, data={"id": "R", "payload": payload, **data})


def test_the_documented_success() -> None:
    result = parsed(
        request_id="ABC",
        client_request_id="mine",
        transcript=[{"text": "Hi", "speaker": "doctor", "start_offset_ms": 65100, "end_offset_ms": 69300}],
        note={"title": "Visit", "sections": [{"key": "CHIEF_COMPLAINT", "title": "Chief complaint", "text": "Cough"}]},
    )
    assert result == Result(
        client_request_id="mine",
        ref="ABC",
        transcript=(Line("Hi", "doctor", 65100, 69300),),
        note=NoteText("Visit", (Section("CHIEF_COMPLAINT", "Chief complaint", "Cough"),)),
    )


def test_null_is_absent_but_an_empty_transcript_is_a_transcript() -> None:
    assert parsed(request_id="r", transcript=None, note=None) == Result(ref="r")
    assert parsed(transcript=[]).transcript == ()
    assert parsed(note={"sections": []}).note == NoteText("", ())


def test_a_body_that_only_names_its_request_leaves_the_judgement_to_the_caller() -> None:
    assert parsed(client_request_id="mine") == Result(client_request_id="mine")
    assert parsed(request_id="r", something="new") == Result(ref="r")


def test_a_body_with_nothing_in_it_is_unreadable() -> None:
    assert complaint(something="new") == "no transcript, note, error or id"
    assert complaint(client_request_id="", request_id="") == "no transcript, note, error or id"


def test_an_error_beats_everything_else() -> None:
    result = parsed(error_code=422, transcript=[{"text": 5}], note="x")
    assert result.failure is not None
    assert (result.transcript, result.note) == (None, None)


def test_a_null_error_is_none() -> None:
    assert parsed(request_id="r", error_code=None).failure is None


@pytest.mark.parametrize(
    ("code", "text", "retryable"),
    [
        (422, "422", False),
        (422.0, "422", False),
        ("422", "422", False),
        (83005, "83005", False),
        (83006, "83006", False),
        (83014, "83014", False),
        (85000, "85000", True),
        (50025, "50025", True),
        (500, "500", True),
        (503, "503", True),
        (599, "599", True),
        (600, "600", False),
        (0, "0", False),
        (-500, "-500", False),
        ("0", "0", False),
        ("999999999", "999999999", False),
        ("1000000000", "unknown", False),
        (999_999_999, "999999999", False),
        (1_000_000_000, "unknown", False),
        ("-500", "unknown", False),
        ("422\n", "unknown", False),
        ("٤٢٢", "unknown", False),
        (422.5, "unknown", False),
        ("E_BUSY", "unknown", False),
        ("Smith", "unknown", False),
        (True, "unknown", False),
        ("the patient's words", "unknown", False),
        ("", "unknown", False),
        ([1], "unknown", False),
        ({"code": 1}, "unknown", False),
        (10**200, "unknown", False),
    ],
)
def test_error_codes_of_any_type(code: Any, text: str, retryable: bool) -> None:
    assert (failure(code).code, failure(code).retryable) == (text, retryable)
    assert "patient" not in failure(code).message


def test_a_word_in_place_of_a_code_is_not_repeated() -> None:
    assert "Smith" not in repr(failure("Smith"))
    assert "Smith" not in repr(envelope("generate_note_async.failed", {"error_code": "Smith"}))


def test_known_codes_have_plain_words_and_others_their_number() -> None:
    assert failure(422).message == failure(83005).message == TOO_SHORT
    assert "could not process the recording (code 12345)." in failure(12345).message


def test_a_transcript_line_needs_text_only() -> None:
    assert line() == Line("hello", "unspecified", None, None)
    assert line(speaker=None, start_offset_ms=None).speaker == "unspecified"
    assert line(speaker="Interpreter #2").speaker == "Interpreter #2"


def test_offsets_under_either_name() -> None:
    assert line(start_time_ms=1, end_time_ms=2) == Line("hello", "unspecified", 1, 2)
    assert line(start_offset_ms=None, start_time_ms=7).start_offset_ms == 7
    assert line(start_offset_ms=3, start_time_ms=7).start_offset_ms == 3


@pytest.mark.parametrize(
    ("sent", "read"),
    [(0, 0), (2**31 - 1, 2**31 - 1), (65100.0, 65100), (0.4, 0), (1.4, 1), (1.5, 2), (65099.7, 65100)],
)
def test_offsets_that_can_be_read(sent: float, read: int) -> None:
    assert line(start_offset_ms=sent).start_offset_ms == read


@pytest.mark.parametrize("sent", [-1, -0.4, 2**31, 10**200, 1e300, True, False, "5", "", [], {}])
def test_an_offset_that_cannot_be_read_costs_nothing_but_itself(sent: Any) -> None:
    assert line(start_offset_ms=5, end_offset_ms=sent) == Line("hello", "unspecified", 5, None)
    assert line(start_offset_ms=sent, start_time_ms=7).start_offset_ms == 7


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"transcript": {}}, "transcript: not a list"),
        ({"transcript": ["x"]}, "transcript[0]: not an object"),
        ({"transcript": [{}]}, "transcript[0].text: missing"),
        ({"transcript": [{"text": 5}]}, "transcript[0].text: not a text"),
        ({"transcript": [{"text": "a", "speaker": 5}]}, "transcript[0].speaker: not a text"),
        ({"note": []}, "note: not an object"),
        ({"note": {}}, "note.sections: missing"),
        ({"note": {"sections": [{"key": "A", "text": "b"}] * 3 + [{"key": "A"}]}}, "note.sections[3].text: missing"),
        ({"note": {"sections": [{"text": "a"}]}}, "note.sections[0].key: missing"),
        ({"note": {"sections": [{"key": None, "text": "a"}]}}, "note.sections[0].key: missing"),
        ({"note": {"sections": [{"key": "A", "text": 5}]}}, "note.sections[0].text: not a text"),
        ({"transcript": [{"text": None}]}, "transcript[0].text: missing"),
        ({"note": {"sections": [], "title": 1}}, "note.title: not a text"),
        ({"client_request_id": ["x"]}, "client_request_id: not a text"),
        ({"client_request_id": "x" * 129}, "client_request_id: longer than 128 characters"),
        ({"transcript": [{"text": "a"}] * 20_001}, "transcript: more than 20,000 items"),
        ({"note": {"sections": [{"key": "A", "text": "b"}] * 1001}}, "note.sections: more than 1,000 items"),
        ({"transcript": [{"text": "x" * 1_000_001}]}, "transcript[0].text: longer than 1,000,000 characters"),
        ({"type": 5, "data": {}}, "type: not a text"),
        ({"type": "generate_note_async.succeeded", "data": 5}, "data: not an object"),
    ],
)
def test_a_complaint_names_the_place(body: dict[str, Any], place: str) -> None:
    assert complaint(**body) == place


def test_the_bounds_themselves_are_allowed() -> None:
    assert len(parsed(transcript=[{"text": "a"}] * 20_000).transcript or ()) == 20_000
    assert len(line(text="x" * 1_000_000).text) == 1_000_000
    assert parsed(client_request_id="x" * 128).client_request_id == "x" * 128
    assert parsed(request_id="x" * 128).ref == "x" * 128


@pytest.mark.parametrize("sent", [5, True, ["x"], {}, "", "x" * 129])
def test_a_request_id_that_cannot_be_one_counts_as_absent(sent: Any) -> None:
    assert parsed(request_id=sent, client_request_id="mine", transcript=[]) == Result("mine", transcript=())
    assert envelope("transcribe_async.succeeded", {"transcript": []}, id=sent) == Result(transcript=())
    assert parsed(request_id=sent, error_code=422).failure is not None
    assert complaint(request_id=sent) == "no transcript, note, error or id"


def test_sections_keep_unknown_keys_and_ignore_content() -> None:
    assert section(key="ZODIAC_SIGN", title="Sign", text="Leo", content=["no"], more=1) == Section(
        "ZODIAC_SIGN", "Sign", "Leo"
    )
    assert section(key="A", text="b") == Section("A", "", "b")


def test_a_section_whose_text_is_null_is_empty() -> None:
    assert section(key="PLAN", title=None, text=None) == Section("PLAN", "", "")


def test_the_envelope_of_a_note() -> None:
    payload = {"note": {"title": "t", "sections": []}}
    assert envelope("generate_note_async.succeeded", payload, client_request_id="mine") == Result(
        client_request_id="mine", ref="R", note=NoteText("t", ())
    )


def test_the_envelope_of_a_transcript() -> None:
    result = envelope("transcribe_async.succeeded", {"transcript": [{"text": "hello"}]}, status="new tomorrow")
    assert result == Result(ref="R", transcript=(Line("hello", "unspecified", None, None),))


@pytest.mark.parametrize("kind", ["generate_note_async", "transcribe_async"])
class TestEnvelopesOfEitherKind:
    def test_a_success_brings_whatever_it_holds(self, kind: str) -> None:
        note, transcript = {"sections": [{"key": "PLAN", "text": "rest"}]}, [{"text": "hello"}]
        result = envelope(f"{kind}.succeeded", {"note": note, "transcript": transcript}, client_request_id="mine")
        assert result == Result(
            "mine", "R", (Line("hello", "unspecified", None, None),), NoteText("", (Section("PLAN", "", "rest"),))
        )

    def test_a_failure_has_its_code_and_none_of_the_vendors_words(self, kind: str) -> None:
        payload = {"error_code": 85000, "error_message": "the patient's words"}
        result = envelope(f"{kind}.failed", payload, client_request_id="mine")
        assert result == Result("mine", "R", failure=Failure("85000", ERROR_WORDS[85000], True))

    @pytest.mark.parametrize("payload", [None, {}, {"note": {"sections": []}}, {"error_code": None}])
    def test_a_failure_is_one_even_without_a_code(self, kind: str, payload: Any) -> None:
        result = envelope(f"{kind}.failed", payload, status="succeeded")
        assert result.failure is not None
        assert (result.ref, result.failure.code, result.note) == ("R", "unknown", None)

    def test_the_status_is_not_read(self, kind: str) -> None:
        status: Any
        for status in ("failed", "", None, 5, {}):
            assert envelope(f"{kind}.succeeded", {"transcript": []}, status=status) == Result(ref="R", transcript=())

    def test_the_job_is_named_inside_and_not_by_the_event(self, kind: str) -> None:
        data = {"client_request_id": "mine", "payload": {"transcript": []}}
        named = {"request_id": "outside", "client_request_id": "outside"}
        assert parsed(id="e", type=f"{kind}.succeeded", data=data, **named) == Result("mine", transcript=())

    def test_an_id_may_be_null_and_is_kept_as_it_came(self, kind: str) -> None:
        payload: Any = {"transcript": []}
        assert envelope(f"{kind}.succeeded", payload, id=None, client_request_id=None) == Result(transcript=())
        assert envelope(f"{kind}.succeeded", payload, id="ABC-def").ref == "ABC-def"

    @pytest.mark.parametrize("ending", ["", ".", ".Succeeded", ".succeeded ", ".cancelled", ".succeeded.failed"])
    def test_a_type_is_known_to_the_letter(self, kind: str, ending: str) -> None:
        with pytest.raises(Unreadable, match=r"^type: none that is known$"):
            envelope(f"{kind}{ending}", {"transcript": []})

    @pytest.mark.parametrize("ending", ["succeeded", "failed"])
    def test_a_complaint_about_an_envelope_names_the_place(self, kind: str, ending: str) -> None:
        for data, place in [
            ([], "data: not an object"),
            ({"payload": []}, "data.payload: not an object"),
            ({"client_request_id": 5}, "data.client_request_id: not a text"),
            ({"client_request_id": "x" * 129}, "data.client_request_id: longer than 128 characters"),
        ]:
            assert complaint(type=f"{kind}.{ending}", data=data) == place


def test_an_error_in_a_successful_envelope_is_a_failure() -> None:
    assert envelope("generate_note_async.succeeded", {"error_code": 1}).failure is not None


def test_a_plain_callback_may_gain_fields_that_an_envelope_has() -> None:
    more: dict[str, Any]
    for more in ({"type": "new tomorrow"}, {"data": {}}, {"type": "transcribe_async.failed", "data": None}):
        assert parsed(request_id="r", transcript=[], **more) == Result(ref="r", transcript=())


def test_an_envelope_without_anything_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        parsed(type="generate_note_async.succeeded", data={"payload": {}})
    assert parsed(type="generate_note_async.succeeded", data={"id": "R"}) == Result(ref="R")
