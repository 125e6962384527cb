"""Dragon Copilot by gRPC: the same as by WebSocket, in protobuf and with statuses."""

import hashlib
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from google.protobuf.json_format import ParseDict

from sandbox.dragon import ambient_audio_streaming_pb2 as pb
from sandbox.dragon import rpc

from .copilot import CHUNK, PCM, Copilot, bring, chunks, samples

AUDIO = samples(4)
SHA256 = hashlib.sha256(AUDIO).hexdigest()
ROOT = Path(__file__).parents[2]
BAD_OPENING = "Failed to convert request to RecordingOpenRequest"
BAD_CHUNK = "Invalid DataChunk received"
NO_CHANGES: Mapping[str, str | None] = {}
Requests = Iterator[pb.RecordAmbientRequest]


def new() -> str:
    return str(uuid.uuid4())


class Line:
    """A channel to the vendor; in the metadata of a call, what is changed to None is left out."""

    def __init__(self, channel: grpc.Channel, copilot: Copilot) -> None:
        self.channel, self.copilot = channel, copilot
        self.usual = {"authorization": f"Bearer {copilot.audio_token}", "external-user-id": "dr-a"}

    def metadata(self, changes: Mapping[str, str | None]) -> tuple[tuple[str, str | bytes], ...]:
        return tuple((name, value) for name, value in (self.usual | dict(changes)).items() if value is not None)

    def record(
        self, requests: Requests, timeout: float = 8, changes: Mapping[str, str | None] = NO_CHANGES
    ) -> Iterator[int]:
        """What is stored, as it is told."""
        call = self.channel.stream_stream(
            f"/{rpc.SERVICE}/RecordAmbient",
            pb.RecordAmbientRequest.SerializeToString,
            pb.RecordAmbientResponse.FromString,
        )
        for answer in call(requests, timeout=timeout, metadata=self.metadata(changes)):
            yield getattr(answer, str(answer.WhichOneof("message"))).data_stored

    def configuration(
        self, timeout: float = 8, changes: Mapping[str, str | None] = NO_CHANGES
    ) -> pb.RetrieveConfigurationResponse:
        call = self.channel.unary_unary(
            f"/{rpc.SERVICE}/RetrieveConfiguration",
            pb.RetrieveConfigurationRequest.SerializeToString,
            pb.RetrieveConfigurationResponse.FromString,
        )
        owners = self.copilot.owners
        request = pb.RetrieveConfigurationRequest(partner_id=owners["partnerId"], customer_id=owners["customerId"])
        return call(request, timeout=timeout, metadata=self.metadata(changes))

    def process(self, session: str, timeout: float = 8) -> bool:
        call = self.channel.unary_unary(
            f"/{rpc.SERVICE}/StartProcessing",
            pb.StartProcessingRequest.SerializeToString,
            pb.StartProcessingResponse.FromString,
        )
        request = ParseDict({**self.copilot.owners, "correlationId": session}, pb.StartProcessingRequest())
        return bool(call(request, timeout=timeout, metadata=self.metadata({})).accepted)

    def opened(self, session: str, recording: str, **changes: Any) -> pb.RecordAmbientRequest:
        opening = self.copilot.opening(session, recording, **changes)
        return pb.RecordAmbientRequest(recording_open=ParseDict(opening, pb.RecordingOpenRequest()))

    def whole(self, session: str, recording: str, start: int = 0, **changes: Any) -> Requests:
        """A recording from there to its end."""
        yield self.opened(session, recording, startingOffset=start, **changes)
        for number, part in enumerate(chunks(AUDIO[start:])):
            yield data(start + number * CHUNK, part)
        yield closed(recording)

    def streamed(self, session: str, recording: str) -> None:
        assert list(self.record(self.whole(session, recording)))[-1] == len(AUDIO)


def data(start: int, audio: bytes) -> pb.RecordAmbientRequest:
    return pb.RecordAmbientRequest(data_chunk=pb.DataChunkRequest(data_start=start, data=audio))


def closed(recording: str) -> pb.RecordAmbientRequest:
    close = pb.RecordingCloseRequest(recording_id=recording, recording_length_seconds=4, reason="end")
    return pb.RecordAmbientRequest(recording_close=close)


def failure(error: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[grpc.StatusCode, str]:
    call = error.value
    assert isinstance(call, grpc.Call)
    return call.code(), call.details() or ""


@pytest.fixture
def line(copilot: Copilot) -> Iterator[Line]:
    server, port = rpc.serve(copilot.dragon, "127.0.0.1:0", None)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Line(channel, copilot)
    copilot.dragon.stopping.set()
    server.stop(1).wait()


def test_a_recording_is_stored_byte_by_byte(copilot: Copilot, line: Line) -> None:
    session, recording = new(), new()
    told = list(line.record(line.whole(session, recording)))
    assert told == [*range(CHUNK, len(AUDIO) + 1, CHUNK), len(AUDIO)]
    shown = copilot.recording(session)
    assert (shown["sha256"], shown["complete"], shown["format"]) == (SHA256, True, PCM)
    assert (copilot.session(session)["created_by"], copilot.offences(session)) == ("grpc", [])


def test_the_configuration_is_the_same(copilot: Copilot, line: Line) -> None:
    copilot.settings(maximum_seconds=120, recording_locales=["en-US"])
    told = line.configuration()
    assert told.audio_formats[0].pcm == pb.Pcm(sample_rate_hz=16_000, bitcount=16, channels=1)
    assert "audio/wav" in [one.byte_stream.format_specifier for one in told.audio_formats]
    assert list(told.recording_locales) == ["en-US"]
    assert told.recording_duration_limits.maximum_seconds == 120


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"authorization": None}, grpc.StatusCode.UNAUTHENTICATED),
        ({"authorization": "Bearer junk"}, grpc.StatusCode.UNAUTHENTICATED),
        ({"external-user-id": None}, grpc.StatusCode.PERMISSION_DENIED),
    ],
)
def test_a_call_can_be_refused(line: Line, changes: dict[str, str | None], status: grpc.StatusCode) -> None:
    with pytest.raises(grpc.RpcError) as error:
        line.configuration(changes=changes)
    assert failure(error)[0] is status
    with pytest.raises(grpc.RpcError) as error:
        list(line.record(iter(()), changes=changes))
    assert failure(error)[0] is status


@pytest.mark.parametrize(
    ("fault", "status"),
    [("token_expired", grpc.StatusCode.UNAUTHENTICATED), ("streaming_500", grpc.StatusCode.UNAVAILABLE)],
)
def test_a_call_can_be_refused_once(copilot: Copilot, line: Line, fault: str, status: grpc.StatusCode) -> None:
    copilot.fault(fault, times=1)
    with pytest.raises(grpc.RpcError) as error:
        line.configuration()
    assert failure(error)[0] is status
    assert line.configuration().recording_locales


@pytest.mark.parametrize("changes", [{"recordingId": "1"}, {"dataFormat": {}}, {"startingOffset": 1}])
def test_a_bad_opening_is_refused(line: Line, changes: dict[str, Any]) -> None:
    with pytest.raises(grpc.RpcError) as error:
        list(line.record(iter([line.opened(new(), new(), **changes)])))
    assert failure(error) == (grpc.StatusCode.INVALID_ARGUMENT, BAD_OPENING)


def test_nothing_else_may_come_first(line: Line) -> None:
    for requests in (iter([data(0, AUDIO)]), iter(())):
        with pytest.raises(grpc.RpcError) as error:
            list(line.record(requests))
        assert failure(error) == (grpc.StatusCode.INVALID_ARGUMENT, BAD_OPENING)


@pytest.mark.parametrize("second", [data(1, b"x"), data(0, b""), pb.RecordAmbientRequest()])
def test_a_bad_chunk_ends_the_call(line: Line, second: pb.RecordAmbientRequest) -> None:
    with pytest.raises(grpc.RpcError) as error:
        list(line.record(iter([line.opened(new(), new()), second])))
    assert failure(error) == (grpc.StatusCode.INVALID_ARGUMENT, BAD_CHUNK)


@pytest.mark.parametrize("offset", [0, CHUNK, 2 * CHUNK])
def test_a_recording_goes_on_from_what_is_stored(copilot: Copilot, line: Line, offset: int) -> None:
    session, recording = new(), new()
    copilot.fault("drop_after_bytes", times=1, bytes=2 * CHUNK, correlation_id=session)
    with pytest.raises(grpc.RpcError) as error:
        list(line.record(line.whole(session, recording)))
    assert failure(error)[0] is grpc.StatusCode.UNAVAILABLE
    assert copilot.recording(session)["bytes"] == 2 * CHUNK
    assert list(line.record(line.whole(session, recording, offset)))[-1] == len(AUDIO)
    shown = copilot.recording(session)
    assert (shown["sha256"], shown["opened"], copilot.offences(session)) == (SHA256, 2, [])


def test_a_call_that_just_ends_leaves_the_recording_open(copilot: Copilot, line: Line) -> None:
    session, recording = new(), new()
    assert list(line.record(iter([line.opened(session, recording), data(0, AUDIO[:CHUNK])]))) == [CHUNK]
    shown = copilot.recording(session)
    assert (shown["bytes"], shown["complete"]) == (CHUNK, False)


def test_acknowledgements_and_the_close_can_stay_away(copilot: Copilot, line: Line) -> None:
    session, recording = new(), new()
    copilot.fault("no_acks", times=1, correlation_id=session)
    copilot.fault("no_close_answer", times=1, correlation_id=session)
    told = []
    with pytest.raises(grpc.RpcError) as error:
        told += list(line.record(line.whole(session, recording), timeout=0.5))
    assert (failure(error)[0], told) == (grpc.StatusCode.DEADLINE_EXCEEDED, [])
    assert copilot.recording(session)["complete"] is True


def test_an_acknowledgement_can_be_wrong(copilot: Copilot, line: Line) -> None:
    copilot.fault("acks_beyond", times=1, bytes=7)
    assert next(line.record(line.whole(new(), new()))) == CHUNK + 7
    copilot.fault("acks_huge", times=1, bytes=100_000)
    assert next(line.record(line.whole(new(), new()))) == CHUNK
    copilot.fault("acks_huge", times=1)
    with pytest.raises(grpc.RpcError) as error:
        next(line.record(line.whole(new(), new())))
    assert failure(error)[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_recording_can_be_refused_for_any_reason(copilot: Copilot, line: Line) -> None:
    copilot.fault("close_reason", times=1, reason="Too many")
    with pytest.raises(grpc.RpcError) as error:
        line.streamed(new(), new())
    assert failure(error) == (grpc.StatusCode.INTERNAL, "Too many")
    copilot.fault("open_refused", times=1)
    with pytest.raises(grpc.RpcError) as error:
        line.streamed(new(), new())
    assert failure(error) == (grpc.StatusCode.INVALID_ARGUMENT, BAD_OPENING)


def test_an_app_only_token_can_be_met_with_silence(copilot: Copilot, line: Line) -> None:
    copilot.settings(app_only_is_silent=True)
    with pytest.raises(grpc.RpcError) as error:
        line.configuration(timeout=0.3)
    assert failure(error)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    with pytest.raises(grpc.RpcError) as error:
        list(line.record(line.whole(new(), new()), timeout=0.3))
    assert failure(error)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    assert copilot.control("GET", "sessions").json() == []


def test_the_configuration_can_be_refused_or_never_come(copilot: Copilot, line: Line) -> None:
    copilot.fault("configuration_refused", times=1)
    with pytest.raises(grpc.RpcError) as error:
        line.configuration()
    assert failure(error)[0] is grpc.StatusCode.INVALID_ARGUMENT
    copilot.fault("configuration_empty", times=1)
    assert line.configuration() == pb.RetrieveConfigurationResponse()
    copilot.fault("configuration_huge", times=1, bytes=9)
    assert line.configuration().recording_locales == ["x" * 9]
    copilot.fault("configuration_silent", times=1)
    with pytest.raises(grpc.RpcError) as error:
        line.configuration(timeout=0.3)
    assert failure(error)[0] is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_session_is_processed_once(copilot: Copilot, line: Line) -> None:
    session = new()
    with pytest.raises(grpc.RpcError) as error:
        line.process(session)
    assert failure(error) == (grpc.StatusCode.NOT_FOUND, "Session not found")
    line.streamed(session, new())
    assert [line.process(session), line.process(session)] == [True, True]
    assert copilot.session(session)["processed"] is True


def test_a_recording_can_change_its_transport(copilot: Copilot, line: Line) -> None:
    session, recording = new(), new()
    with copilot.socket() as socket:
        copilot.open(socket, session, recording)
        bring(socket, AUDIO[:CHUNK])
    told = list(line.record(line.whole(session, recording, CHUNK)))
    assert told[-1] == len(AUDIO)
    assert copilot.recording(session)["sha256"] == SHA256


def certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) for 127.0.0.1 and localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return cert_file, key_file


@contextmanager
def sandbox(copilot: Copilot, *options: str) -> Iterator[tuple["subprocess.Popen[str]", Copilot, str]]:
    """(process, its REST side, its gRPC address) of `python -m sandbox`, which has to end cleanly."""
    command = [sys.executable, "-W", "error", "-m", "sandbox", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            root, said = process.stdout.readline().split()[-1], process.stdout.readline()
            assert said.startswith("sandbox gRPC listening on 127.0.0.1:")
            yield process, Copilot(root, copilot.clinic, copilot.dragon), said.split()[-1]
            process.terminate()
            rest, errors = process.communicate(timeout=8)
        finally:
            process.kill()
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize("is_secure", [False, True])
def test_the_process_says_where_it_listens_and_ends_cleanly(tmp_path: Path, copilot: Copilot, is_secure: bool) -> None:
    cert, key = certificate(tmp_path)
    tls = ["--dragon-grpc-cert", str(cert), "--dragon-grpc-key", str(key)] if is_secure else []
    with (
        sandbox(copilot, "--dragon-customer-id", new(), *tls) as (_, elsewhere, address),
        channel(address, cert if is_secure else None) as opened,
    ):
        session = new()
        Line(opened, elsewhere).streamed(session, new())
        assert elsewhere.offences(session) == ["another_customerId"]


def test_a_long_recording_takes_no_more_memory(copilot: Copilot) -> None:
    with sandbox(copilot) as (process, elsewhere, address), grpc.insecure_channel(address) as opened:
        line, session, megabyte = Line(opened, elsewhere), new(), bytes(1_000_000)
        line.streamed(new(), new())
        before = peak_memory(process)
        sent = (data(start, megabyte) for start in range(0, 100_000_000, len(megabyte)))
        assert list(line.record(chain([line.opened(session, new())], sent), timeout=60))[-1] == 100_000_000
        assert elsewhere.recording(session)["bytes"] == 100_000_000
        assert peak_memory(process) - before < 40_000_000


def peak_memory(process: "subprocess.Popen[str]") -> int:
    """In bytes."""
    told = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(told.partition("VmHWM:")[2].split()[0])


def test_a_certificate_needs_its_key() -> None:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--dragon-grpc-cert", "x"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "go together" in done.stderr


def channel(address: str, cert: Path | None) -> grpc.Channel:
    if cert is None:
        return grpc.insecure_channel(address)
    trusted = grpc.ssl_channel_credentials(cert.read_bytes())
    return grpc.secure_channel(f"localhost:{address.rpartition(':')[2]}", trusted)
