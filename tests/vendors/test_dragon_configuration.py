"""What Dragon Copilot says that it takes, obeyed: languages, formats and their rates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from tests.vendors.contract import CANARY
from tests.vendors.dragon_server import DragonServer, Stored, Tape
from tests.vendors.going import Noted
from tests.vendors.test_dragon_client import REF, dragon, dragon_job
from vendors.base import Speech, VendorError
from vendors.dragon import ambient_audio_streaming_pb2 as pb
from vendors.dragon import grpc_wire, wire
from vendors.dragon.configuration import Configuration
from vendors.dragon.content import FORMS, Content, Form, chosen

OURS = {"pcm": {"sampleRateHz": 16_000, "bitcount": 16, "channels": 1}}
WAV = {"byteStream": {"formatSpecifier": "audio/wav"}}


def told(configuration: dict[str, Any], *, by_grpc: bool = False) -> Configuration:
    if by_grpc:
        return grpc_wire.configuration(ParseDict(configuration, pb.RetrieveConfigurationResponse()))
    return wire.read_configuration(json.dumps({"retrieveConfiguration": configuration}))


def refused(configuration: dict[str, Any], transport: str = "rest", **changes: Any) -> VendorError:
    """Before anything was sent."""
    server = DragonServer()
    server.configuration = configuration
    with server, pytest.raises(VendorError) as caught:
        dragon(server.url, transport).submit(dragon_job(**changes), Noted())
    assert not server.of("ambient-sessions") + server.of("storeChunk") + server.of("ws")
    return caught.value


# --- Languages
@pytest.mark.parametrize(
    ("named", "is_taken"),
    [
        ({}, True),
        ({"recordingLocales": ["EN-us"]}, True),
        ({"recordingLocales": ["fr-FR"]}, False),
        ({"encounterReportLocales": ["en-US", "fr-FR"]}, True),
        ({"encounterReportLocales": ["fr-FR"]}, False),
        ({"recordingLocales": ["en-US", "fr-FR"], "encounterReportLocales": ["fr-FR"]}, False),
        ({"recordingLocales": ["en-US"], "encounterReportLocales": ["en-us"]}, True),
    ],
)
@pytest.mark.parametrize("by_grpc", [False, True])
def test_both_languages_are_held_to_what_is_named(named: dict[str, Any], is_taken: bool, by_grpc: bool) -> None:
    configuration = told(named, by_grpc=by_grpc)
    if is_taken:
        return configuration.obey("en-US", 1_000)
    with pytest.raises(VendorError) as caught:
        configuration.obey("en-US", 1_000)
    assert (caught.value.code, caught.value.permanent) == ("language_refused", True)
    assert "fr-FR" in caught.value.message
    assert "en-US" not in caught.value.message
    return None


def test_of_the_languages_only_some_are_told_and_nothing_else_that_the_vendor_wrote() -> None:
    named = [f"xx-{number:04}" for number in range(900)] + [CANARY, "x" * 200, "en-US\nfr-FR", ""]
    message = refused({"recordingLocales": named}).message
    assert message.count("xx-") == 10
    assert CANARY not in message
    assert len(message) < 300
    assert refused({"recordingLocales": [CANARY]}).message.endswith("in one that it takes.")


# --- Formats
@pytest.mark.parametrize(
    ("formats", "streamed", "uploaded"),
    [
        ([], "pcm", "stored"),
        ([OURS], "pcm", "wav"),
        ([{"pcm": {}}], "pcm", "wav"),
        ([{"pcm": {"sampleRateHz": 8_000}}, OURS], "pcm", "wav"),
        ([WAV], "wav", "wav"),
        ([OURS, {"byteStream": {"formatSpecifier": "audio/ogg"}}], "stored", "stored"),
        ([{"byteStream": {}}], "stored", "stored"),
        ([{"pcm": {"sampleRateHz": 8_000}}], None, None),
        ([{"pcm": {"sampleRateHz": 16_000, "bitcount": 24}}], None, None),
        ([{"pcm": {"sampleRateHz": 16_000, "channels": 2}}], None, None),
        ([{"opus": {}}], None, None),
        ([{"webmOpus": {}}], None, None),
        ([{"byteStream": {"formatSpecifier": "audio/flac"}}], None, None),
    ],
)
@pytest.mark.parametrize("by_grpc", [False, True])
def test_what_is_sent_is_among_the_formats_that_are_named(
    formats: list[dict[str, Any]], streamed: Form | None, uploaded: Form | None, by_grpc: bool
) -> None:
    configuration = told({"audioFormats": formats}, by_grpc=by_grpc)
    for is_streamed, form in ((True, streamed), (False, uploaded)):
        if form:
            assert chosen(Tape(content_type="audio/ogg"), configuration, streamed=is_streamed).form == form
            continue
        with pytest.raises(VendorError) as caught:
            chosen(Tape(content_type="audio/ogg"), configuration, streamed=is_streamed)
        assert (caught.value.code, caught.value.permanent) == ("format_refused", True)


def test_a_format_of_tomorrow_alone_is_none_that_can_be_sent() -> None:
    assert refused({"audioFormats": [{"telepathy": {}}]}, sounds=(Tape(content_type="audio/ogg"),))


@pytest.mark.parametrize("transport", ["rest", "websocket"])
def test_of_several_recordings_one_that_cannot_be_sent_stops_all_before_the_first(transport: str) -> None:
    tapes = (Tape(), Tape(content_type="audio/ogg"))
    other_rate = {"pcm": {"sampleRateHz": 8_000}}
    only_ogg = [other_rate, {"byteStream": {"formatSpecifier": "audio/ogg"}}]
    assert refused({"audioFormats": only_ogg}, transport, sounds=tapes[::-1]).code == "format_refused"


def test_what_was_begun_goes_on_though_its_format_is_not_named_any_more() -> None:
    server, tape = DragonServer(), Tape(content_type="audio/ogg")
    server.configuration = {"audioFormats": [{"opus": {}}]}
    server.recordings[wire.recording_id(REF, 1)] = kept = Stored(data=bytearray(tape.data[:65_536]))
    place = {"recording": 1, "form": FORMS.index("stored"), "stored": 65_536, "streamed": 1}
    with server:
        dragon(server.url, "websocket").submit(dragon_job(sounds=(tape,)), Noted(ref=REF, place=place))
    assert bytes(kept.data) == tape.data


def test_wav_that_is_streamed_is_called_so() -> None:
    server, tape = DragonServer(), Tape(content_type="audio/ogg", duration_ms=500)
    server.configuration = {"audioFormats": [WAV]}
    with server:
        dragon(server.url, "websocket").submit(dragon_job(sounds=(tape,)), Noted())
    (kept,) = server.recordings.values()
    assert kept.opened[0]["dataFormat"] == WAV
    assert (bytes(kept.data[:4]), bytes(kept.data[44:])) == (b"RIFF", tape.decoded()[:16_000])


def test_only_webm_that_is_opus_is_called_webm_opus() -> None:
    configuration = told({"audioFormats": [{"webmOpus": {}}, OURS]})
    opus, other = (Tape(content_type=f"audio/webm{codec}") for codec in ("", "; codecs=vorbis"))
    assert chosen(opus, configuration, streamed=True).form == "stored"
    assert wire.data_format(chosen(other, configuration, streamed=True)) == OURS
    assert chosen(other, configuration, streamed=False).form == "wav"


def test_samples_are_declared_at_the_rate_they_have() -> None:
    tape = Tape(content_type="audio/ogg", speech=Speech("en-US", sample_rate_hertz=8_000))
    configuration = told({"audioFormats": [{"pcm": {"sampleRateHz": 8_000}}]})
    assert chosen(tape, configuration, streamed=True) == Content(tape, "pcm")
