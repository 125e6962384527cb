"""The HTTP side: reads requests within limits, finds the vendor by the first part of the path, writes answers."""

import select
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.control import control
from sandbox.messages import Answer, Request, Silence, Vendor

BODY_LIMIT = 1024 * 1024


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], vendors: Sequence[Vendor], stopping: threading.Event) -> None:
        self.vendors = {vendor.name: vendor for vendor in vendors}
        self.stopping = stopping
        super().__init__(address, Handler)

    def answer(self, request: Request) -> Answer | Silence:
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
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.answer(Request(self.command, self.path.partition("?")[0], headers, body))
        if isinstance(answer, Silence):
            self.hold(answer.seconds)
        else:
            self.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

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
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def hold(self, seconds: float) -> None:
        """Keeps the connection without a word until the time is up, the client hangs up or the server stops."""
        self.close_connection = True
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.server.stopping.wait(0.1):
            if select.select([self.connection], [], [], 0)[0]:
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: addresses here carry ids, and /control/ shows every request."""
