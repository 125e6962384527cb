"""Dragon Copilot's adapter and the sandbox's Dragon Copilot, each written from the contract by itself: they agree."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.vendors.dragon_sandbox import TRANSPORTS, Sandbox, running
from tests.vendors.dragon_server import Tape
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.guard import LOOPBACK
from tests.vendors.scripted_server import Answer, ScriptedServer, http
from tests.vendors.sending import CREDENTIALS
from tests.vendors.test_dragon_client import REF, dragon_job
from vendors import connect
from vendors.base import Account, Notice, Result, Submitted, Unreadable, VendorError
from vendors.dragon.adapter import DragonVendor
from vendors.dragon.patience import Patience
from vendors.outbound import Outbound

STREAMS = ("websocket", "grpc")
HASTY = Patience(tries=2, first_seconds=0.01, quiet_seconds=2.0, configuration_seconds=2.0)
#: More than is sent ahead of what is confirmed.
LONG = Tape(bytes(range(251)) * 8_000, duration_ms=60_000)
SHORT = Tape(bytes(range(251)) * 800)


@pytest.fixture(scope="module")
def process() -> Iterator[Sandbox]:
    with running(delay=0.0) as box:
        yield box


@pytest.fixture
def sandbox(process: Sandbox) -> Iterator[Sandbox]:
    yield process
    process.forget()


def vendor(sandbox: Sandbox, transport: str = "rest", **options: str) -> DragonVendor:
    own = {"partner_url": f"{sandbox.url}/dragon/partner", "streaming_url": sandbox.streaming_url(transport)}
    credentials = {**CREDENTIALS, "token_url": f"{sandbox.url}/issuer/token"}
    account = Account(f"{sandbox.url}/dragon", credentials, {"transport": transport, **own, **options})
    made = connect("dragon", account, Outbound(LOOPBACK), OwnTokens())
    assert isinstance(made, DragonVendor)
    made.patience = HASTY  # type: ignore[misc]
    return made


def sent(sandbox: Sandbox, transport: str, tape: Tape = SHORT, progress: Noted | None = None, **own: Any) -> Submitted:
    return vendor(sandbox, transport, **own).submit(dragon_job(sounds=(tape,)), progress or Noted())


def refused(sandbox: Sandbox, transport: str, tape: Tape = SHORT, **own: Any) -> VendorError:
    with pytest.raises(VendorError) as caught:
        sent(sandbox, transport, tape, **own)
    return caught.value


def taken(sandbox: Sandbox, tape: Tape = SHORT) -> Any:
    """The session's one recording, whole and the same byte for byte."""
    session = sandbox.session(REF)
    (recording,) = session["recordings"]
    assert (recording["complete"], recording["sha256"]) == (True, hashlib.sha256(tape.data).hexdigest())
    assert (session["offences"], session["processed"]) == ([], True)
    return recording


# --- What is sent
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_they_agree_on_every_field(sandbox: Sandbox, transport: str) -> None:
    assert sent(sandbox, transport, LONG).ref == REF
    taken(sandbox, LONG)


@pytest.mark.parametrize("is_demanded", [True, False])
def test_the_api_version_of_a_websocket_can_be_left_out_where_it_is_not_asked_for(
    sandbox: Sandbox, is_demanded: bool
) -> None:
    sandbox.settings(demands_api_version=is_demanded)
    if is_demanded:
        assert refused(sandbox, "websocket", streaming_api_version="none").code == "forbidden"
        return
    sent(sandbox, "websocket", streaming_api_version="none")
    taken(sandbox)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", ["silent", "refused", "empty", "huge"])
def test_a_configuration_that_cannot_be_had_stops_nothing(sandbox: Sandbox, transport: str, fault: str) -> None:
    sandbox.fault(f"configuration_{fault}")
    decoded = replace(SHORT, data=SHORT.decoded())  # what is known to be taken
    sent(sandbox, transport)
    taken(sandbox, SHORT if transport == "rest" else decoded)


@pytest.mark.parametrize("transport", STREAMS)
def test_without_confirmations_no_more_is_sent_than_may_be_lost(sandbox: Sandbox, transport: str) -> None:
    sandbox.fault("no_acks")
    sent(sandbox, transport)
    assert taken(sandbox)["opened"] == 1
    sandbox.forget()
    sandbox.fault("no_acks")
    assert facts(refused(sandbox, transport, LONG)) == ("no_answer", False)
    assert sandbox.session(REF)["recordings"][0]["bytes"] < len(LONG.data)


@pytest.mark.parametrize(
    ("transport", "fault", "params"),
    [
        *((transport, fault, {}) for transport in STREAMS for fault in ("acks_beyond", "no_close_answer")),
        ("websocket", "acks_junk", {}),
        ("websocket", "acks_huge", {"bytes": 1_100_000}),
        ("grpc", "acks_huge", {}),
    ],
)
def test_a_confirmation_that_is_none_costs_a_connection(
    sandbox: Sandbox, transport: str, fault: str, params: dict[str, Any]
) -> None:
    sandbox.fault(fault, times=1, **params)
    sent(sandbox, transport)
    assert taken(sandbox)["opened"] == 2


@pytest.mark.parametrize("ending", ["401", "403", "404", "500", "lost", "html", "huge", "half", "slow", "silent"])
def test_whatever_becomes_of_a_sessions_end_its_recordings_are_handed_over(sandbox: Sandbox, ending: str) -> None:
    sandbox.fault(f"end_{ending}", **({"seconds": 0.3} if ending in ("slow", "silent") else {}))
    submitted = sent(sandbox, "rest")
    (recording,) = sandbox.session(REF)["recordings"]
    assert recording["complete"]
    (finalized,) = sandbox.control("GET", "requests")["finalize"]
    assert submitted.call_id == finalized["trace"]


@pytest.mark.parametrize("transport", STREAMS)
def test_processing_is_asked_for_again_and_nothing_is_sent_again(sandbox: Sandbox, transport: str) -> None:
    sandbox.fault("processing_silent", times=HASTY.tries)
    progress = Noted()
    with pytest.raises(VendorError) as caught:
        sent(sandbox, transport, progress=progress)
    assert not caught.value.permanent
    sandbox.control("DELETE", "faults")
    sent(sandbox, transport, progress=progress)
    assert taken(sandbox)["opened"] == 1


# --- What is refused
def facts(error: VendorError) -> tuple[str, bool]:
    return error.code, error.permanent


@pytest.mark.parametrize(
    ("transport", "fault", "params", "expected"),
    [
        *((one, "app_only_is_silent", {}, ("no_answer", False)) for one in STREAMS),
        *((one, "acks_beyond", {}, ("answer_unreadable", False)) for one in STREAMS),
        ("websocket", "acks_junk", {}, ("answer_unreadable", False)),
        *((one, "streaming_500", {}, ("vendor_unavailable", False)) for one in STREAMS),
        *((one, "token_expired", {}, ("unauthorized", True)) for one in TRANSPORTS),
        *((one, "open_refused", {}, ("open_refused", True)) for one in STREAMS),
        *((one, "close_reason", {"reason": "Invalid DataChunk received"}, ("audio_refused", True)) for one in STREAMS),
        ("websocket", "close_reason", {"reason": "Tired."}, ("stream_ended", False)),
        ("grpc", "close_reason", {"reason": "Tired."}, ("vendor_unavailable", False)),
        ("rest", "finalize_404", {}, ("session_missing", True)),
        ("rest", "chunk_403", {}, ("forbidden", True)),
        ("rest", "chunk_500", {}, ("vendor_unavailable", False)),
        ("rest", "chunk_huge", {}, ("answer_too_large", False)),
    ],
)
def test_what_the_other_side_refuses_is_told(
    sandbox: Sandbox, transport: str, fault: str, params: dict[str, Any], expected: tuple[str, bool]
) -> None:
    if fault == "app_only_is_silent":
        sandbox.settings(app_only_is_silent=True)
    else:
        sandbox.fault(fault, **params)
    error = refused(sandbox, transport)
    assert facts(error) == expected
    assert error.call_id
    assert "Tired" not in error.message


@pytest.mark.parametrize("transport", STREAMS)
def test_a_message_too_large_is_not_read(sandbox: Sandbox, transport: str) -> None:
    """Nor taken for a refusal that goes away by sending less. Larger ones than these block a WebSocket for a while."""
    sandbox.fault("acks_huge", bytes=1_100_000 if transport == "websocket" else 10_000_000)
    expected = "no_answer" if transport == "websocket" else "answer_too_large"
    assert facts(refused(sandbox, transport)) == (expected, False)


@pytest.mark.parametrize("transport", STREAMS)
def test_a_refusal_to_process_is_final(sandbox: Sandbox, transport: str) -> None:
    sandbox.fault("processing_refused")
    error = refused(sandbox, transport)
    assert facts(error) == ("processing_refused", True)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_application_that_is_not_let_in_is_told(sandbox: Sandbox, transport: str) -> None:
    sandbox.settings(not_allowed=["sandbox-partner"])
    assert refused(sandbox, transport).permanent


# --- What comes back
class Webhook(ScriptedServer):
    """Where events come to: it shakes hands as the adapter does, and takes them all."""

    def respond(self) -> Answer:
        asked = self.asked[-1]
        if asked.method != "OPTIONS":
            return http(200)
        allowed = DragonVendor.handshake(asked.headers) or {}
        return http(200, b"", **{name.replace("-", "_"): value for name, value in allowed.items()})

    def events(self, count: int) -> list[bytes]:
        until = time.monotonic() + 10
        while len(found := [asked.body for asked in self.asked if asked.method == "POST"]) < count:
            assert time.monotonic() < until
            time.sleep(0.02)
        return found


def announced(sandbox: Sandbox, count: int, fault: str = "", **params: Any) -> tuple[DragonVendor, list[Notice]]:
    """What the events of a session say, and who can fetch what they tell of."""
    if fault:
        sandbox.fault(fault, **params)
    made = vendor(sandbox)
    with Webhook() as webhook:
        made.subscribe(f"{webhook.url}/dax")
        made.submit(dragon_job(sounds=(SHORT,)), Noted())
        read = [made.parse(body) for body in webhook.events(count)]
    notices = [one for one in read if isinstance(one, Notice)]
    assert {one.ref for one in read} == {REF}
    assert len(notices) == count
    return made, notices


def results(made: DragonVendor, notices: list[Notice]) -> list[Result]:
    found = [made.parse(body) for notice in notices for body in made.fetch(notice)]
    return [one for one in found if isinstance(one, Result)]


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("", {}),
        ("retrieval_slow", {"seconds": 0.5}),
        ("token_expired", {"times": 1}),
        ("turns_backwards", {}),
        ("turns_without_times", {}),
        ("many_resources", {"n": 1_000}),
    ],
)
def test_a_result_is_announced_fetched_and_read(sandbox: Sandbox, fault: str, params: dict[str, Any]) -> None:
    transcript, note = results(*announced(sandbox, 2, fault, **params))
    assert transcript.transcript
    assert note.note
    assert (transcript.note, note.transcript) == (None, None)
    assert all(section.title for section in note.note.sections)
    assert fault != "many_resources" or len(note.note.sections) == 1_000


@pytest.mark.parametrize(
    ("fault", "params", "expected"),
    [
        ("retrieval_404", {}, ("result_missing", False)),
        ("retrieval_500", {}, ("vendor_unavailable", False)),
        ("retrieval_403", {}, ("forbidden", True)),
        ("retrieval_half", {}, ("no_answer", False)),
        ("retrieval_html", {}, ("answer_unreadable", False)),
        ("retrieval_huge", {}, ("answer_unreadable", False)),
    ],
)
def test_what_cannot_be_fetched_is_told(
    sandbox: Sandbox, fault: str, params: dict[str, Any], expected: tuple[str, bool]
) -> None:
    made, (notice, _) = announced(sandbox, 2, fault, **params)
    with pytest.raises(VendorError) as caught:
        made.fetch(notice)
    assert facts(caught.value) == expected
    assert caught.value.call_id


def test_a_result_beyond_all_bounds_is_not_read(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendors.dragon.rest_client.MOST_RESULT_BYTES", 1_000_000)
    made, (notice, _) = announced(sandbox, 2, "retrieval_huge")
    with pytest.raises(VendorError) as caught:
        made.fetch(notice)
    assert facts(caught.value) == ("answer_too_large", False)


def test_a_link_to_elsewhere_is_not_followed(sandbox: Sandbox) -> None:
    made, (notice, _) = announced(sandbox, 2, "retrieval_elsewhere")
    with pytest.raises(VendorError) as caught:
        made.fetch(notice)
    assert facts(caught.value) == ("link_refused", True)


@pytest.mark.parametrize(("fault", "place"), [("many_resources", "resources"), ("inner_junk", "data")])
def test_what_is_fetched_and_cannot_be_read_is_told_by_its_place(sandbox: Sandbox, fault: str, place: str) -> None:
    """Ten thousand sections are nobody's note: they are kept as they came."""
    made, notices = announced(sandbox, 2, fault)
    (body,) = made.fetch(notices[1])
    with pytest.raises(Unreadable, match=place):
        made.parse(body)


def test_an_event_of_tomorrow_is_a_notice_without_a_link(sandbox: Sandbox) -> None:
    _, notices = announced(sandbox, 3, "notification_unknown")
    assert [bool(notice.link) for notice in notices] == [True, True, False]
