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
import requests
from django.core.management import call_command

from ingest.models import Callback, Submission, Utterance, VendorAccount
from notes.models import Note, Transcript
from recordings.models import Recording
from tests.flows.clinic import Clinic, Sandbox, eventually, tones
from tests.flows.conftest import Stack

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


class Suki:
    """What the vendor is told to do, and what it saw."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.url = f"{sandbox.url}/control/suki"

    def tell(self, method: str, path: str, **body: Any) -> Any:
        response = requests.request(method, f"{self.url}/{path}", json=body or None, timeout=10)
        response.raise_for_status()
        return response.json()

    def fault(self, fault: str, **parameters: Any) -> None:
        self.tell("POST", "faults", fault=fault, **parameters)

    def session(self, ref: str) -> Any:
        return self.tell("GET", f"sessions/{ref}")

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


@pytest.mark.parametrize("fault", ["webhook_doubled", "webhook_upper_case", "webhook_links_absolute"])
def test_a_webhook_brings_the_answer_at_once(at_suki: Clinic, suki: Suki, fault: str) -> None:
    suki.tell("PATCH", "settings", delay=1.5)
    suki.fault(fault)
    ready = at_suki.ready(consult(at_suki))
    eventually(lambda: states(ready, "account") == ["notice"], what="one notice")


def states(request: Any, proven_by: str) -> list[str]:
    return list(Callback.objects.filter(request=request["id"], proven_by=proven_by).values_list("state", flat=True))


@pytest.mark.parametrize("fault", ["webhook_status", "webhook_timeout", "webhook_cancelled", "webhook_links_elsewhere"])
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
    assert seen["repeated_frames"] == 0
    assert seen["audio_bytes"] >= 0.8 * len(noise(20))


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


# --- Dictation
def test_a_dictation_is_heard_as_it_is_said(clinic: Clinic, suki: Suki) -> None:
    connect(clinic, suki, pace="real_time")
    request = consult(clinic, noise(12), kind="dictation")
    eventually(lambda: Utterance.objects.filter(submission=of(request)).exists(), what="something heard")
    assert clinic.request(request)["state"] == "submitting"
    ready = clinic.ready(request, within=60)
    said = Transcript.objects.get(request=ready["id"])
    assert ready["note"] is None
    assert [line["start_offset_ms"] for line in said.lines] == [None] * len(said.lines)
    assert states(ready, "streamed") == ["applied"]
    assert suki.session(ready["request_id"])["state"] == "completed"


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
    at_suki.until(consult(at_suki, noise(12), kind="dictation"), "ready", "failed", within=90)


def test_a_session_that_is_not_ready_yet_is_tried_again(at_suki: Clinic, suki: Suki) -> None:
    suki.fault("failed_precondition", times=3)
    at_suki.ready(consult(at_suki, noise(6), kind="dictation"), within=60)


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


@pytest.mark.parametrize("fault", ["", "recording_404", "store_cut", "store_403", "recording_link_expired"])
def test_the_vendors_recording_is_copied(at_suki: Clinic, suki: Suki, fault: str) -> None:
    suki.tell("PATCH", "settings", chunks=3)
    if fault:
        suki.fault(fault, times=1)
    ready = at_suki.ready(consult(at_suki, noise(12)))
    recording = archived(ready)
    seen = suki.session(ready["request_id"])
    whole = at_suki.http.get(f"{at_suki.base_url}/api/v1/recordings/{recording.pk}/audio", timeout=30)
    assert whole.status_code == 200
    with wave.open(io.BytesIO(whole.content)) as file:
        assert hashlib.sha256(file.readframes(file.getnframes())).hexdigest() == seen["sha256"]
    assert recording.part_count == 3
    assert seen["offences"] == {}


def test_a_killed_worker_costs_no_byte_of_a_copy(at_suki: Clinic, suki: Suki, stack: Stack) -> None:
    suki.fault("store_slow", bytes_per_second=64_000, times=1)
    ready = at_suki.ready(consult(at_suki, noise(20)))
    eventually(lambda: suki.tell("GET", "requests")["store"], what="the copy has begun")
    time.sleep(2)
    stack.back("archiver", stack.kill("archiver"))
    recording = archived(ready)
    whole = at_suki.http.get(f"{at_suki.base_url}/api/v1/recordings/{recording.pk}/audio", timeout=30)
    with wave.open(io.BytesIO(whole.content)) as file:
        copied = hashlib.sha256(file.readframes(file.getnframes())).hexdigest()
    assert copied == suki.session(ready["request_id"])["sha256"]


def test_a_recording_that_is_gone_is_lost_and_said_so(at_suki: Clinic, suki: Suki) -> None:
    suki.fault("recording_410")
    ready = at_suki.ready(consult(at_suki))
    lost = Recording.objects.filter(session=ready["session"], state="lost")
    recording = eventually(lost.first, within=60)
    shown = at_suki.call("GET", f"recordings/{recording.pk}")
    assert shown["state"] == "lost"


def test_no_link_and_no_word_is_in_a_log(at_suki: Clinic, suki: Suki, stack: Stack) -> None:
    ready = at_suki.ready(consult(at_suki, noise(12)))
    archived(ready)
    time.sleep(1)
    logs = "".join(file.read_text(errors="replace") for file in (stack.folder / "log").glob("*.log"))
    words = {line["text"] for line in Transcript.objects.get(request=ready["id"]).lines if len(line["text"]) > 12}
    for secret in ("/store/", "sdp_suki_token", CREDENTIALS["partner_token"], SECRET, *words):
        assert str(secret) not in logs
