"""A WebSocket server of websockets, over HTTP/1.1 without TLS."""

import asyncio
import json

from server import READY, say
from websockets.asyncio.server import serve

closes = {}


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def ping(socket):
    """The client has to answer before it hears more."""
    await (await socket.ping(b"are you there?"))
    await socket.send("you are")


async def close(socket):
    await socket.close(4001, "the server goes")


async def note(socket):
    """Keeps how the client closes."""
    closed = closes.setdefault(socket.request.path.partition("?")[2], asyncio.get_running_loop().create_future())
    await socket.wait_closed()
    closed.set_result((socket.close_code, socket.close_reason))


async def noted(socket):
    """How the client of that name closed."""
    await socket.send(json.dumps(await closes[socket.request.path.partition("?")[2]]))


PATHS = {f"/interop/{does.__name__}": does for does in (echo, ping, close, note, noted)}


def refuse(connection, request):
    """Only these paths have sockets."""
    return None if request.path.partition("?")[0] in PATHS else connection.respond(404, "no socket here\n")


def choose(connection, offered):
    return "second.interop" if "second.interop" in offered else None


async def handle(socket):
    await PATHS[socket.request.path.partition("?")[0]](socket)


async def run():
    options = {"process_request": refuse, "select_subprotocol": choose, "max_size": None, "ping_interval": None}
    async with serve(handle, "127.0.0.1", 0, **options) as server:
        say(f"{READY} at 127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(run())
