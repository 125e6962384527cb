"""The recording and its transcript, in a real browser."""

from __future__ import annotations

import io
import math
import wave
from array import array
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from playwright.sync_api import Page, expect

from access.models import AccessEntry, Clinic
from recordings.models import Waveform
from tests.admin.conftest import signed_in
from tests.admin.rows import page_of
from tests.browser import axe
from tests.browser.desk import Desk
from tests.factories import AsyncRequestFactory, MembershipFactory, TranscriptFactory

RATE = 8000
PLAYED = """second => {
    const { played } = document.querySelector("audio");
    return [...Array(played.length).keys()].some(n => played.start(n) < second && second < played.end(n));
}"""
LINES = [
    ("doctor", "Good morning, what brings you in?", 0, 2000),
    ("patient", "My left knee clicks when I climb stairs.", 2500, 5000),
    ("doctor", "Since when?", 12_000, 13_000),
    ("patient", "Depuis l\u2019\u00e9t\u00e9. Since the summer, and it hurts when I kneel.", 13_500, 18_000),
    ("doctor", "Does the knee swell?", 18_500, 20_000),
]


def tone(seconds: float) -> bytes:
    samples = array("h", (int(9000 * math.sin(n / 5)) for n in range(int(seconds * RATE))))
    with io.BytesIO() as file, wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(samples.tobytes())
        written.close()
        return file.getvalue()


def transcript_of(clinic: Clinic, lines: list[tuple[str, str, Any, Any]] = LINES, seconds: float = 22) -> Any:
    """With its recording in the storage, a quiet waveform, and these lines."""
    request = AsyncRequestFactory(session__clinic=clinic, ready=True)
    body = tone(seconds)
    request.audio.size, request.audio.content_type = len(body), "audio/wav"
    request.audio.duration_ms = int(seconds * 1000)
    request.audio.save()
    default_storage.save(request.audio.storage_key, ContentFile(body))
    peaks = [min(100, 12 + int(60 * abs(math.sin(n / 40) * math.sin(n / 7)))) for n in range(600)]
    Waveform.objects.update_or_create(audio_id=request.audio.pk, defaults={"peaks": peaks, "clinic": clinic})
    shaped = [
        {"text": text, "speaker": speaker, "start_offset_ms": start, "end_offset_ms": end}
        for speaker, text, start, end in lines
    ]
    return TranscriptFactory(request=request, lines=shaped)


@pytest.fixture
def reader(desks: Callable[..., Desk], clinic: Clinic, web: str) -> Desk:
    """Somebody who may read, signed in already: the form takes longer than most of these tests."""
    cookie = signed_in(MembershipFactory(clinic=clinic, role="viewer").user).cookies[settings.SESSION_COOKIE_NAME]
    sat = desks()
    sat.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": web}])
    return sat


@pytest.fixture
def player(reader: Desk, clinic: Clinic) -> Page:
    """The page of a transcript."""
    reader.open(page_of(transcript_of(clinic)))
    return reader.page


#: `to`, of the page's window, becomes where the recording was sought to last.
TELL_SEEKS = """
const audio = document.querySelector("audio");
audio.addEventListener("seeking", () => { window.to = audio.currentTime; });
"""


def at(page: Page) -> float:
    """Where the recording is, in seconds."""
    seconds: float = page.evaluate("document.querySelector('audio').currentTime")
    return seconds


def is_playing(page: Page) -> bool:
    playing: bool = page.evaluate("!document.querySelector('audio').paused")
    return playing


def wait_for(page: Page, condition: str) -> None:
    """`condition`: JavaScript about `audio`."""
    page.wait_for_function(f"() => {{ const audio = document.querySelector('audio'); return {condition}; }}")


def current(page: Page) -> Any:
    return page.locator(".lp-lines [aria-current=true]")


def tell(page: Page, event: str, detail: dict[str, Any]) -> None:
    page.evaluate(
        "([name, detail]) => document.dispatchEvent(new CustomEvent(name, {detail}))", [f"listenpost:{event}", detail]
    )


def listenings(clinic: Clinic) -> int:
    return AccessEntry.objects.filter(clinic=clinic, action="listened").count()


class TestListening:
    def test_opening_the_page_is_no_listening(self, player: Page, clinic: Clinic) -> None:
        tell(player, "seek", {"to": 12})
        assert listenings(clinic) == 0

    def test_a_line_that_is_clicked_is_heard_and_marked(self, player: Page, clinic: Clinic) -> None:
        player.get_by_text("Since when?").click()
        wait_for(player, "!audio.paused && audio.currentTime > 12.1")
        expect(current(player)).to_have_text("0:12 Doctor Since when?")
        assert listenings(clinic) == 1

    def test_selecting_words_plays_nothing(self, player: Page) -> None:
        said = player.get_by_text("Since when?").bounding_box()
        assert said
        player.mouse.move(said["x"] + 2, said["y"] + 8)
        player.mouse.down()
        player.mouse.move(said["x"] + 60, said["y"] + 8)
        player.mouse.up()
        assert player.evaluate("String(getSelection())")
        assert not is_playing(player)

    def test_going_on_after_a_pause_begins_two_seconds_before(self, player: Page) -> None:
        tell(player, "seek", {"to": 14, "play": True})
        wait_for(player, "audio.currentTime > 14.2")
        player.keyboard.press("Space")
        wait_for(player, "audio.paused")
        paused = at(player)
        player.evaluate(TELL_SEEKS)
        player.keyboard.press("Space")
        wait_for(player, "!audio.paused && window.to !== undefined")
        assert player.evaluate("window.to") == pytest.approx(paused - 2, abs=0.1)

    def test_silence_between_the_lines_is_skipped_on_demand(self, player: Page) -> None:
        player.get_by_label("Skip silence").check()
        tell(player, "seek", {"to": 4.5, "play": True})
        wait_for(player, "audio.currentTime > 11.5")
        assert not player.evaluate(PLAYED, 8)

    def test_the_waveform_is_a_way_to_any_place(self, player: Page) -> None:
        wave = player.locator("#player-wave").bounding_box()
        assert wave
        player.mouse.click(wave["x"] + wave["width"] / 2, wave["y"] + 20)
        assert at(player) == pytest.approx(11, abs=0.2)
        assert not is_playing(player)

    def test_where_it_is_is_said_in_words_when_asked(self, player: Page) -> None:
        tell(player, "seek", {"to": 12.5})
        expect(player.locator("#player-said")).to_be_empty()
        player.get_by_role("button", name="0:12 of 0:22").click()
        expect(player.locator("#player-said")).to_have_text(
            "0 minutes 12 seconds of 0 minutes 22 seconds. Doctor speaks."
        )

    def test_a_recording_that_fails_says_why_and_goes_on_from_the_same_place(
        self, reader: Desk, clinic: Clinic
    ) -> None:
        transcript = transcript_of(clinic)
        key = transcript.request.audio.storage_key
        with default_storage.open(key) as file:
            body = file.read()
        default_storage.delete(key)
        reader.open(page_of(transcript))
        reader.page.get_by_text("Since when?").click()
        expect(reader.page.get_by_role("alert")).to_have_text(
            "The recording is not in the storage any more. Tell the operator."
        )
        default_storage.save(key, ContentFile(body))
        reader.page.get_by_role("button", name="Try again").click()
        wait_for(reader.page, "!audio.paused && audio.currentTime > 12.1")
        expect(reader.page.get_by_role("button", name="Try again")).to_be_hidden()
        assert {complaint.split(" ")[0] for complaint in reader.complaints} == {"404"}
        reader.complaints.clear()

    def test_somebody_signed_out_is_told_so(self, reader: Desk, clinic: Clinic) -> None:
        reader.open(page_of(transcript_of(clinic)))
        reader.context.clear_cookies()
        reader.page.get_by_text("Since when?").click()
        expect(reader.page.get_by_role("alert")).to_contain_text("You were signed out.")


class TestKeys:
    def test_they_play_and_pause_and_turn_from_line_to_line(self, player: Page) -> None:
        player.keyboard.press("j")
        expect(current(player)).to_contain_text("Good morning")
        player.keyboard.press("j")
        expect(current(player)).to_contain_text("My left knee")
        player.keyboard.press("k")
        expect(current(player)).to_contain_text("Good morning")
        player.keyboard.press("ArrowRight")
        assert at(player) == pytest.approx(5, abs=0.1)
        player.keyboard.press("ArrowLeft")
        assert at(player) == 0
        player.keyboard.press("Space")
        wait_for(player, "!audio.paused")
        player.keyboard.press("Space")
        wait_for(player, "audio.paused")

    def test_speed_is_changed_and_remembered(self, player: Page) -> None:
        player.keyboard.press(">")
        player.keyboard.press(">")
        player.keyboard.press("<")
        player.reload()
        expect(player.get_by_label("Speed")).to_have_value("1.25")
        wait_for(player, "audio.playbackRate === 1.25")

    def test_they_rest_while_somebody_types(self, player: Page) -> None:
        player.keyboard.press("/")
        player.keyboard.type("j <k>")
        expect(player.get_by_label("Find")).to_have_value("j <k>")
        expect(current(player)).to_have_count(0)
        expect(player.get_by_label("Speed")).to_have_value("1")

    def test_they_can_be_switched_off_for_good(self, player: Page) -> None:
        player.locator("summary", has_text="Keys").click()
        player.get_by_label("Shortcuts").uncheck()
        player.reload()
        player.keyboard.press("j")
        player.keyboard.press(">")
        expect(current(player)).to_have_count(0)
        expect(player.get_by_label("Speed")).to_have_value("1")

    def test_other_keys_are_left_to_others(self, player: Page) -> None:
        player.evaluate("document.addEventListener('keydown', e => { window.taken = e.defaultPrevented })")
        for key in ("n", "e", "a", "s", "Control+j"):
            player.keyboard.press(key)
            assert player.evaluate("window.taken") is False

    def test_the_transcript_is_one_tab_stop_with_arrow_keys_inside(self, player: Page) -> None:
        player.locator("summary", has_text="Keys").focus()
        player.keyboard.press("Tab")
        player.keyboard.press("ArrowDown")
        player.keyboard.press("ArrowDown")
        focused = player.locator("button:focus")
        expect(focused).to_have_accessible_name("0:12 Doctor Since when?")
        player.keyboard.press("Enter")
        wait_for(player, "!audio.paused && audio.currentTime > 12")
        player.keyboard.press("Space")
        wait_for(player, "audio.paused")
        player.keyboard.press("Tab")
        assert player.evaluate("document.activeElement.closest('.lp-lines')") is None


class TestFinding:
    def test_accents_case_and_apostrophes_do_not_matter(self, player: Page) -> None:
        player.get_by_label("Find").fill("DEPUIS L'ETE")
        expect(player.locator("#player-found")).to_have_text("1 line")
        expect(player.locator(".lp-hit")).to_contain_text("Since the summer")

    def test_enter_turns_from_one_to_the_next(self, player: Page) -> None:
        player.get_by_label("Find").fill("knee")
        player.keyboard.press("Enter")
        player.keyboard.press("Enter")
        expect(player.locator("#player-found")).to_have_text("2 of 3 lines")
        player.get_by_role("button", name="Previous line found").click()
        expect(player.locator("#player-found")).to_have_text("1 of 3 lines")

    def test_words_of_a_search_are_found_at_once_and_then_forgotten(self, player: Page) -> None:
        player.evaluate("sessionStorage.setItem('listenpost.find', '\"climbing stairs\" -fever')")
        player.reload()
        expect(player.locator(".lp-hit")).to_contain_text("climb stairs")
        assert player.evaluate("sessionStorage.getItem('listenpost.find')") is None

    def test_what_nobody_says_is_said(self, player: Page) -> None:
        player.get_by_label("Find").fill("fracture")
        expect(player.locator("#player-found")).to_have_text("Nobody says that.")


class TestSources:
    def test_lines_are_marked_in_words_and_gone_to_without_playing(self, player: Page, clinic: Clinic) -> None:
        tell(player, "source", {"lines": [3, 4]})
        expect(player.get_by_text("possible source")).to_have_count(2)
        assert at(player) == 13.5
        tell(player, "source", {"lines": [1]})
        expect(player.locator(".lp-source")).to_contain_text("climb stairs")
        expect(player.get_by_text("possible source")).to_have_count(1)
        assert listenings(clinic) == 0

    def test_a_line_has_an_address_without_a_script_too(self, player: Page) -> None:
        player.goto(f"{player.url}#line-3")
        expect(player.locator(":target")).to_contain_text("Since the summer")


class TestLong:
    LINES = tuple(
        ("doctor", f"Line {n} of many, long enough to fill a row.", n * 1000, n * 1000 + 900) for n in range(300)
    )

    @pytest.fixture
    def long(self, reader: Desk, clinic: Clinic) -> Page:
        reader.open(page_of(transcript_of(clinic, list(self.LINES), seconds=300)))
        return reader.page

    def test_the_view_follows_what_is_heard(self, long: Page) -> None:
        tell(long, "seek", {"to": 250})
        expect(long.get_by_text("Line 250 of")).to_be_in_viewport()

    def test_it_stays_where_the_reader_scrolls_until_asked(self, long: Page) -> None:
        long.locator(".lp-scroll").hover()
        long.mouse.wheel(0, 300)
        expect(long.get_by_label("Follow")).not_to_be_checked()
        tell(long, "seek", {"to": 250})
        expect(current(long)).to_contain_text("Line 250 of")
        expect(long.get_by_text("Line 250 of")).not_to_be_in_viewport()
        long.get_by_label("Follow").check()
        expect(long.get_by_text("Line 250 of")).to_be_in_viewport()


class TestLess:
    def test_lines_without_a_time_are_read_and_not_played(self, reader: Desk, clinic: Clinic) -> None:
        reader.open(page_of(transcript_of(clinic, [("doctor", "Dictated in one go.", None, None)])))
        reader.page.get_by_text("Dictated in one go.").click()
        expect(reader.page.get_by_role("region", name="Lines of the transcript").get_by_role("button")).to_have_count(0)
        assert not is_playing(reader.page)

    def test_a_transcript_without_a_recording_can_be_read_and_searched(self, reader: Desk, clinic: Clinic) -> None:
        transcript = transcript_of(clinic)
        type(transcript.request).objects.filter(pk=transcript.request_id).update(submitted_elsewhere=True, audio=None)
        reader.open(page_of(transcript))
        expect(reader.page.get_by_text("No audio was uploaded for this note.")).to_be_visible()
        reader.page.keyboard.press("/")
        reader.page.keyboard.type("stairs")
        expect(reader.page.locator(".lp-hit")).to_contain_text("climb stairs")
        tell(reader.page, "source", {"lines": [2]})
        expect(reader.page.locator(".lp-source")).to_contain_text("Since when?")


def test_the_player_is_for_everybody(player: Page) -> None:
    player.get_by_label("Find").fill("knee")
    player.locator("summary", has_text="Keys").click()
    tell(player, "source", {"lines": [1, 2]})
    for width in (1280, 320):
        for theme in ("light", "dark"):
            axe.show(player, theme, width)
            assert axe.spilled(player) == []
            assert axe.violations(player, axe.ALL_RULES) == []
