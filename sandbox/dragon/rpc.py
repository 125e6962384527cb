"""The same over gRPC, on a port of its own. Its messages are the WebSocket's, by way of their JSON names."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict

from sandbox.dragon import ambient_audio_streaming_pb2 as pb
from sandbox.dragon.contract import PROCESSING, RECORD, Refused
from sandbox.dragon.opening import BAD_OPENING, read_opening
from sandbox.dragon.sessions import GRPC
from sandbox.dragon.streaming import BAD_CHUNK, Take
from sandbox.dragon.talk import Ended, Why, admit, configuration, start_processing

if TYPE_CHECKING:
    from sandbox.dragon.vendor import Dragon

SERVICE = "ambient_audio_streaming.AudioStreamingService"
CALLS_AT_ONCE = 64
STATUSES: Mapping[Why, grpc.StatusCode] = {
    Why.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Why.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Why.INTERNAL: grpc.StatusCode.INTERNAL,
    Why.TAKEN_OVER: grpc.StatusCode.ABORTED,
    Why.DROPPED: grpc.StatusCode.UNAVAILABLE,
}
REFUSALS: Mapping[int, grpc.StatusCode] = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
}


def serve(dragon: "Dragon", address: str, credentials: grpc.ServerCredentials | None) -> tuple[grpc.Server, int]:
    """A server that runs, and its port. Without credentials it talks in the clear."""
    server = grpc.server(ThreadPoolExecutor(CALLS_AT_ONCE))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, Methods(dragon).handlers()),))
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    return server, port


@dataclass(frozen=True)
class Methods:
    dragon: "Dragon"

    def handlers(self) -> dict[str, Any]:
        return {
            "RecordAmbient": grpc.stream_stream_rpc_method_handler(
                self.record,
                pb.RecordAmbientRequest.FromString,
                pb.RecordAmbientResponse.SerializeToString,
            ),
            "RetrieveConfiguration": grpc.unary_unary_rpc_method_handler(
                self.configuration,
                pb.RetrieveConfigurationRequest.FromString,
                pb.RetrieveConfigurationResponse.SerializeToString,
            ),
            "StartProcessing": grpc.unary_unary_rpc_method_handler(
                self.processing,
                pb.StartProcessingRequest.FromString,
                pb.StartProcessingResponse.SerializeToString,
            ),
        }

    def record(
        self, requests: Iterator[pb.RecordAmbientRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.RecordAmbientResponse]:
        with self.held(context) as user:
            take = self.opened(next(requests, pb.RecordAmbientRequest()), user)
            for request in requests:
                if request.WhichOneof("message") == "recording_close":
                    yield self.closed(take, request.recording_close)
                    return
                stored = added(take, request)
                if stored is not None:
                    yield padded(pb.RecordAmbientResponse(data_stored=pb.DataStored(data_stored=stored)), take.padding)

    def opened(self, request: pb.RecordAmbientRequest, user: str) -> Take:
        if request.WhichOneof("message") != "recording_open":
            raise Ended(Why.INVALID, BAD_OPENING)
        told = MessageToDict(request.recording_open)
        take = Take(
            self.dragon,
            read_opening({**told, "startingOffset": request.recording_open.starting_offset}),
            GRPC,
            user,
        )
        self.dragon.write_stream(take.session, RECORD, GRPC, "RecordingOpen")
        return take

    def closed(self, take: Take, close: pb.RecordingCloseRequest) -> pb.RecordAmbientResponse:
        self.dragon.write_stream(take.session, RECORD, GRPC, "RecordingClose")
        stored = take.close(MessageToDict(close))
        return pb.RecordAmbientResponse(recording_closes=pb.RecordingCloses(data_stored=stored))

    def configuration(
        self, request: pb.RetrieveConfigurationRequest, context: grpc.ServicerContext
    ) -> pb.RetrieveConfigurationResponse:
        answer = pb.RetrieveConfigurationResponse()
        with self.held(context):
            ParseDict(configuration(self.dragon, MessageToDict(request)), answer)
        return answer

    def processing(
        self, request: pb.StartProcessingRequest, context: grpc.ServicerContext
    ) -> pb.StartProcessingResponse:
        with self.held(context):
            session = start_processing(self.dragon, MessageToDict(request))
            self.dragon.write_stream(session, PROCESSING, GRPC, "StartProcessing")
        return pb.StartProcessingResponse(accepted=True)

    @contextmanager
    def held(self, context: grpc.ServicerContext) -> Iterator[str]:
        """The whole of a call, for the clinician it is made for: whatever ends it becomes its status."""
        try:
            user = admit(self.dragon, metadata(context))
            if self.dragon.settings.app_only_is_silent:
                raise Ended(Why.SILENT)
            yield user
        except Refused as error:
            context.abort(REFUSALS.get(error.status, grpc.StatusCode.UNAVAILABLE), error.message)
        except Ended as end:
            if end.why is not Why.SILENT:
                context.abort(STATUSES[end.why], end.reason)
            self.wait_for_the_client_to_go(context)

    def wait_for_the_client_to_go(self, context: grpc.ServicerContext) -> None:
        while context.is_active() and not self.dragon.stopping.wait(0.1):
            pass
        context.abort(grpc.StatusCode.UNAVAILABLE, "")


def metadata(context: grpc.ServicerContext) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}


def padded(answer: pb.RecordAmbientResponse, size: int) -> pb.RecordAmbientResponse:
    """So much longer, by a field that it does not have."""
    if size:
        answer.MergeFromString(pb.AmbientSessionData(ehr_instance_id="x" * size).SerializeToString())
    return answer


def added(take: Take, request: pb.RecordAmbientRequest) -> int | None:
    if request.WhichOneof("message") != "data_chunk":
        raise Ended(Why.INVALID, BAD_CHUNK)
    return take.add(request.data_chunk.data_start, request.data_chunk.data)
