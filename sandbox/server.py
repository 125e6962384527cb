"""The HTTP side: reads requests within limits, finds the vendor by the first part of the path, writes answers."""

import select
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from sandbox.control import control
from sandbox.messages import Answer, Raw, Reply, Request, Silence, Stream, Upgrade, Vendor
from sandbox.sockets import Socket

BODY_LIMIT = 1024 * 1024


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], vendors: Sequence[Vendor], stopping: threading.Event) -> None:
        self.vendors = {vendor.name: vendor for vendor in vendors}
        self.stopping = stopping
        super().__init__(address, Handler)

    def answer(self, request: Request) -> Reply:
        first = request.path.split("/")[1]
        if first == "control":
            return control(request, self.vendors)
        if first in self.vendors:
            return self.vendors[first].handle(request)
        return Answer(404, {"message": f"no vendor at /{first}/", "known": sorted(self.vendors)})

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up is what these vendors are for; anything else is a defect here and is shown.
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "ListenpostSandbox/1"
    timeout = 60
    wbufsize = -1  # Headers and body leave in one packet.
    disable_nagle_algorithm = True

    def answer(self) -> None:
        body = self.read_body()
        if isinstance(body, Answer):
            self.close_connection = True
            self.write(body)
            return
        self.reply(self.server.answer(self.request_read(body)))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def request_read(self, body: bytes) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        path, _, query = self.path.partition("?")
        return Request(self.command, path, headers, body, dict(parse_qsl(query, keep_blank_values=True)))

    def reply(self, reply: Reply) -> None:
        if isinstance(reply, Silence):
            self.hold(reply.seconds)
        elif isinstance(reply, Stream):
            self.stream(reply)
        elif isinstance(reply, Raw):
            self.drip(reply)
        elif isinstance(reply, Upgrade):
            self.upgrade(reply)
        else:
            self.write(reply)

    def read_body(self) -> bytes | Answer:
        if "transfer-encoding" in self.headers:
            return Answer(411, {"message": "chunked bodies are not read here: send Content-Length"})
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            return Answer(400, {"message": "Content-Length is not a number"})
        if int(length) > BODY_LIMIT:
            return Answer(413, {"message": "too large", "code": 413, "name": "PAYLOAD_TOO_LARGE"})
        return self.rfile.read(int(length))

    def write(self, answer: Answer) -> None:
        payload = answer.payload()
        self.write_head(answer.status, {"Content-Type": "application/json", **answer.headers}, len(payload))
        if self.command != "HEAD":
            self.wfile.write(payload)

    def write_head(self, status: int, headers: Mapping[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def stream(self, stream: Stream) -> None:
        self.write_head(stream.status, stream.headers, stream.length)
        written = 0
        for piece in stream.pieces:
            self.wfile.write(piece)
            written += len(piece)
        self.close_connection = self.close_connection or written != stream.length

    def drip(self, raw: Raw) -> None:
        self.close_connection = True
        for piece in raw.pieces:
            self.wfile.write(piece)
            self.wfile.flush()

    def upgrade(self, upgrade: Upgrade) -> None:
        """The handshake, then the talk; a client that goes away in the middle of it has said enough."""
        self.close_connection = True
        socket = Socket(self.connection, self.server.stopping)
        if socket.accept(self.path, list(self.headers.items()), upgrade.subprotocol):
            upgrade.talk(socket)

    def hold(self, seconds: float) -> None:
        """Keeps the connection without a word until the time is up, the client hangs up or the server stops."""
        self.close_connection = True
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.server.stopping.wait(0.1):
            if select.select([self.connection], [], [], 0)[0]:
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: addresses here carry ids, and /control/ shows every request."""
