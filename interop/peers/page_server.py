"""A page of 100 objects over HTTP/1.1 without TLS. It counts how often each is asked for, and hears what the page reports."""

import asyncio
import collections
import json
import pathlib
import re

from judge import bytes_of
from server import READY, say

OBJECTS = 100


def size(number):
    """From nothing to 1 MB, in no order."""
    return (0, 1, 300, 1_400, 15_000, 65_536, 100_000, 300_000, 2_500, 1_000_000)[number * 7 % 10] + number // 10


class Page:
    """What is known to all connections."""

    def __init__(self):
        self.asked, self.reports = collections.Counter(), collections.defaultdict(asyncio.Queue)

    async def answer(self, target, content):
        path, _, name = target.partition("?")
        if path == "/interop/page":
            return pathlib.Path(__file__).with_name("page.html").read_bytes()
        if path == "/interop/sizes":
            return json.dumps([size(number) for number in range(OBJECTS)]).encode()
        if path == "/interop/counts":
            counts = json.dumps(self.asked).encode()
            self.asked.clear()
            return counts
        if path == "/interop/report":
            self.reports[name].put_nowait(content)
            return b""
        if path == "/interop/reported":
            return await self.reports[name].get()
        if not re.fullmatch("/interop/[0-9]+", path):
            return None
        self.asked[path] += 1
        return bytes_of(size(int(path.rsplit("/", 1)[1])))

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
                content = await self.answer(head.split(" ")[1], await reader.readexactly(int(length[1]) if length else 0))
                status = "404 Not Found" if content is None else "200 OK"
                content = content or b""
                kind = "text/html" if content.startswith(b"<!doctype") else "application/octet-stream"
                fields = f"content-length: {len(content)}\r\ncontent-type: {kind}"
                writer.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def run():
    server = await asyncio.start_server(Page().serve, "127.0.0.1", 0)
    say(f"{READY} at 127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(run())
