"""A plain static server: the files of one folder, all of them or by Range, sent by the kernel (sendfile).

`python -m benchmarks.static FOLDER PORT`. What recordings are fetched from, and what their ranges are measured against.
"""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import suppress
from pathlib import Path

RANGE = re.compile(rb"^range: *bytes=(\d+)-(\d*)\r$", re.IGNORECASE | re.MULTILINE)
HEAD = "HTTP/1.1 {}\r\nContent-Type: audio/wav\r\nAccept-Ranges: bytes\r\nETag: {}\r\nContent-Length: {}\r\n{}\r\n"


async def answer(folder: Path, request: bytes, writer: asyncio.StreamWriter) -> None:
    path = folder / request.split(b" ", 2)[1].decode().strip("/")
    with path.open("rb") as file:
        size = path.stat().st_size
        asked = RANGE.search(request)
        start = int(asked[1]) if asked else 0
        stop = min(int(asked[2]) + 1, size) if asked and asked[2] else size
        status = "206 Partial Content" if asked else "200 OK"
        place = f"Content-Range: bytes {start}-{stop - 1}/{size}\r\n" if asked else ""
        writer.write(HEAD.format(status, f'"{size:x}"', stop - start, place).encode())
        await writer.drain()
        await asyncio.get_running_loop().sendfile(writer.transport, file, start, stop - start)


async def serve(folder: Path, port: int) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while request := await reader.readuntil(b"\r\n\r\n"):
                await answer(folder, request, writer)
                if b"onnection: close" in request:
                    break
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
