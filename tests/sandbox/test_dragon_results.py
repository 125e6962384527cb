"""Dragon Copilot's data exchange: what is announced, what can be fetched, and what can be wrong with both."""

import json
import time
import uuid
from datetime import datetime
from typing import Any

import pytest
import requests

from sandbox.dragon.exchange import NOTE_READY, NOTE_UPDATED, TRANSCRIPT_READY
from sandbox.dragon.results import SECTIONS
from sandbox.sample import AUDIO as SAMPLE
from sandbox.sample import sample
from sandbox.suki.hearing import sample_samples

from .conftest import DELAY
from .copilot import HOOK, PCM, Copilot, bring, close, samples, told

AUDIO = samples(4)


@pytest.fixture
def hooked(copilot: Copilot) -> Copilot:
    assert copilot.subscribe().status_code == 200
    return copilot


def new() -> str:
    return str(uuid.uuid4())


def types(events: list[dict[str, Any]]) -> list[str]:
    return [one["type"] for one in events]


def milliseconds(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)


def delivered(copilot: Copilot, session: str, count: int) -> list[dict[str, Any]]:
    shown = copilot.until(session, lambda shown: len(shown["deliveries"]) >= count)
    found: list[dict[str, Any]] = shown["deliveries"]
    return found


def nothing_more(copilot: Copilot, session: str, count: int) -> None:
    time.sleep(DELAY * 3)
    assert len(copilot.session(session)["deliveries"]) == count


def test_two_events_announce_the_results(hooked: Copilot) -> None:
    session = hooked.finished(AUDIO)
    transcript, note = hooked.events(2)
    assert types([transcript, note]) == [TRANSCRIPT_READY, NOTE_READY]
    assert note.keys() == {"specversion", "id", "source", "type", "time", "datacontenttype", "data"}
    assert (note["specversion"], note["source"]) == ("1.0", "https://dataexchange.dragon.sandbox")
    assert datetime.fromisoformat(note["time"]).tzinfo is not None
    assert note["data"].keys() == {"retrievalUrl", "correlationId", "customerId", "userId"}
    assert (note["data"]["correlationId"], note["data"]["customerId"]) == (session, hooked.customer)
    assert note["data"]["userId"] == "dr-a"
    assert note["data"]["retrievalUrl"].startswith(f"{hooked.root}/dragon/partner/notifications/")
    assert transcript["id"] != note["id"]
    headers = hooked.clinic.arrived[0][3]
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    record, _ = delivered(hooked, session, 2)
    assert (record["event_id"], record["type"], record["status"]) == (transcript["id"], TRANSCRIPT_READY, 200)
    assert "cret" not in json.dumps(record)


def test_a_result_is_json_inside_json(hooked: Copilot) -> None:
    hooked.finished(AUDIO)
    transcript, note = hooked.events(2)
    answer = hooked.fetch(note)
    assert (answer.status_code, answer.json().keys()) == (200, {"notificationId", "data"})
    assert answer.json()["notificationId"] == note["data"]["retrievalUrl"].rpartition("/")[2]
    assert json.loads(answer.json()["data"]).keys() == {"document", "resources"}
    turns = hooked.result(transcript)["transcript"]["turns"]
    assert [one["index"] for one in turns] == list(range(1, len(turns) + 1))
    assert {one["speaker"] for one in turns} == {"clinician", "other"}
    assert milliseconds(turns[-1]["end_time"]) == 4000


@pytest.mark.parametrize("is_file", [True, False])
def test_the_sample_has_its_own_transcript_and_note(hooked: Copilot, is_file: bool) -> None:
    hooked.finished(SAMPLE.read_bytes() if is_file else sample_samples())
    transcript, note = (hooked.result(one) for one in hooked.events(2))
    assert transcript["transcript"]["speaker_count"] == 2
    assert [
        (one["text"], milliseconds(one["start_time"]), milliseconds(one["end_time"]))
        for one in transcript["transcript"]["turns"]
    ] == [(one["text"], one["start_offset_ms"], one["end_offset_ms"]) for one in sample()["transcript"]]
    assert note["document"] == {"title": sample()["note"]["title"]}
    assert [one["content"] for one in note["resources"][:-1]] == [one["text"] for one in sample()["note"]["sections"]]


def test_a_section_is_coded_and_may_be_empty(hooked: Copilot) -> None:
    hooked.finished(AUDIO)
    resources = hooked.result(hooked.events(2)[1])["resources"]
    assert resources[0] == {
        "legacy_id": "cc",
        "context": {
            "content_type": "document_section",
            "display_description": "Chief Complaint",
            "codes": [{"system": "loinc.org", "identifier": "10154-3"}],
        },
        "content": resources[0]["content"],
    }
    assert [bool(one["content"]) for one in resources] == [True] * (len(resources) - 1) + [False]
    assert {one["context"]["codes"][0]["identifier"] for one in resources} <= {code for _, code, _ in SECTIONS.values()}


def test_a_files_own_length_counts(hooked: Copilot) -> None:
    """A FLAC of a minute is much shorter than a minute of samples."""
    hooked.finished(SAMPLE.read_bytes() + b"\0")
    turns = hooked.result(hooked.events(2)[0])["transcript"]["turns"]
    assert 55_000 < milliseconds(turns[-1]["end_time"]) < 65_000


@pytest.mark.parametrize("audio", [b"x", samples(0.5)])
def test_too_little_audio_still_has_results(hooked: Copilot, audio: bytes) -> None:
    hooked.finished(audio)
    transcript, note = (hooked.result(one) for one in hooked.events(2))
    assert transcript["transcript"]["turns"]
    assert note["resources"]


def test_a_streamed_session_is_processed_when_asked_for(hooked: Copilot) -> None:
    session, recording = new(), new()
    opening = hooked.opening(session, recording, dataFormat={"pcm": {**PCM["pcm"], "sampleRateHz": 8000}})
    opening["ambientSessionData"]["localeInfo"]["recordingLocales"] = ["fr-FR"]
    with hooked.socket() as socket:
        hooked.open(socket, session, recording, **opening)
        bring(socket, AUDIO)
        close(socket, recording)
        told(socket)
    nothing_more(hooked, session, 0)
    for _ in range(2):
        hooked.process(session)
    transcript, _ = hooked.events(2)
    turns = hooked.result(transcript)["transcript"]["turns"]
    assert milliseconds(turns[-1]["end_time"]) == 8000
    assert any(one["text"].startswith("Bonjour") for one in turns)
    nothing_more(hooked, session, 2)


def test_an_uploaded_session_is_processed_once_it_has_ended(hooked: Copilot) -> None:
    session = hooked.uploaded(AUDIO)
    nothing_more(hooked, session, 0)
    hooked.end(session)
    hooked.events(2)
    assert hooked.session(session)["processed"] is True


@pytest.mark.parametrize("is_streamed", [False, True])
def test_each_recording_can_be_written_up_as_it_is_complete(hooked: Copilot, is_streamed: bool) -> None:
    hooked.settings(writes_up_each_recording=True)
    session = new() if is_streamed else hooked.create()
    for number, seed in enumerate((1, 2), 1):
        if is_streamed:
            hooked.streamed(samples(4, seed), session, new())
        else:
            hooked.put(session, samples(4, seed), number)
        hooked.events(2 * number)
        assert hooked.session(session)["processed"] is False
    hooked.process(session) if is_streamed else hooked.end(session)
    found = [hooked.result(one) for one in hooked.events(6)]
    ends = [milliseconds(one["transcript"]["turns"][-1]["end_time"]) for one in found[::2]]
    assert ends == [4000, 8000, 8000]
    assert found[1]["document"] != found[3]["document"] == found[5]["document"]


def test_nobody_is_told_without_a_subscription(copilot: Copilot) -> None:
    session = copilot.finished(AUDIO)
    copilot.until(session, lambda shown: shown["processed"])
    nothing_more(copilot, session, 0)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/dax", "/dax?access_token=t+%26%2B"),
        ("/dax?tenant=a%20b", "/dax?tenant=a%20b&access_token=t+%26%2B"),
    ],
)
def test_the_secret_is_part_of_the_query(copilot: Copilot, path: str, address: str) -> None:
    assert copilot.subscribe(path, "t &+").status_code == 200
    copilot.finished(AUDIO)
    assert types(copilot.events(2, address)) == [TRANSCRIPT_READY, NOTE_READY]


def test_a_subscription_is_answered_and_replaced(hooked: Copilot) -> None:
    answer = hooked.subscribe("/other", "two")
    assert answer.json().keys() == {"subscriptionId", "customerId", "webHookUrl"}
    (kept,) = hooked.control("GET", "subscriptions").json()
    assert (kept["url"], kept["customer_id"]) == (hooked.clinic.url("/other"), hooked.customer)
    hooked.finished(AUDIO)
    assert len(hooked.events(2, "/other?access_token=two")) == 2
    assert hooked.clinic.at(f"{HOOK}?access_token=s%26cret") == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"webHookUrl": "ftp://x"}, "webHookUrl must be an http or https URL"),
        ({"eventFamily": ["other"], "accessToken": ""}, 'eventFamily must be ["dax"], accessToken must be a string'),
        ({"customerId": new()}, "customerId must be the body's"),
        ({"webHookUrl": "http://127.0.0.1:1/"}, "webHookUrl cannot be reached: ConnectionError"),
    ],
)
def test_a_subscription_is_checked(copilot: Copilot, changes: dict[str, Any], sentence: str) -> None:
    answer = copilot.subscribe(**changes)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)
    assert copilot.control("GET", "subscriptions").json() == []


@pytest.mark.parametrize("allows", ["", "other.example"])
def test_a_webhook_must_allow_the_source(copilot: Copilot, allows: str) -> None:
    copilot.clinic.allows = allows
    answer = copilot.subscribe()
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("webHookUrl does not allow dataexchange.dragon.sandbox")


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_an_event_is_sent_again_until_it_is_taken(hooked: Copilot, status: int) -> None:
    hooked.clinic.first_answers = [status] * 5
    session = hooked.finished(AUDIO)
    events = hooked.events(7)
    assert types(events) == [TRANSCRIPT_READY] * 6 + [NOTE_READY]
    assert len({one["id"] for one in events}) == 2
    assert [one["status"] for one in delivered(hooked, session, 7)] == [status] * 5 + [200, 200]


def test_an_event_is_given_up_after_five_more_tries(hooked: Copilot) -> None:
    hooked.clinic.answer_status = 500
    session = hooked.finished(AUDIO)
    assert types(delivered(hooked, session, 12)) == [TRANSCRIPT_READY] * 6 + [NOTE_READY] * 6
    nothing_more(hooked, session, 12)


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_some_answers_are_final(hooked: Copilot, status: int) -> None:
    hooked.clinic.first_answers = [status]
    session = hooked.finished(AUDIO)
    assert [one["status"] for one in delivered(hooked, session, 2)] == [status, 200]
    nothing_more(hooked, session, 2)


def test_results_are_the_partners_alone(hooked: Copilot) -> None:
    hooked.finished(AUDIO)
    url = hooked.events(1)[0]["data"]["retrievalUrl"]
    assert requests.get(url, timeout=8).status_code == 401
    headers = {"Authorization": f"Bearer {hooked.audio_token}"}
    assert requests.get(url, headers=headers, timeout=8).status_code == 401
    assert hooked.partner("GET", f"notifications/{new()}").status_code == 404


def test_both_events_can_be_lost(hooked: Copilot) -> None:
    hooked.fault("notification_lost", times=1)
    session = hooked.finished(AUDIO)
    hooked.until(session, lambda shown: shown["processed"])
    nothing_more(hooked, session, 0)
    assert hooked.session(session)["faults"] == ["notification_lost"]


def test_one_of_them_can_be_lost(hooked: Copilot) -> None:
    hooked.fault("notification_lost", times=1, type=NOTE_READY)
    session = hooked.finished(AUDIO)
    assert types(hooked.events(1)) == [TRANSCRIPT_READY]
    nothing_more(hooked, session, 1)


@pytest.mark.parametrize(("fault", "ids"), [("notification_doubled", 2), ("notification_repeated", 4)])
def test_events_can_come_twice(hooked: Copilot, fault: str, ids: int) -> None:
    hooked.fault(fault, times=1)
    hooked.finished(AUDIO)
    events = hooked.events(4)
    assert types(events) == [TRANSCRIPT_READY] * 2 + [NOTE_READY] * 2
    assert len({one["id"] for one in events}) == ids
    assert len({one["data"]["retrievalUrl"] for one in events}) == 2


def test_events_can_come_in_the_other_order(hooked: Copilot) -> None:
    hooked.fault("notifications_reordered", times=1)
    hooked.finished(AUDIO)
    assert types(hooked.events(2)) == [NOTE_READY, TRANSCRIPT_READY]


def test_a_blank_note_can_follow_the_full_one(hooked: Copilot) -> None:
    hooked.fault("notification_blank", times=1)
    hooked.finished(AUDIO)
    _, full, blank = hooked.events(3)
    assert blank["type"] == NOTE_READY
    assert (bool(hooked.result(full)["resources"]), hooked.result(blank)["resources"]) == (True, [])


def test_an_unknown_event_can_come_besides(hooked: Copilot) -> None:
    hooked.fault("notification_unknown", times=1)
    hooked.finished(AUDIO)
    assert types(hooked.events(3))[2] == "encounter_surprise_ready"


def test_a_letter_can_come_besides(hooked: Copilot) -> None:
    hooked.fault("notification_supplement", times=1)
    hooked.finished(AUDIO)
    _, note, letter = hooked.events(3)
    assert letter["type"] == "supplemental_encounter_data_ready"
    usual, other = hooked.result(note), hooked.result(letter)
    assert usual.keys() == other.keys()
    assert usual["document"] != other["document"]
    assert [one["content"][:14] for one in other["resources"]] == ["Dear colleague"]


@pytest.mark.parametrize(
    ("fault", "kind", "is_later"),
    [("notification_updated", NOTE_UPDATED, True), ("older_notification", NOTE_READY, False)],
)
def test_a_note_can_come_in_other_words(hooked: Copilot, fault: str, kind: str, is_later: bool) -> None:
    hooked.fault(fault, times=1)
    hooked.finished(AUDIO)
    _, first, second = hooked.events(3)
    assert second["type"] == kind
    assert (first["time"] <= second["time"]) is is_later
    usual, other = (hooked.result(one)["resources"] for one in (first, second))
    assert other[0]["content"] == f"Amended later: {usual[0]['content']}"
    assert other[1:] == usual[1:]


def test_an_update_can_take_its_time(hooked: Copilot) -> None:
    hooked.fault("notification_updated", times=1, seconds=0.5)
    hooked.finished(AUDIO)
    hooked.events(3)
    moments = [at for at, *_ in hooked.clinic.arrived]
    assert moments[2] - moments[1] >= 0.5


@pytest.mark.parametrize(("fault", "status"), [("retrieval_404", 404), ("retrieval_500", 500), ("token_expired", 401)])
def test_a_retrieval_can_fail_for_a_while(hooked: Copilot, fault: str, status: int) -> None:
    session = hooked.finished(AUDIO)
    event = hooked.events(1)[0]
    hooked.fault(fault, times=2, correlation_id=session)
    assert [hooked.fetch(event).status_code for _ in range(3)] == [status, status, 200]


def test_a_retrieval_can_be_slow(hooked: Copilot) -> None:
    hooked.finished(AUDIO)
    event = hooked.events(1)[0]
    hooked.fault("retrieval_slow", times=1, seconds=0.3)
    answer = hooked.fetch(event)
    assert (answer.status_code, answer.elapsed.total_seconds() >= 0.3) == (200, True)


def test_a_retrieval_can_bring_anything(hooked: Copilot) -> None:
    hooked.finished(AUDIO)
    event = hooked.events(1)[0]
    hooked.fault("retrieval_html", times=1)
    assert hooked.fetch(event).text.startswith("<html>")
    hooked.fault("retrieval_huge", times=1, bytes=400_000)
    assert len(hooked.fetch(event).content) == 400_000
    hooked.fault("retrieval_half", times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        hooked.fetch(event)
    assert hooked.result(event)["transcript"]


def test_a_retrieval_url_can_be_on_another_host(hooked: Copilot) -> None:
    hooked.fault("retrieval_elsewhere", times=1, host="169.254.169.254")
    hooked.finished(AUDIO)
    for event in hooked.events(2):
        assert event["data"]["retrievalUrl"].startswith("https://169.254.169.254/dragon/partner/notifications/")


def test_turns_can_be_without_times(hooked: Copilot) -> None:
    hooked.fault("turns_without_times", times=1)
    hooked.finished(AUDIO)
    turns = hooked.result(hooked.events(1)[0])["transcript"]["turns"]
    assert {frozenset(one) for one in turns} == {frozenset({"index", "speaker", "text"})}


def test_turns_can_run_backwards(hooked: Copilot) -> None:
    hooked.fault("turns_backwards", times=1)
    hooked.finished(AUDIO)
    turns = hooked.result(hooked.events(1)[0])["transcript"]["turns"]
    starts = [milliseconds(one["start_time"]) for one in turns]
    assert starts == sorted(starts, reverse=True) != sorted(starts)
    assert all(milliseconds(one["end_time"]) < milliseconds(one["start_time"]) for one in turns)


def test_what_is_inside_can_be_no_json(hooked: Copilot) -> None:
    hooked.fault("inner_junk", times=1)
    hooked.finished(AUDIO)
    for event in hooked.events(2):
        assert hooked.fetch(event).json()["data"] == "not json {"


def test_a_note_can_have_ten_thousand_resources(hooked: Copilot) -> None:
    hooked.fault("many_resources", times=1)
    hooked.finished(AUDIO)
    resources = hooked.result(hooked.events(2)[1])["resources"]
    assert len({one["legacy_id"] for one in resources}) == 10_000
