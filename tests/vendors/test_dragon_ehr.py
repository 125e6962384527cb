"""The EHR instance, of which some customers of Dragon Copilot's have several: every call that takes it names it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.vendors.contract import LOOPBACK
from tests.vendors.dragon_server import (
    CREDENTIALS,
    DragonServer,
    GrpcServer,
    grpc_takes_all,
    read_form,
    read_frame,
    serving,
    takes_all,
)
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.test_dragon_client import dragon_job
from tests.vendors.websocket_peer import Peer
from vendors import connect
from vendors.base import Account
from vendors.outbound import Outbound

INSTANCE = "ehr|North-1"


def submit(server: DragonServer, transport: str, instance: str, streaming: str = "") -> None:
    credentials = {
        **CREDENTIALS,
        "token_url": f"{server.url}/token",
        **({"ehr_instance_id": instance} if instance else {}),
    }
    options = {"transport": transport, "partner_url": f"{server.url}/partner", "streaming_url": streaming or server.url}
    vendor = connect("dragon", Account(server.url, credentials, options), Outbound(LOOPBACK), OwnTokens())
    vendor.submit(dragon_job(), Noted())


def by_rest(instance: str) -> dict[str, Any]:
    """Each call, and what it says the instance is."""
    with DragonServer() as server:
        submit(server, "rest", instance)
    (made,), (finalized,) = server.of("ambient-sessions"), server.of("finalizeUpload")
    chunks = {f"chunk {number}": read_form(asked)[0] for number, asked in enumerate(server.of("storeChunk"))}
    return named({"session": made.json(), "finalize": finalized.json(), **chunks})


def by_websocket(instance: str) -> dict[str, Any]:
    class Overheard(DragonServer):
        """Keeps what it is asked to process."""

        def _talk(self, peer: Peer, call: str) -> None:
            if call != "startProcessing":
                return super()._talk(peer, call)
            told["processing"] = read_frame(peer.receive())[1]
            peer.say({"startProcessing": {"accepted": True}})
            return peer.close()

    told: dict[str, Any] = {}
    with Overheard(takes_all) as server:
        submit(server, "websocket", instance)
    (recording,) = server.recordings.values()
    return named({"opening": recording.opened[0]["ambientSessionData"], **told})


def by_grpc(instance: str) -> dict[str, Any]:
    class Overheard(GrpcServer):
        def process(self, request: Any, context: Any) -> Any:
            told["processing"] = request.ehr_instance_id
            return super().process(request, context)

    def take(server: GrpcServer, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        def heard() -> Iterator[Any]:
            for request in requests:
                if request.HasField("recording_open"):
                    told["opening"] = request.recording_open.ambient_session_data.ehr_instance_id
                yield request

        return grpc_takes_all(server, heard(), context)

    told: dict[str, Any] = {}
    with DragonServer() as tokens, serving(Overheard(take)) as port:
        submit(tokens, "grpc", instance, f"http://127.0.0.1:{port}")
    return {name: value or None for name, value in told.items()}  # in a message of gRPC, empty is not there


def named(bodies: dict[str, Any]) -> dict[str, Any]:
    return {name: body.get("ehrInstanceId") for name, body in bodies.items()}


@pytest.mark.parametrize("instance", [INSTANCE, ""])
@pytest.mark.parametrize(
    ("transport", "calls"),
    [
        (by_rest, {"session", "finalize", "chunk 0", "chunk 1"}),
        (by_websocket, {"opening", "processing"}),
        (by_grpc, {"opening", "processing"}),
    ],
)
def test_the_accounts_instance_is_in_every_call_or_in_none(transport: Any, calls: set[str], instance: str) -> None:
    told = transport(instance)
    assert told.keys() >= calls
    assert set(told.values()) == {instance or None}
