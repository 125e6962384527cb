"""Dragon Copilot over real sockets: by each transport audio goes there whole, and what it announces is fetched."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.management import call_command

from ingest.models import Audio, Callback, Submission
from notes.models import Note, NoteVersion, Transcript
from sandbox.consultation import scripted
from sandbox.dragon.results import SECTIONS
from tests.flows.clinic import Clinic, Control, Sandbox, eventually
from tests.flows.conftest import Stack
from tests.flows.test_suki import noise, of, wav
from tests.flows.written import AT_HOME, Overheard, columns_with, found_in

pytestmark = pytest.mark.usefixtures("rows")
TRANSPORTS = ("rest", "websocket", "grpc")
CREDENTIALS = {
    "partner_id": "5a9db0c5-0001-4000-8000-000000000001",
    "customer_id": "5a9db0c5-0002-4000-8000-000000000002",
    "product_id": "5a9db0c5-0003-4000-8000-000000000003",
    "client_id": "sandbox-partner",
    "client_secret": "sandbox-partner-secret",
    "access_token": "the-subscriptions-secret",
}


class Dragon(Control):
    def __init__(self, sandbox: Sandbox, grpc_url: str) -> None:
        super().__init__(sandbox, "dragon")
        self.grpc_url = grpc_url

    def mend(self) -> None:
        self.tell("DELETE", "faults")
        self.tell("PATCH", "settings", delay=0.3, writes_up_each_recording=False)


@pytest.fixture
def dragon(sandbox: Sandbox, stack: Stack, settings: Any) -> Iterator[Dragon]:
    settings.OUTBOUND_ALLOW, settings.DOOR_URL = [ip_network("127.0.0.0/8")], stack.env["DOOR_URL"]
    box = Dragon(sandbox, f"http://127.0.0.1:{stack.env['SANDBOX_GRPC_PORT']}")
    box.mend()
    yield box
    box.mend()


def connect(clinic: Clinic, dragon: Dragon, transport: str = "rest", *options: str) -> None:
    base = f"{clinic.sandbox.url}/dragon"
    hosts = ("--base-url", base, "--partner-url", f"{base}/partner")
    streaming = ("--streaming-url", dragon.grpc_url if transport == "grpc" else base)
    credentials = json.dumps({**CREDENTIALS, "token_url": f"{clinic.sandbox.url}/issuer/token"})
    given = (*hosts, *streaming, "--transport", transport, "--credentials", credentials, *(options or ("--subscribe",)))
    call_command("connect_vendor", clinic.slug, "dragon", *given, stdout=io.StringIO(), stderr=io.StringIO())


def consult(clinic: Clinic, samples: bytes | None = None, **fields: Any) -> Any:
    session = clinic.session(encounter_ref="VISIT-7", clinician_ref="dr-flow")
    clinic.upload(session, wav(samples or noise(5)))
    return clinic.ask(session, vendor="dragon", **fields)


def callbacks(request: Any, **by: Any) -> list[str]:
    found = Callback.objects.filter(request=request["id"], **by).order_by("received_at")
    return list(found.values_list("state", flat=True))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_consultation_comes_back_as_a_note(clinic: Clinic, dragon: Dragon, transport: str) -> None:
    connect(clinic, dragon, transport)
    ready = clinic.ready(consult(clinic))
    seen = dragon.session(ready["request_id"])
    (recording,) = seen["recordings"]
    assert (seen["offences"], seen["user"], recording["complete"]) == ([], "dr-flow", True)
    assert recording["sha256"] == Audio.objects.get(pk=ready["audio"]).sha256
    assert ready["progress"] == {"done": 5_000, "of": 5_000}
    note = clinic.call("GET", f"notes/{ready['note']}")
    assert all(section["title"] for section in note["sections"])
    transcript = clinic.call("GET", f"transcripts/{ready['transcript']}")
    assert {item["speaker"] for item in transcript["items"]} == {"clinician", "other"}
    eventually(lambda: callbacks(ready, proven_by="account") == ["notice", "notice"])
    assert callbacks(ready, proven_by="polled") == ["applied", "applied"]


def test_a_killed_worker_is_followed_and_there_is_one_recording_each(
    new_clinic: Callable[[], Clinic], dragon: Dragon, stack: Stack
) -> None:
    """In the middle of three, one by each transport."""
    for fault in ("chunk_slow", "streaming_slow"):
        dragon.fault(fault, seconds=0.2)
    asked = []
    for transport in TRANSPORTS:
        connect(clinic := new_clinic(), dragon, transport)
        samples = noise(1200)
        asked.append((clinic, samples, consult(clinic, samples)))
    eventually(lambda: all(of(request).sent_ms > 5_000 for _, _, request in asked), what="some of each is confirmed")
    stack.back("streamer", stack.kill("streamer"))
    dragon.mend()
    for clinic, samples, request in asked:
        seen = dragon.session(clinic.ready(request, within=150)["request_id"])
        (recording,) = seen["recordings"]
        assert (seen["offences"], recording["complete"]) == ([], True)
        assert recording["sha256"] == hashlib.sha256(wav(samples)).hexdigest()


def test_a_session_that_is_given_up_on_the_way_is_ended(clinic: Clinic, dragon: Dragon) -> None:
    connect(clinic, dragon)
    dragon.fault("chunk_slow", seconds=0.2)
    request = consult(clinic, noise(600))
    eventually(lambda: of(request).sent_ms > 0)
    clinic.call("POST", f"requests/{request['id']}/cancel", json={})
    ref = of(request).vendor_request_id
    eventually(lambda: dragon.session(ref)["ended"], what="the session is ended")


@pytest.mark.parametrize(
    ("transport", "fault", "given"),
    [
        ("rest", "chunk_500", {"times": 3}),
        ("rest", "chunk_401", {"times": 1}),
        ("rest", "finalize_500", {"times": 1}),
        ("rest", "finalize_lost", {"times": 1}),
        ("rest", "chunk_html", {"times": 1}),
        ("rest", "configuration_refused", {}),
        ("websocket", "configuration_silent", {}),
        ("websocket", "drop_after_bytes", {"bytes": 100_000, "times": 1}),
        ("websocket", "no_close_answer", {"times": 1}),
        ("grpc", "drop_after_bytes", {"bytes": 100_000, "times": 1}),
    ],
)
def test_what_goes_wrong_on_the_way_is_mended(
    clinic: Clinic, dragon: Dragon, transport: str, fault: str, given: dict[str, Any]
) -> None:
    connect(clinic, dragon, transport)
    dragon.fault(fault, **given)
    samples = noise(10)
    ready = clinic.ready(consult(clinic, samples), within=90)
    (recording,) = dragon.session(ready["request_id"])["recordings"]
    assert recording["complete"]


@pytest.mark.parametrize(("fault", "code"), [("open_refused", "open_refused"), ("close_reason", "audio_refused")])
def test_the_two_reasons_to_close_are_told(clinic: Clinic, dragon: Dragon, fault: str, code: str) -> None:
    connect(clinic, dragon, "websocket")
    dragon.fault(fault, **({"reason": "Invalid DataChunk received"} if fault == "close_reason" else {}))
    failed = clinic.until(consult(clinic), "failed")
    assert (failed["failure"]["code"], failed["failure"]["retryable"]) == (code, False)
    assert of(failed).call_id


def test_several_recordings_are_one_session(clinic: Clinic, dragon: Dragon) -> None:
    connect(clinic, dragon)
    session = clinic.session(clinician_ref="dr-flow")
    for seconds in (3, 4):
        clinic.upload(session, wav(noise(seconds)))
    ready = clinic.ready(clinic.ask(session, vendor="dragon", all_audio=True))
    seen = dragon.session(ready["request_id"])
    assert [(one["id"], one["complete"]) for one in seen["recordings"]] == [(1, True), (2, True)]
    assert ready["progress"] == {"done": 7_000, "of": 7_000}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_is_written_up_of_the_first_recording_does_not_keep_the_others_from_being_sent(
    clinic: Clinic, dragon: Dragon, transport: str
) -> None:
    """Each is announced as it is complete, together with those before it: a whole answer, of part of the audio."""
    connect(clinic, dragon, transport)
    dragon.tell("PATCH", "settings", delay=0.0, writes_up_each_recording=True)
    for fault in ("chunk_slow", "streaming_slow"):
        dragon.fault(fault, seconds=0.15)
    session, audios = clinic.session(clinician_ref="dr-flow"), [wav(noise(seconds)) for seconds in (10, 20, 30)]
    for audio in audios:
        clinic.upload(session, audio)
    request = clinic.ask(session, vendor="dragon", all_audio=True)
    ready = clinic.ready(request, within=90)
    seen, digests = dragon.session(ready["request_id"]), [hashlib.sha256(audio).hexdigest() for audio in audios]
    assert [(one["complete"], one["sha256"]) for one in seen["recordings"]] == [(True, digest) for digest in digests]
    assert (seen["offences"], seen["processed"]) == ([], True)
    eventually(lambda: len(callbacks(ready, proven_by="polled")) == 8, what="a note and a transcript, four times")
    eventually(lambda: "stored" not in callbacks(ready, proven_by="polled"))
    whole = scripted(hashlib.sha256("".join(digests).encode()).hexdigest(), 60_000, "en")
    note = clinic.call("GET", f"notes/{ready['note']}")
    said = {section["text"] for section in note["sections"] if section["text"]}
    assert said == {" ".join(told) for key, told in whole.sections.items() if key in SECTIONS}


def test_what_it_writes_is_at_home_and_its_secrets_are_nowhere(
    clinic: Clinic, dragon: Dragon, stack: Stack, overheard: Overheard
) -> None:
    for transport in TRANSPORTS:
        connect(clinic, dragon, transport)
        ready = clinic.ready(consult(clinic))
    lines = [line["text"] for line in Transcript.objects.get(request=ready["id"]).lines]
    words, link = [max(lines, key=len)], "/dragon/partner/notifications/"
    secrets = [CREDENTIALS["client_secret"], CREDENTIALS["access_token"], link]
    for word in words:
        assert columns_with(word) <= AT_HOME
    for secret in secrets:
        assert columns_with(secret) == ({"ingest_callback.body"} if secret == link else set())
    for log in (stack.folder / "log").iterdir():
        assert log.name == "sandbox.log" or not found_in(log.read_bytes(), words + secrets), log.name
    assert not found_in(bytes(overheard.heard), words + secrets)
    assert b"ingest.inquire" in overheard.heard


# --- What is announced
@pytest.mark.parametrize(
    "fault",
    [
        ("notification_doubled", {}),
        ("notification_repeated", {}),
        ("notifications_reordered", {}),
        ("notification_unknown", {}),
        ("retrieval_404", {"times": 2}),
        ("retrieval_500", {"times": 1}),
        ("retrieval_half", {"times": 1}),
        ("retrieval_html", {"times": 1}),
        ("turns_backwards", {}),
        ("turns_without_times", {}),
    ],
    ids=lambda fault: fault[0],
)
def test_whatever_it_announces_note_and_transcript_meet(
    clinic: Clinic, dragon: Dragon, fault: tuple[str, dict[str, Any]]
) -> None:
    connect(clinic, dragon)
    dragon.fault(fault[0], **fault[1])
    ready = clinic.ready(consult(clinic), within=90)
    assert ready["note"]
    assert ready["transcript"]


def test_a_blank_repeat_replaces_nothing(clinic: Clinic, dragon: Dragon) -> None:
    connect(clinic, dragon)
    dragon.fault("notification_blank")
    ready = clinic.ready(consult(clinic))
    eventually(lambda: "not_applied" in callbacks(ready, proven_by="polled"), what="the blank one is set aside")
    note = clinic.call("GET", f"notes/{ready['note']}")
    assert any(section["text"] for section in note["sections"])


def test_an_updated_note_is_the_note_until_somebody_reviews_it(clinic: Clinic, dragon: Dragon) -> None:
    connect(clinic, dragon)
    dragon.fault("notification_updated", seconds=1.0)
    ready = clinic.ready(consult(clinic))
    eventually(lambda: NoteVersion.objects.filter(note=ready["note"]).count() == 2, what="a second version")
    assert Note.objects.get(pk=ready["note"]).version == 2


def test_an_older_note_that_comes_late_is_not_taken(clinic: Clinic, dragon: Dragon) -> None:
    connect(clinic, dragon)
    dragon.fault("older_notification", pause=3.0)
    ready = clinic.ready(consult(clinic))
    eventually(lambda: len(callbacks(ready, proven_by="polled")) == 3)
    eventually(lambda: "stored" not in callbacks(ready))
    note = clinic.call("GET", f"notes/{ready['note']}")
    assert note["version"] == 1
    assert "Amended later" not in note["sections"][0]["text"]


def test_a_lost_notification_is_asked_for_again(clinic: Clinic, dragon: Dragon) -> None:
    """Nothing can be polled: the request is overdue, and a new try brings it."""
    connect(clinic, dragon)
    dragon.fault("notification_lost", times=1)
    request = consult(clinic)
    eventually(lambda: clinic.request(request)["overdue"], what="it is overdue")
    clinic.call("POST", f"requests/{request['id']}/retry", 202, json={})
    clinic.ready(request, within=60)
    assert Submission.objects.filter(request=request["id"]).count() == 2


def test_a_link_to_another_host_is_not_followed_and_staff_see_why(clinic: Clinic, dragon: Dragon) -> None:
    connect(clinic, dragon)
    dragon.fault("retrieval_elsewhere")
    request = consult(clinic)

    def inquiry() -> Any:
        from ingest.models import Inquiry

        return Inquiry.objects.filter(submission__request=request["id"]).exclude(error_code="").first()

    assert eventually(inquiry).error_code == "link_refused"


def test_a_result_that_is_no_json_inside_is_kept_and_shown(clinic: Clinic, dragon: Dragon) -> None:
    connect(clinic, dragon)
    dragon.fault("inner_junk")
    request = consult(clinic)
    eventually(lambda: "junk" in callbacks(request, proven_by="polled"))


def test_two_clinics_share_a_subscription(clinic: Clinic, dragon: Dragon, new_clinic: Callable[[], Clinic]) -> None:
    """Events come to the second one's account and are for the first one's session."""
    connect(clinic, dragon)
    connect(new_clinic(), dragon)
    ready = clinic.ready(consult(clinic))
    assert Note.objects.get(pk=ready["note"]).clinic.slug == clinic.slug


def test_a_session_without_a_clinician_is_refused_at_once(clinic: Clinic, dragon: Dragon) -> None:
    connect(clinic, dragon)
    session = clinic.session()
    clinic.upload(session, wav(noise(1)))
    wanted = {"vendor": "dragon", "output_objects": ["note"]}
    refused = clinic.call("POST", f"sessions/{session}/requests", 422, json=wanted)
    assert refused["errors"][0]["field"] == "clinician_ref"
