"""The messages of WebSocket and gRPC are the same: here in the second one's form.

With the vendor's own .proto file in place of ambient_audio_streaming.proto, which is ours, this file changes, and what
grpc_client.py calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import ParseDict

from vendors.dragon import ambient_audio_streaming_pb2 as pb
from vendors.dragon.configuration import ANY_FILE, OTHER, WEBM_OPUS, Configuration, pcm
from vendors.dragon.wire import Heard

SERVICE = "/ambient_audio_streaming.AudioStreamingService"


def opening(body: Mapping[str, Any]) -> pb.RecordAmbientRequest:
    """From the JSON of a RecordingOpen."""
    return ParseDict({"recordingOpen": dict(body)}, pb.RecordAmbientRequest())


def chunk(start: int, data: bytes) -> pb.RecordAmbientRequest:
    return pb.RecordAmbientRequest(data_chunk=pb.DataChunkRequest(data_start=start, data=data))


def closing(body: Mapping[str, Any]) -> pb.RecordAmbientRequest:
    """From the JSON of a RecordingClose."""
    return ParseDict({"recordingClose": dict(body)}, pb.RecordAmbientRequest())


def processing(body: Mapping[str, Any]) -> pb.StartProcessingRequest:
    """From the JSON of a StartProcessing."""
    return ParseDict(dict(body), pb.StartProcessingRequest())


def heard(message: pb.RecordAmbientResponse) -> Heard | None:
    """None for a message that says something else."""
    if message.HasField("recording_closes"):
        return Heard(message.recording_closes.data_stored, is_closed=True)
    return Heard(message.data_stored.data_stored) if message.HasField("data_stored") else None


def configuration(message: pb.RetrieveConfigurationResponse) -> Configuration:
    limits = message.recording_duration_limits
    return Configuration(
        formats=frozenset(map(_format, message.audio_formats)),
        languages=frozenset(message.recording_locales),
        report_languages=frozenset(message.encounter_report_locales),
        shortest_seconds=limits.minimum_seconds,
        longest_seconds=limits.maximum_seconds,
    )


def _format(named: pb.DataFormat) -> str:
    kind, samples = named.WhichOneof("format"), named.pcm
    known = {
        "pcm": pcm(samples.sample_rate_hz, samples.bitcount, samples.channels),
        "webm_opus": WEBM_OPUS,
        "byte_stream": named.byte_stream.format_specifier or ANY_FILE,
    }
    return known.get(kind or "", OTHER)
