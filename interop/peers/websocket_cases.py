"""The cases of WebSocket, once for all clients.

A client opens sockets: `await open(path, subprotocols)` gives one with `subprotocol`, `send`, `receive`, `ping`, `close`
and `closed`, or raises `Refused`.
"""

import asyncio
import json
import uuid

from judge import Wrong, bytes_of, expect, say, told

PATIENCE = 15


class Refused(Exception):
    """There is a response, and no socket."""

    def __init__(self, status, content):
        super().__init__(f"refused with {status} {content!r}")
        self.status, self.content = status, content


async def echoed(socket, message):
    await socket.send(message)
    back = await socket.receive()
    expect(back == message and type(back) is type(message), True, "that a message comes back identical")


async def leave(socket):
    await socket.close(1000, "")
    await socket.closed()


async def case_echo(open):
    socket = await open("/interop/echo")
    for message in ("text, with ü", b"\x00\xff bytes", "", b""):
        await echoed(socket, message)
    await leave(socket)
    return "text and bytes, empty too"


async def case_large(open):
    socket = await open("/interop/echo")
    await echoed(socket, bytes_of(1024 * 1024))
    await leave(socket)
    return "1 MiB there and back"


async def case_ping(open):
    socket = await open("/interop/echo")
    await socket.ping(b"here")
    await leave(socket)
    socket = await open("/interop/ping")
    expect(await socket.receive(), "you are", "what the server says after its ping")
    return f"by the client and by the server; {await socket.closed()}"


async def case_close_up(open):
    name = uuid.uuid4().hex
    socket = await open(f"/interop/note?{name}")
    await socket.close(4000, "the client goes")
    await socket.closed()
    asking = await open(f"/interop/noted?{name}")
    expect(json.loads(await asking.receive()), [4000, "the client goes"], "what the server sees")
    return "4000 and its reason"


async def case_close_down(open):
    socket = await open("/interop/close")
    expect(await socket.closed(), (4001, "the server goes"), "what the client sees")
    return "4001 and its reason"


async def case_subprotocol(open):
    socket = await open("/interop/echo", ["first.interop", "second.interop"])
    expect(socket.subprotocol, "second.interop", "the subprotocol")
    await echoed(socket, "in it")
    await leave(socket)
    return "the second of two"


async def case_refusal(open):
    try:
        await open("/interop/nothing")
    except Refused as refused:
        expect((refused.status, bytes(refused.content)), (404, b"no socket here\n"), "the response")
        return "404 and its content"
    raise Wrong("a socket was opened")


async def case_idle(open):
    socket = await open("/interop/echo")
    await echoed(socket, "before")
    await asyncio.sleep(1)
    await echoed(socket, "after")
    await leave(socket)
    return "a message before 1 s of silence, and one after it"


async def case_many(open):
    sockets = await asyncio.gather(*(open("/interop/echo") for _ in range(20)))
    for turn in range(10):
        await asyncio.gather(*(echoed(socket, f"{turn} of {at}") for at, socket in enumerate(sockets)))
    await asyncio.gather(*map(leave, sockets))
    return "20 sockets, 10 messages each"


CASES = {
    "echo": case_echo,
    "1M": case_large,
    "ping": case_ping,
    "close up": case_close_up,
    "close down": case_close_down,
    "subprotocol": case_subprotocol,
    "404": case_refusal,
    "idle": case_idle,
    "20": case_many,
}


async def verdict(case, open):
    try:
        async with asyncio.timeout(PATIENCE):
            return {"ok": await case(open)}
    except Wrong as wrong:
        return {"failed": str(wrong)}
    except Exception as error:  # Whatever a client raises is what became of the case.
        return {"failed": f"{type(error).__name__}: {error}"}


async def judged(open):
    return {name: await verdict(case, open) for name, case in CASES.items()}


def main(run):
    """`run` takes what the client is told, and gives the verdicts."""
    say(asyncio.run(run(told())))
