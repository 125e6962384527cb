"""Dragon Copilot by gRPC: what differs from a WebSocket, and that the rest does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict

from tests.vendors.contract import CANARY, LOOPBACK
from tests.vendors.dragon_server import CREDENTIALS, DragonServer, GrpcServer, Tape, grpc_takes_all, serving
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.scripted_server import ScriptedServer
from tests.vendors.test_dragon_client import HASTY, DragonContract, dragon_job
from vendors import connect
from vendors.base import Account, Submitted, Vendor, VendorError
from vendors.dragon import ambient_audio_streaming_pb2 as pb
from vendors.dragon import grpc_wire, wire
from vendors.dragon.adapter import DragonVendor
from vendors.dragon.customer import Customer
from vendors.dragon.wire import Asked
from vendors.outbound import Outbound

REF = "5f0c2a34-7b41-4b0c-9f39-0a4ad5b3c101"
FIRST = wire.recording_id(REF, 1)


class TestGrpc(DragonContract):
    """A server of gRPC is no scripted one: what its statuses mean is below. It is the token's endpoint that refuses."""

    transport = "grpc"

    def connected(self, server: ScriptedServer) -> Vendor:
        return over_grpc(self.port, server.url)

    def refusing(self, answer: Any) -> ScriptedServer:
        return ScriptedServer(answer)

    @contextmanager
    def not_there(self) -> Iterator[Vendor]:
        with ScriptedServer(b"") as gone:
            pass
        with DragonServer() as server:
            yield over_grpc(gone.port, server.url)

    @pytest.fixture(autouse=True)
    def streaming_host(self) -> Iterator[None]:
        self.server = GrpcServer()
        with serving(self.server) as self.port:
            yield

    def test_submitting_twice_sends_the_same_under_the_same_id(self) -> None:
        with DragonServer() as server:
            vendor = self.connected(server)
            assert vendor.submit(self.job(), Noted()) == vendor.submit(self.job(), Noted())
        assert list(self.server.recordings) == [FIRST]
        assert self.server.processed == [REF, REF]


def over_grpc(port: int, url: str, outbound: Outbound | None = None, scheme: str = "http") -> DragonVendor:
    host = "127.0.0.1" if scheme == "http" else "localhost"
    options = {"transport": "grpc", "streaming_url": f"{scheme}://{host}:{port}"}
    account = Account(url, {**CREDENTIALS, "token_url": f"{url}/token"}, options)
    made = connect("dragon", account, outbound or Outbound(LOOPBACK), OwnTokens())
    assert isinstance(made, DragonVendor)
    made.patience = HASTY  # type: ignore[misc]
    return made


def by_grpc(server: GrpcServer, progress: Noted | None = None, **changes: Any) -> Submitted:
    with DragonServer() as tokens, serving(server) as port:
        return over_grpc(port, tokens.url).submit(dragon_job(**changes), progress or Noted())


def test_the_same_by_grpc() -> None:
    server, tape = GrpcServer(), Tape()
    assert by_grpc(server) == Submitted(REF)
    kept = server.recordings[FIRST]
    assert (bytes(kept.data), kept.is_closed, server.processed) == (tape.data, True, [REF])
    told = server.metadata[0]
    assert (told["external-user-id"], told["customer-id"]) == ("dr-1", CREDENTIALS["customer_id"])
    assert told["authorization"].startswith("Bearer token-")
    assert told["x-ms-request-id"]


def test_by_grpc_too_a_call_that_breaks_is_taken_up_where_it_was_confirmed() -> None:
    drops = partial(grpc_takes_all, most_chunks=2)
    server, tape = GrpcServer(drops, grpc_takes_all), Tape()
    by_grpc(server)
    kept = server.recordings[FIRST]
    assert bytes(kept.data) == tape.data
    assert len(kept.opened) == 2


def test_by_grpc_too_several_recordings_are_one_session() -> None:
    server, tapes = GrpcServer(), (Tape(b"one" * 50_000), Tape(b"two"))
    by_grpc(server, sounds=tapes)
    assert [bytes(kept.data) for kept in server.recordings.values()] == [tape.data for tape in tapes]
    assert list(server.recordings) == [wire.recording_id(REF, number) for number in (1, 2)]


@pytest.mark.parametrize(
    ("status", "details", "code", "permanent"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "Invalid DataChunk received", "audio_refused", True),
        (grpc.StatusCode.INVALID_ARGUMENT, "Failed to convert request to RecordingOpenRequest", "open_refused", True),
        (
            grpc.StatusCode.INVALID_ARGUMENT,
            "Failed to convert request to StartProcessingRequest",
            "processing_refused",
            True,
        ),
        (grpc.StatusCode.INVALID_ARGUMENT, "else", "invalid_request", True),
        (grpc.StatusCode.UNAUTHENTICATED, "", "unauthorized", True),
        (grpc.StatusCode.PERMISSION_DENIED, "", "forbidden", True),
        (grpc.StatusCode.NOT_FOUND, "", "session_missing", True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "", "rate_limited", False),
        (grpc.StatusCode.UNAVAILABLE, "", "vendor_unavailable", False),
        (grpc.StatusCode.INTERNAL, "", "vendor_unavailable", False),
    ],
)
@pytest.mark.parametrize("at", ["RecordAmbient", "StartProcessing"])
def test_what_a_status_means(at: str, status: grpc.StatusCode, details: str, code: str, permanent: bool) -> None:
    class Refuses(GrpcServer):
        def record(self, requests: Any, context: Any) -> Iterator[Any]:
            if at == "RecordAmbient":
                context.abort(status, details)
            return super().record(requests, context)

        def process(self, request: Any, context: Any) -> Any:
            context.abort(status, details)

    with pytest.raises(VendorError) as caught:
        by_grpc(Refuses())
    assert (caught.value.code, caught.value.permanent) == (code, permanent)
    assert not details or details not in caught.value.message
    assert caught.value.call_id


def test_by_grpc_too_an_invalid_request_is_told_by_what_is_wrong_with_it() -> None:
    def refuses(server: GrpcServer, requests: Any, context: Any) -> Iterator[Any]:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"productId must be a valid UUID {CANARY}")
        yield pb.RecordAmbientResponse()

    with pytest.raises(VendorError) as caught:
        by_grpc(GrpcServer(refuses))
    assert "product id in this vendor account" in caught.value.message
    assert CANARY not in caught.value.message


def test_by_grpc_too_what_is_not_to_be_processed_is_asked_for_again_and_not_sent_again() -> None:
    progress, server, again = Noted(), GrpcServer(), GrpcServer()
    server.processing = pb.StartProcessingResponse(accepted=False)
    with pytest.raises(VendorError) as caught:
        by_grpc(server, progress)
    assert (caught.value.code, caught.value.permanent) == ("not_processed", False)
    assert caught.value.call_id
    assert by_grpc(again, progress) == Submitted(REF)
    assert (again.recordings, again.processed) == ({}, [REF])


def test_too_large_an_answer_is_none_of_too_many_requests() -> None:
    def floods(server: GrpcServer, requests: Any, context: Any) -> Iterator[Any]:
        answer = pb.RecordAmbientResponse()
        answer.MergeFromString(b"\x1a\x80\x80\x80\x01" + bytes(2 * 1024 * 1024))  # an unknown field of 2 MiB
        yield answer

    with pytest.raises(VendorError) as caught:
        by_grpc(GrpcServer(floods))
    assert (caught.value.code, caught.value.permanent) == ("answer_too_large", False)


def test_processing_is_asked_for_with_the_same_ids_by_either_stream() -> None:
    whose = Customer("p", "c", "d", "ehr-1", "dr-1")
    ids = Asked(whose, REF, "en-US").ids
    assert MessageToDict(grpc_wire.processing(ids)) == ids
    assert ids["ehrInstanceId"] == "ehr-1"


def test_a_token_that_ended_is_renewed_once_by_grpc() -> None:
    def refuses(server: GrpcServer, requests: Any, context: Any) -> Iterator[Any]:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "expired")
        yield pb.RecordAmbientResponse()

    server = GrpcServer(refuses, grpc_takes_all)
    by_grpc(server)
    assert len({told["authorization"] for told in server.metadata}) == 2


def test_a_long_recording_may_outlast_several_tokens() -> None:
    def ends(server: GrpcServer, requests: Any, context: Any) -> Iterator[Any]:
        most = 1
        for said in grpc_takes_all(server, requests, context):
            yield said
            if not (most := most - 1):
                time.sleep(0.1)  # so that it is heard
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "expired")

    server, tape = GrpcServer(ends, ends, ends, grpc_takes_all), Tape()
    by_grpc(server)
    assert bytes(server.recordings[FIRST].data) == tape.data
    assert len({told["authorization"] for told in server.metadata}) == 4


@pytest.mark.parametrize("fails_at", ["open", "send", "close"])
def test_by_grpc_too_nothing_is_left_running(fails_at: str) -> None:
    def fails(server: GrpcServer, requests: Any, context: Any) -> Iterator[Any]:
        for request in requests:
            if request.WhichOneof("message").endswith({"open": "open", "send": "chunk", "close": "close"}[fails_at]):
                context.abort(grpc.StatusCode.NOT_FOUND, "")
            if request.HasField("data_chunk"):
                stored = request.data_chunk.data_start + len(request.data_chunk.data)
                yield pb.RecordAmbientResponse(data_stored=pb.DataStored(data_stored=stored))

    with DragonServer() as tokens, serving(GrpcServer(fails)) as port:
        vendor, before = over_grpc(port, tokens.url), set(threading.enumerate())
        with pytest.raises(VendorError):
            vendor.submit(dragon_job(sounds=(Tape(bytes(3_000_000)),)), Noted())
        ours = [one for one in set(threading.enumerate()) - before if one.name.endswith(("(_listen)", "(_run)"))]
        for one in ours:
            one.join(2)
        assert not [one for one in ours if one.is_alive()]


def test_by_grpc_silence_has_an_end() -> None:
    def silent(server: GrpcServer, requests: Any, context: Any) -> Iterator[Any]:
        for _ in requests:
            pass
        time.sleep(1)
        yield pb.RecordAmbientResponse()

    with pytest.raises(VendorError) as caught:
        by_grpc(GrpcServer(silent))
    assert caught.value.code == "no_answer"


def test_a_channel_is_secured_by_the_hosts_own_certificate(certificate: Path) -> None:
    pem = certificate.read_bytes()
    credentials = grpc.ssl_server_credentials([(pem, pem)])
    trusting = Outbound(LOOPBACK, ca_file=str(certificate))
    with DragonServer() as tokens, serving(GrpcServer(), credentials) as port:
        assert over_grpc(port, tokens.url, trusting, "https").submit(dragon_job(), Noted()).ref == REF
        with pytest.raises(VendorError) as caught:
            over_grpc(port, tokens.url, Outbound(LOOPBACK), "https").submit(dragon_job(), Noted())
    assert (caught.value.code, caught.value.permanent) == ("vendor_unavailable", False)


def test_a_channel_leads_nowhere_that_may_not_be_called() -> None:
    with DragonServer() as tokens:
        refused = Outbound([LOOPBACK[0]]).trusting("http://169.254.169.254:1")
        with pytest.raises(VendorError) as caught, refused.channel("http://169.254.169.254:1"):
            pass
        assert caught.value.code == "address_refused"
        with pytest.raises(VendorError) as untrusted, Outbound(LOOPBACK).channel(tokens.url):
            pass
        assert untrusted.value.code == "token_host_refused"
