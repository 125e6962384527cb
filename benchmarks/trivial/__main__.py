"""A server that reads a request and says yes: what clients can ask of it is what they can ask at all.

Run as `python -m benchmarks.trivial PORT`.
"""

from __future__ import annotations

import asyncio
import re
import sys

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
YES = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Yes(asyncio.Protocol):
    def __init__(self) -> None:
        self.head = b""
        self.missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.missing:
            self.head += data
            if b"\r\n\r\n" not in self.head:
                return
            head, _, data = self.head.partition(b"\r\n\r\n")
            length = LENGTH.search(head)
            self.head, self.missing = b"", int(length[1]) if length else 0
        self.missing -= len(data)
        if self.missing <= 0:
            self.missing = 0
            self.transport.write(YES)  # type: ignore[attr-defined]  # a TCP server's transports can be written to


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Yes, "127.0.0.1", port)
    await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
