"""Suki over real sockets: sessions are streamed and asked for, dictated and recorded, whatever the vendor does."""

from __future__ import annotations

import hashlib
import io
import json
import time
import wave
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from django.core.management import call_command

from ingest.models import Callback, Submission, Utterance, VendorAccount
from notes.models import Note, Transcript
from recordings import services
from recordings.models import Links, Recording, Waveform
from tests.flows.clinic import Clinic, Control, Sandbox, eventually, tones
from tests.flows.conftest import Stack
from tests.flows.written import AT_HOME, Overheard, columns_with, found_in

pytestmark = pytest.mark.usefixtures("rows")
SECRET = "the-partners-webhook-secret"
CREDENTIALS = {
    "partner_id": "sandbox-partner",
    "partner_token": "sandbox-partner-token",
    "provider_id": "dr-flow",
    "provider_org_id": "flow",
    "provider_specialty": "FAMILY_MEDICINE",
    "webhook_secrets": [SECRET],
}


class Suki(Control):
    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox, "suki")

    def mend(self) -> None:
        self.tell("DELETE", "faults")
        self.tell("POST", "clock", ahead_seconds=0)
        self.tell("PATCH", "settings", shortest_seconds=0, delay=0.3, chunks=1)


@pytest.fixture
def suki(sandbox: Sandbox) -> Iterator[Suki]:
    box = Suki(sandbox)
    box.mend()
    yield box
    box.mend()
    box.tell("DELETE", "webhook")


def connect(clinic: Clinic, suki: Suki, pace: str = "fast") -> str:
    """Its webhooks' address, which the vendor is told."""
    base = ("--base-url", f"{clinic.sandbox.url}/suki", "--pace", pace)
    command = ("connect_vendor", clinic.slug, "suki", *base, "--credentials", json.dumps(CREDENTIALS))
    call_command(*command, stdout=io.StringIO(), stderr=io.StringIO())
    account = VendorAccount.objects.get(clinic__slug=clinic.slug, vendor="suki")
    url = f"{clinic.door_url}/callbacks/suki/accounts/{account.pk}"
    suki.tell("PUT", "webhook", url=url, secret=SECRET)
    return url


@pytest.fixture
def at_suki(clinic: Clinic, suki: Suki) -> Clinic:
    connect(clinic, suki)
    return clinic


def consult(clinic: Clinic, samples: bytes | None = None, kind: str = "ambient", **fields: Any) -> Any:
    session = clinic.session(kind=kind, encounter_ref="VISIT-7")
    clinic.upload(session, wav(samples or noise(5)))
    wanted = ["transcript_item"] if kind == "dictation" else ["transcript_item", "note"]
    return clinic.ask(session, vendor="suki", **{"output_objects": wanted, **fields})


def noise(seconds: int) -> bytes:
    """LINEAR16 of 16 kHz, as it is streamed; no two frames of it are alike."""
    return Random(next(tones)).randbytes(2 * 16_000 * seconds)  # noqa: S311


def wav(samples: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(samples)
    return file.getvalue()


def of(request: Any) -> Submission:
    found: Submission = Submission.objects.filter(request=request["id"]).latest("number")
    return found


# --- Ambient sessions
def test_a_consultation_is_streamed_and_comes_back_as_a_note(at_suki: Clinic, suki: Suki) -> None:
    samples = noise(12)
    ready = at_suki.ready(consult(at_suki, samples))
    seen = suki.session(ready["request_id"])
    assert (seen["offences"], seen["repeated_frames"], seen["provider"]) == ({}, 0, "dr-flow")
    assert seen["sha256"] == hashlib.sha256(samples).hexdigest()
    assert ready["progress"] == {"done": 12_000, "of": 12_000}
    note = at_suki.call("GET", f"notes/{ready['note']}")
    transcript = at_suki.call("GET", f"transcripts/{ready['transcript']}")
    assert all(section["title"] for section in note["sections"])
    assert all(item["end_offset_ms"] >= item["start_offset_ms"] for item in transcript["items"])
    proofs = Callback.objects.filter(request=ready["id"]).values_list("proven_by", "state")
    assert set(proofs) <= {("polled", "applied"), ("account", "notice")}
    assert ("polled", "applied") in proofs


def test_a_lost_webhook_costs_a_poll(at_suki: Clinic, suki: Suki) -> None:
    suki.fault("webhook_lost")
    ready = at_suki.ready(consult(at_suki), within=60)
    assert [one.proven_by for one in Callback.objects.filter(request=ready["id"])] == ["polled"]


WELL_MEANT = ["webhook_doubled", "webhook_upper_case", "webhook_links_absolute", "webhook_links_elsewhere"]


@pytest.mark.parametrize("fault", WELL_MEANT)
def test_a_webhook_brings_the_answer_at_once(at_suki: Clinic, suki: Suki, fault: str) -> None:
    suki.tell("PATCH", "settings", delay=1.5)
    suki.fault(fault)
    ready = at_suki.ready(consult(at_suki))
    eventually(lambda: states(ready, "account") == ["notice"], what="one notice")


def states(request: Any, proven_by: str) -> list[str]:
    return list(Callback.objects.filter(request=request["id"], proven_by=proven_by).values_list("state", flat=True))


@pytest.mark.parametrize("fault", ["webhook_status", "webhook_timeout", "webhook_cancelled"])
def test_an_odd_webhook_is_kept_and_told_and_the_answer_still_comes(at_suki: Clinic, suki: Suki, fault: str) -> None:
    suki.fault(fault)
    ready = at_suki.ready(consult(at_suki), within=60)
    told = eventually(lambda: Callback.objects.filter(request=ready["id"], proven_by="account").first())
    eventually(lambda: Callback.objects.get(pk=told.pk).state == "notice")
    assert Callback.objects.get(pk=told.pk).problem


@pytest.mark.parametrize("fault", ["session_skipped", "session_aborted", "session_failed"])
def test_what_the_vendor_gave_up_is_said_plainly(at_suki: Clinic, suki: Suki, fault: str) -> None:
    suki.fault(fault)
    failed = at_suki.until(consult(at_suki), "failed", within=60)
    assert failed["failure"]["message"].endswith(".")
    assert "Suki" in failed["failure"]["message"]


def test_a_socket_that_drops_goes_on_and_nothing_is_sent_twice(at_suki: Clinic, suki: Suki) -> None:
    suki.fault("socket_dropped", after_bytes=64_000, times=1)
    samples = noise(20)
    ready = at_suki.ready(consult(at_suki, samples), within=90)
    seen = suki.session(ready["request_id"])
    assert len(seen["sockets"]) == 2
    assert seen["repeated_frames"] == 0
    assert len(samples) - 64_000 <= seen["audio_bytes"] <= len(samples)


def test_a_killed_worker_is_followed_and_nothing_is_sent_twice(clinic: Clinic, suki: Suki, stack: Stack) -> None:
    connect(clinic, suki, pace="real_time")
    request = consult(clinic, noise(20))
    eventually(lambda: of(request).sent_ms > 4000)
    stack.back("streamer", stack.kill("streamer"))
    connect(clinic, suki)  # and now as fast as it is taken
    ready = clinic.ready(request, within=150)
    seen = suki.session(ready["request_id"])
    assert (seen["repeated_frames"], seen["offences"]) == (0, {})
    (broke_at_ms,) = ready["broke_at_ms"]
    assert 32 * (20_000 - 1_000) <= seen["audio_bytes"] < 32 * 20_000
    assert 4_000 < broke_at_ms < 20_000


def test_a_token_that_ends_on_the_way_is_renewed(at_suki: Clinic, suki: Suki) -> None:
    for endpoint in ("context", "status", "content"):
        suki.fault(f"{endpoint}_token_expired", times=1)
    at_suki.ready(consult(at_suki), within=60)


def test_two_clinics_share_an_address(at_suki: Clinic, suki: Suki, new_clinic: Callable[[], Clinic]) -> None:
    """The webhook comes to the second one's account and is for the first one's session."""
    other = new_clinic()
    suki.tell("PATCH", "settings", delay=2)
    request = consult(at_suki)
    url = connect(other, suki)
    ready = at_suki.ready(request)
    eventually(lambda: states(ready, "account") == ["notice"], what="the notice found its clinic")
    told = Callback.objects.get(request=ready["id"], proven_by="account")
    assert str(told.proven_id) in url
    assert told.clinic is not None
    assert told.clinic.slug == at_suki.slug


def test_a_session_made_elsewhere_is_adopted(at_suki: Clinic, suki: Suki) -> None:
    (ref,) = suki.tell("POST", "sessions", provider_id="dr-flow", seconds=90.0)["session_ids"]
    suki.tell("POST", f"sessions/{ref}/webhook")
    orphan = eventually(lambda: Callback.objects.filter(named_request=ref, state="orphan").first())
    session = at_suki.session()
    ready = at_suki.ready(at_suki.ask(session, vendor="suki", submitted_elsewhere=True, request_id=ref))
    assert Note.objects.filter(request=ready["id"]).count() == 1
    eventually(lambda: Callback.objects.get(pk=orphan.pk).state == "notice")


def test_a_transcript_of_50_000_words_is_kept_and_found(at_suki: Clinic, suki: Suki) -> None:
    suki.fault("transcript_long")
    ready = at_suki.ready(consult(at_suki), within=60)
    items = at_suki.call("GET", f"transcripts/{ready['transcript']}")["items"]
    words = [word for item in items for word in item["text"].split()]
    assert len(words) >= 50_000
    assert "weather" in words[-10:], "a word that an index keeps"

    def found() -> bool:
        return ready["note"] in [note["id"] for note in at_suki.call("GET", "notes?q=weather")["results"]]

    eventually(found, what="its last words found", within=60)


# --- Dictation
def test_a_dictation_is_heard_as_it_is_said(clinic: Clinic, suki: Suki) -> None:
    connect(clinic, suki, pace="real_time")
    request = consult(clinic, noise(12), kind="dictation")
    eventually(lambda: Utterance.objects.filter(submission=of(request)).exists(), what="something heard")
    assert clinic.request(request)["state"] == "submitting"
    assert Waveform.objects.get(audio=request["audio"]).quality is not None
    ready = clinic.ready(request, within=60)
    said = Transcript.objects.get(request=ready["id"])
    assert ready["note"] is None
    assert [line["start_offset_ms"] for line in said.lines] == [None] * len(said.lines)
    assert states(ready, "streamed") == ["applied"]
    assert suki.session(ready["request_id"])["state"] == "completed"


def test_by_push_to_talk_several_audio_files_are_one_dictation(at_suki: Clinic, suki: Suki) -> None:
    suki.fault("failed_precondition", times=2)
    spoken = [noise(6), noise(2), noise(4)]
    session = at_suki.session(kind="dictation")
    for samples in spoken:
        at_suki.upload(session, wav(samples))
    wish = {"vendor": "suki", "output_objects": ["transcript_item"], "all_audio": True}
    ready = at_suki.ready(at_suki.ask(session, **wish), within=60)
    seen = suki.session(ready["request_id"])
    assert seen["sha256"] == hashlib.sha256(b"".join(spoken)).hexdigest()
    assert len([line for line in seen["sockets"] if line["frames"]]) == 3
    assert (seen["offences"], seen["state"]) == ({}, "completed")
    assert ready["progress"] == {"done": 12_000, "of": 12_000}
    assert Transcript.objects.get(request=ready["id"]).lines


@pytest.mark.parametrize("fault", ["dictation_end_empty", "partials_change", "partials_none", "frame_a_byte"])
def test_whatever_the_vendor_says_on_the_way_the_finals_are_kept(at_suki: Clinic, suki: Suki, fault: str) -> None:
    suki.fault(fault)
    ready = at_suki.ready(consult(at_suki, noise(12), kind="dictation"), within=60)
    finals = Utterance.objects.filter(submission=of(ready), is_final=True).order_by("number")
    assert finals
    kept = " ".join(line["text"] for line in Transcript.objects.get(request=ready["id"]).lines)
    assert all(one.text.split()[0] in kept for one in finals)


@pytest.mark.parametrize("fault", ["frames_wrong_kind", "frames_junk", "frames_binary"])
def test_frames_of_the_wrong_kind_do_no_harm(at_suki: Clinic, suki: Suki, fault: str) -> None:
    suki.fault(fault)
    ready = at_suki.ready(consult(at_suki, noise(12), kind="dictation"), within=90)
    finals = Utterance.objects.filter(submission=of(ready), is_final=True)
    assert finals.count() > 1


@pytest.mark.parametrize(("status", "state"), [("failed", "failed"), ("cancelled", "cancelled")])
def test_a_dictation_that_came_to_another_end_keeps_its_finals(
    at_suki: Clinic, suki: Suki, status: str, state: str
) -> None:
    suki.fault("dictation_end_status", status=status)
    ended = at_suki.until(consult(at_suki, noise(8), kind="dictation"), state, within=60)
    assert ended["failure"]["code"] == status
    assert Utterance.objects.filter(submission=of(ended), is_final=True).exists()


def test_a_session_that_is_not_ready_yet_is_tried_again(at_suki: Clinic, suki: Suki) -> None:
    suki.fault("failed_precondition", times=3)
    at_suki.ready(consult(at_suki, noise(6), kind="dictation"), within=60)


@pytest.mark.parametrize("fault", ["socket_dropped", "eof_never", "no_eof"])
def test_what_was_heard_is_kept_where_the_vendor_never_says_that_it_was_all(
    at_suki: Clinic, suki: Suki, fault: str
) -> None:
    suki.fault(fault, times=1, **({"after_bytes": 200_000} if fault == "socket_dropped" else {}))
    suki.fault("dictation_end_empty")
    ready = at_suki.ready(consult(at_suki, noise(12), kind="dictation"), within=120)
    finals = Utterance.objects.filter(submission=of(ready), is_final=True).order_by("number")
    kept = [line["text"] for line in Transcript.objects.get(request=ready["id"]).lines]
    assert kept == [final.text for final in finals]
    assert len(ready["broke_at_ms"]) == 1


def test_a_killed_worker_loses_no_final(clinic: Clinic, suki: Suki, stack: Stack) -> None:
    connect(clinic, suki, pace="real_time")
    request = consult(clinic, noise(25), kind="dictation")
    finals = Utterance.objects.filter(submission=of(request), is_final=True)
    first = eventually(lambda: finals.order_by("number").first(), what="a final", within=40)
    stack.back("streamer", stack.kill("streamer"))
    connect(clinic, suki)
    ready = clinic.ready(request, within=150)
    kept = " ".join(line["text"] for line in Transcript.objects.get(request=ready["id"]).lines)
    assert first.text.rstrip(".") in kept
    assert suki.session(ready["request_id"])["repeated_frames"] == 0


# --- Recordings
def archived(request: Any) -> Recording:
    def look() -> Recording | None:
        return Recording.objects.filter(session=request["session"], state="archived").first()

    found: Recording = eventually(look, within=150, what="archived")
    return found


COPIED_ALL_THE_SAME = [
    *("", "recording_404", "recording_link_expired", "recording_not_streamable", "recording_out_of_order"),
    *("store_cut", "store_403", "store_wav_lies"),
]


def played(clinic: Clinic, recording: Recording) -> str:
    """The SHA-256 of what is heard."""
    whole = clinic.http.get(f"{clinic.base_url}/api/v1/recordings/{recording.pk}/audio", timeout=30)
    assert whole.status_code == 200
    with wave.open(io.BytesIO(whole.content)) as file:
        return hashlib.sha256(file.readframes(file.getnframes())).hexdigest()


@pytest.mark.parametrize("fault", COPIED_ALL_THE_SAME)
def test_the_vendors_recording_is_copied(at_suki: Clinic, suki: Suki, fault: str) -> None:
    suki.tell("PATCH", "settings", chunks=3)
    if fault:
        suki.fault(fault, times=1)
    ready = at_suki.ready(consult(at_suki, noise(12)))
    recording = archived(ready)
    seen = suki.session(ready["request_id"])
    assert played(at_suki, recording) == seen["sha256"]
    assert recording.part_count == 3
    assert seen["offences"] == {}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("store_not_wav", "not_wav"),
        ("store_huge", "too_large"),
        ("store_redirect", "not_fetched"),
        ("recording_link_elsewhere", "address_refused"),
    ],
)
def test_what_is_not_the_recording_is_told_and_not_kept(at_suki: Clinic, suki: Suki, fault: str, code: str) -> None:
    suki.fault(fault)
    ready = at_suki.ready(consult(at_suki))
    failed = Recording.objects.filter(session=ready["session"], error_code=code)
    recording = eventually(failed.first, within=60, what=code)
    assert recording.error_message.endswith(".")
    suki.mend()
    services.archive_now(recording)
    assert played(at_suki, archived(ready)) == suki.session(ready["request_id"])["sha256"]


def test_what_is_not_for_playing_is_played_before_it_is_copied(at_suki: Clinic, suki: Suki) -> None:
    suki.tell("PATCH", "settings", chunks=3)
    suki.fault("store_500", times=1)
    ready = at_suki.ready(consult(at_suki))
    failed = Recording.objects.filter(session=ready["session"], error_code="not_fetched")
    recording = eventually(failed.first, within=60, what="a try that failed")
    failed.update(next_attempt_at=None)
    suki.fault("recording_not_streamable")
    assert played(at_suki, recording) == suki.session(ready["request_id"])["sha256"]
    assert Links.objects.get(recording=recording).is_streamable is False


@pytest.mark.parametrize("fault", ["session_failed", "session_skipped"])
def test_the_recording_of_what_the_vendor_gave_up_is_copied_too(at_suki: Clinic, suki: Suki, fault: str) -> None:
    suki.fault(fault)
    failed = at_suki.until(consult(at_suki), "failed", within=60)
    assert played(at_suki, archived(failed)) == suki.session(failed["request_id"])["sha256"]


def test_a_killed_worker_costs_no_byte_of_a_copy(at_suki: Clinic, suki: Suki, stack: Stack) -> None:
    suki.fault("store_slow", bytes_per_second=64_000, times=1)
    ready = at_suki.ready(consult(at_suki, noise(20)))
    eventually(lambda: suki.tell("GET", "requests")["store"], what="the copy has begun")
    time.sleep(2)
    stack.back("archiver", stack.kill("archiver"))
    recording = archived(ready)
    assert played(at_suki, recording) == suki.session(ready["request_id"])["sha256"]


def test_a_recording_that_is_gone_is_lost_and_said_so(at_suki: Clinic, suki: Suki) -> None:
    suki.fault("recording_410")
    ready = at_suki.ready(consult(at_suki))
    lost = Recording.objects.filter(session=ready["session"], state="lost")
    recording = eventually(lost.first, within=60)
    shown = at_suki.call("GET", f"recordings/{recording.pk}")
    assert shown["state"] == "lost"


def test_words_links_and_tokens_stay_where_they_belong(
    at_suki: Clinic, suki: Suki, stack: Stack, overheard: Overheard
) -> None:
    dictated = at_suki.ready(consult(at_suki, noise(12), kind="dictation"), within=60)
    written = at_suki.ready(consult(at_suki, noise(12)))
    archived(written)
    lines = [line["text"] for row in (dictated, written) for line in Transcript.objects.get(request=row["id"]).lines]
    words = [max(lines, key=len), Utterance.objects.filter(submission=of(dictated)).latest("number").text]
    secrets = ["/suki/store/", "sdp_suki_token", str(CREDENTIALS["partner_token"]), SECRET]
    for word in words:
        assert columns_with(word) <= AT_HOME | {"ingest_utterance.text"}
    for secret in secrets:
        assert columns_with(secret) == set()
    for log in (stack.folder / "log").glob("*.log"):
        assert log.name == "sandbox.log" or not found_in(log.read_bytes(), words + secrets), log.name
    assert not found_in(bytes(overheard.heard), words + secrets)
    assert b"ingest.stream" in overheard.heard
