"""A transcript's lines in HTML: numbered, to be played where they can be, and nothing in them but text."""

from __future__ import annotations

from typing import Any

from notes.lines import readable
from notes.models import Transcript
from notes.templatetags.spoken import listed


def html(*lines: dict[str, Any], is_heard: bool = True) -> str:
    return listed(readable(Transcript(lines=list(lines))), is_heard)


def line(**facts: Any) -> dict[str, Any]:
    return {
        "text": "My knee clicks.",
        "speaker": "patient",
        "start_offset_ms": 61_500,
        "end_offset_ms": 64_000,
        **facts,
    }


def test_a_line_says_when_who_and_what() -> None:
    assert html(line()) == (
        '<ol class="lp-lines" start="1">'
        '<li id="line-0" data-start="61500" data-end="64000">'
        '<button type="button" class="lp-time" tabindex="-1" aria-labelledby="line-0">1:01</button> '
        '<strong class="lp-voice lp-voice-1">Patient</strong> <span class="lp-said">My knee clicks.</span>'
        "</li></ol>"
    )


def test_a_vendor_that_tells_no_voices_leaves_none() -> None:
    assert '<strong class="lp-voice lp-voice-1"></strong>' in html(line(speaker="unspecified"))


def test_without_a_recording_nothing_is_pressed() -> None:
    shown = html(line(), is_heard=False)
    assert '<span class="lp-time">1:01</span>' in shown
    assert "<button" not in shown


def test_a_line_of_no_time_has_none_and_is_not_played() -> None:
    shown = html(line(start_offset_ms=None, end_offset_ms=None))
    assert '<li id="line-0"><span class="lp-time"></span> ' in shown


def test_a_line_may_begin_at_zero_and_have_no_end() -> None:
    shown = html(line(start_offset_ms=0, end_offset_ms=None))
    assert '<li id="line-0" data-start="0"><button ' in shown


def test_what_was_said_and_by_whom_is_text() -> None:
    shown = html(line(speaker='<i>"', text="<b>3 & {text} 'g'</b> %s"))
    assert '<strong class="lp-voice lp-voice-1">&lt;i&gt;&quot;</strong>' in shown
    assert "&lt;b&gt;3 &amp; {text} &#x27;g&#x27;&lt;/b&gt; %s</span>" in shown


def test_they_come_in_lists_that_count_on() -> None:
    lists = html(*[line(text=f"Line {number}.") for number in range(60)]).split("\n<ol ")
    assert [one.count("<li ") for one in lists] == [25, 25, 10]
    assert ['start="1"' in lists[0], 'start="26"' in lists[1], 'start="51"' in lists[2]] == [True] * 3
    assert 'id="line-25"' in lists[1]


def test_a_page_has_a_colour_for_each_of_four_voices() -> None:
    shown = html(*[line(speaker=name) for name in ("a", "b", "c", "d", "e", "a")])
    assert [shown.count(f"lp-voice-{voice}") for voice in (1, 2, 3, 4)] == [3, 1, 1, 1]
