"""A page of 100 objects over HTTP/1.1 without TLS. It counts how often each is asked for."""

import asyncio
import collections
import json

from judge import bytes_of
from server import READY, say

asked = collections.Counter()


def size(number):
    """From nothing to 1 MB, in no order."""
    return (0, 1, 300, 1_400, 15_000, 65_536, 100_000, 300_000, 2_500, 1_000_000)[number * 7 % 10] + number // 10


def answer(path):
    if path == "/interop/counts":
        counts = json.dumps(asked).encode()
        asked.clear()
        return counts
    asked[path] += 1
    return bytes_of(size(int(path.rsplit("/", 1)[1])))


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            content = answer(head.split(" ")[1])
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def run():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    say(f"{READY} at 127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(run())
