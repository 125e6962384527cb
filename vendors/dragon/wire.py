"""Dragon Copilot's JSON over REST and WebSocket, with no I/O.

Source: Microsoft's pages on Ambient Audio Streaming 2.0. What these name without fields has those of one public client,
and where that says nothing either, ours: the frames' header block, `data` of a session, the configuration's answer.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import orjson

from vendors.base import Unreadable
from vendors.dragon.configuration import ANY_FILE, NAMES, OTHER, WEBM_OPUS, Configuration, pcm
from vendors.dragon.content import WAV, Content
from vendors.dragon.customer import Customer
from vendors.reading import Fields, read_object

MOST_NAMED = 1_000
LONGEST_NAME = 200
#: Of Opus, whatever it was recorded with. Source: RFC 7845, 5.1.
OPUS_RATE = 48_000
ACTIONS = ["generate-draft"]
REASON = "userAction"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose session it is. `correlation_id`: a UUID of ours that names it everywhere."""

    customer: Customer
    correlation_id: str
    language: str

    @property
    def ids(self) -> dict[str, str]:
        """As every call names them."""
        customer = self.customer
        named = {
            "productId": customer.product,
            "partnerId": customer.partner,
            "customerId": customer.customer,
            "correlationId": self.correlation_id,
        }
        return named | ({"ehrInstanceId": customer.ehr_instance} if customer.ehr_instance else {})

    @property
    def locales(self) -> dict[str, Any]:
        language = self.language
        return {
            "recordingLocales": [language],
            "encounterReportLocale": language,
            "encounterUxLocale": language,
        }


@dataclass(frozen=True, slots=True)
class Heard:
    """What a stream's other side says: bytes that are stored, and whether the recording is closed with that."""

    stored: int
    is_closed: bool = False


def recording_id(correlation: str, number: int) -> str:
    """Of the session's recording of that number, for a stream: the same each time it is opened."""
    return str(uuid5(UUID(correlation), str(number)))


# --- REST
def session_body(asked: Asked) -> dict[str, Any]:
    """`PUT {partner}/ambient-sessions`."""
    data = json.dumps({"localeInfo": asked.locales})
    return {**asked.ids, "externalUserId": asked.customer.user, "data": data}


def chunk_metadata(asked: Asked, recording: int, chunk: int, *, is_last: bool) -> dict[str, Any]:
    """Of `PUT {aas}/audio/storeChunk`. Chunk 1 is this alone: audio begins at chunk 2."""
    place = {"recordingId": recording, "chunkId": chunk, "isLast": is_last}
    return {**asked.ids, **place, "externalUserId": asked.customer.user}


def finalize_body(asked: Asked, recording: int, total_chunks: int) -> dict[str, Any]:
    """`POST {aas}/audio/finalizeUpload`."""
    place = {"recordingId": recording, "totalChunks": total_chunks, "skipAmbientSessionExistence": False}
    return {**asked.ids, **place, "externalUserId": asked.customer.user}


def multipart(metadata: Mapping[str, Any], content: bytes | None) -> tuple[str, bytes]:
    """The content type and the body of a form with `metadata` and `content`. Source: RFC 7578."""
    boundary = hashlib.sha256(content or b"").hexdigest()
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n'.encode(),
        orjson.dumps(metadata),
    ]
    if content is not None:
        named = 'name="content"; filename="chunk"\r\nContent-Type: application/octet-stream'
        parts += [f"\r\n--{boundary}\r\nContent-Disposition: form-data; {named}\r\n\r\n".encode(), content]
    parts.append(f"\r\n--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)


# --- WebSocket
def frame(path: str, body: Mapping[str, Any], call_id: str) -> str:
    """A text frame of ours: a few headers, then JSON."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = f"Path={path}\r\nX-MS-Request-Id={call_id}\r\nX-Timestamp={now}\r\n\r\n"
    return head + orjson.dumps(body).decode()


def open_body(asked: Asked, recording: str, content: Content, starting_offset: int) -> dict[str, Any]:
    """RecordingOpen."""
    user = [{"type": "userId", "identifier": asked.customer.user}]
    return {
        "recordingId": recording,
        "dataFormat": data_format(content),
        "ambientSessionData": {**asked.ids, "externalIdentifiers": user, "localeInfo": asked.locales},
        "actions": ACTIONS,
        "reason": REASON,
        "startingOffset": starting_offset,
    }


def data_format(content: Content) -> dict[str, Any]:
    rate = content.sound.speech.sample_rate_hertz
    if content.form == "pcm":
        return {"pcm": {"sampleRateHz": rate, "bitcount": 16, "channels": 1}}
    content_type = WAV if content.form == "wav" else content.sound.content_type
    if NAMES.get(content_type) == WEBM_OPUS:
        return {"webmOpus": {"sampleRateHz": OPUS_RATE}}
    return {"byteStream": {"formatSpecifier": content_type}}


def data_chunk(start: int, data: bytes) -> bytes:
    return b'{"DataStart":%d,"Data":"%b"}' % (start, base64.b64encode(data))


def close_body(recording: str, content: Content) -> dict[str, Any]:
    """RecordingClose."""
    return {"recordingId": recording, "recordingLengthSeconds": content.seconds, "reason": REASON}


def configuration_body(asked: Asked) -> dict[str, str]:
    return {"partnerId": asked.customer.partner, "customerId": asked.customer.customer}


def read_heard(message: str | bytes) -> Heard | None:
    """None for a message that says something else. Raises Unreadable."""
    said = _read(message)
    for name, is_closed in (("dataStored", False), ("recordingCloses", True)):
        if (inner := said.object(name)) is not None:
            stored = inner.value("dataStored")
            if type(stored) is not int or stored < 0:
                raise Unreadable(f"{name}.dataStored: not a number of bytes")
            return Heard(stored, is_closed)
    return None


def read_configuration(message: str | bytes) -> Configuration:
    """Whatever of it cannot be read is left out. Raises Unreadable for what is no configuration at all."""
    said = _read(message).object("retrieveConfiguration")
    if said is None:
        raise Unreadable("retrieveConfiguration: missing")
    limits = said.object("recordingDurationLimits") or Fields({})
    return Configuration(
        formats=frozenset(map(_format, said.objects("audioFormats", most=MOST_NAMED) or [])),
        languages=frozenset(_texts(said.value("recordingLocales"))),
        report_languages=frozenset(_texts(said.value("encounterReportLocales"))),
        shortest_seconds=_seconds(limits.value("minimumSeconds")),
        longest_seconds=_seconds(limits.value("maximumSeconds")),
    )


def read_processing(message: str | bytes) -> bool:
    """Whether it is agreed to: how that is said is not published, so all but a refusal counts. Raises Unreadable."""
    said = _read(message)
    answer = said.object("startProcessing") or Fields({})
    return not said.has("error") and answer.value("accepted") is not False


def _format(named: Fields) -> str:
    """As the configuration calls it."""
    if (samples := named.object("pcm")) is not None:
        return pcm(*(_number(samples.value(name)) for name in ("sampleRateHz", "bitcount", "channels")))
    if named.has("webmOpus"):
        return WEBM_OPUS
    if (stream := named.object("byteStream")) is not None:
        return next(_texts([stream.value("formatSpecifier") or ANY_FILE]), OTHER)
    return OTHER


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (one for one in value[:MOST_NAMED] if isinstance(one, str) and one[:LONGEST_NAME] == one)


def _seconds(value: object) -> float:
    return float(value) if type(value) in (int, float) and value > 0 else 0.0  # type: ignore[arg-type,operator]


def _number(value: object) -> int:
    return value if type(value) is int else 0


def _read(message: str | bytes) -> Fields:
    return read_object(message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message)
