"""Fetches audio the way a vendor does, and measures it."""

import hashlib
import tempfile
from dataclasses import asdict, dataclass
from typing import IO, Any

import av
import requests

SIZE_LIMIT = 1024 * 1024 * 1024
CHUNK = 64 * 1024
TIMEOUT = (5, 30)


class BadAudio(Exception):
    """The file cannot be used. The message goes into the failure callback."""


@dataclass
class Download:
    """What the GET of an audio address gave; `sha256` and `bytes` are of the whole file."""

    status: int | None = None
    content_type: str | None = None
    bytes: int = 0
    sha256: str | None = None
    duration_ms: int | None = None
    error: str | None = None

    def shown(self) -> dict[str, Any]:
        return asdict(self)


def fetch(url: str, download: Download) -> None:
    """Downloads and measures, writing into `download` what it learns; raises BadAudio."""
    try:
        with requests.Session() as session, tempfile.TemporaryFile() as file:
            session.trust_env = False
            digest = hashlib.sha256()
            total = read_part(session, url, download, file, digest)
            while total is not None and download.bytes < total:
                before = download.bytes
                read_part(session, url, download, file, digest)
                if download.bytes == before:
                    raise BadAudio("The audio file ends before its announced size.")
            download.sha256 = digest.hexdigest()
            file.seek(0)
            download.duration_ms = measure(file)
    except requests.RequestException as error:
        download.error = type(error).__name__
        raise BadAudio("The audio file could not be downloaded.") from error
    except BadAudio as error:
        download.error = str(error)
        raise


def read_part(session: requests.Session, url: str, download: Download, file: IO[bytes], digest: Any) -> int | None:
    """One GET, from where the file so far ends. Returns the whole size when the server answered with a part of it."""
    headers = {"Accept": "audio/*", "Accept-Encoding": "identity"}
    if download.bytes:
        headers["Range"] = f"bytes={download.bytes}-"
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        download.status, download.content_type = response.status_code, response.headers.get("Content-Type")
        if response.status_code not in ((206,) if download.bytes else (200, 206)):
            raise BadAudio("The audio file could not be downloaded.")
        if not (download.content_type or "").lower().startswith("audio/"):
            raise BadAudio("The file is not audio: its content type is not audio/*.")
        start, total = content_range(response) if response.status_code == 206 else (0, None)
        if start != download.bytes:
            raise BadAudio("The audio file came in parts that do not fit together.")
        for chunk in response.iter_content(CHUNK):
            download.bytes += len(chunk)
            if download.bytes > SIZE_LIMIT:
                raise BadAudio("The audio file is too large.")
            digest.update(chunk)
            file.write(chunk)
    return total


def content_range(response: requests.Response) -> tuple[int, int | None]:
    """(first byte, whole size) of a 206; the size is None when the server does not know it."""
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    span, _, total = rest.partition("/")
    start = span.partition("-")[0]
    if unit != "bytes" or not start.isdecimal():
        raise BadAudio("The audio file came in parts that do not fit together.")
    return int(start), int(total) if total.isdecimal() else None


def measure(file: IO[bytes]) -> int:
    """The duration in milliseconds, from the packets: headers of streamed files often carry no length, or a lie."""
    try:
        with av.open(file, "r") as container:
            if not container.streams.audio:
                raise BadAudio("The file holds no audio.")
            stream = container.streams.audio[0]
            next(container.decode(stream))  # Something that only looks like audio fails here.
            end, begin = 0.0, None
            container.seek(0)
            for packet in container.demux(stream):
                if packet.pts is not None and packet.time_base is not None:
                    begin = packet.pts if begin is None else begin
                    end = max(end, float((packet.pts + (packet.duration or 0) - begin) * packet.time_base))
            if not end:
                end = (container.duration or 0) / 1_000_000
    except (av.FFmpegError, StopIteration, ValueError) as error:
        raise BadAudio("The file could not be read as audio.") from error
    return round(end * 1000)
