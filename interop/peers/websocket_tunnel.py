"""Extended CONNECT for WebSocket (RFC 8441, RFC 9220): what HTTP/2 and HTTP/3 have in common. Frames are wsproto's."""

import asyncio

from judge import Wrong
from websocket_cases import Refused
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage


def request(authority, path, subprotocols):
    """There is no key: the version of HTTP says that the server knows what it is doing."""
    fields = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https")]
    fields += [(":authority", authority), (":path", path), ("sec-websocket-version", "13")]
    return [*fields, ("sec-websocket-protocol", ", ".join(subprotocols))] if subprotocols else fields


class Tunnel:
    """A stream: its response, and what comes after it. `write` and `finish` are the version's."""

    def __init__(self, write, finish):
        self.write, self.finish = write, finish
        self.head, self.parts = asyncio.get_running_loop().create_future(), asyncio.Queue()

    def begin(self, fields):
        if not self.head.done():
            self.head.set_result(dict(fields))

    def fail(self, why):
        if not self.head.done():
            self.head.set_exception(ConnectionError(why))
        self.parts.put_nowait(ConnectionError(why))

    async def read(self):
        """The next bytes, and none at the end."""
        part = await self.parts.get()
        if isinstance(part, Exception):
            raise part
        return part

    async def socket(self):
        """The socket, once the response grants it."""
        head = await self.head
        if head[":status"] == "200":
            return Socket(self, head.get("sec-websocket-protocol"))
        content = b""
        while part := await self.read():
            content += part
        raise Refused(int(head[":status"]), content)


class Socket:
    """A WebSocket in a tunnel."""

    def __init__(self, tunnel, subprotocol):
        self.tunnel, self.subprotocol = tunnel, subprotocol
        self.frames = Connection(ConnectionType.CLIENT)
        self.messages, self.pongs, self.end = asyncio.Queue(), asyncio.Queue(), None
        self.reading = asyncio.ensure_future(self.read())

    async def read(self):
        """Takes what comes until the stream ends."""
        partial = []
        try:
            while part := await self.tunnel.read():
                self.frames.receive_data(part)
                for event in self.frames.events():
                    await self.received(event, partial)
        except Exception as error:
            self.messages.put_nowait(error)
            raise
        self.messages.put_nowait(ConnectionError("the tunnel ended"))
        await self.tunnel.finish()

    async def received(self, event, partial):
        if isinstance(event, (TextMessage, BytesMessage)):
            partial.append(event.data)
            if event.message_finished:
                empty = "" if isinstance(event, TextMessage) else b""
                self.messages.put_nowait(empty.join(map(type(empty), partial)))
                partial.clear()
        elif isinstance(event, Ping):
            await self.tunnel.write(self.frames.send(event.response()))
        elif isinstance(event, Pong):
            self.pongs.put_nowait(bytes(event.payload))
        elif isinstance(event, CloseConnection):
            first, self.end = self.end is None, (int(event.code), event.reason or "")
            if first and not self.closing:
                await self.tunnel.write(self.frames.send(event.response()))

    closing = False

    async def send(self, message):
        kind = TextMessage if isinstance(message, str) else BytesMessage
        await self.tunnel.write(self.frames.send(kind(message)))

    async def receive(self):
        message = await self.messages.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def ping(self, payload):
        await self.tunnel.write(self.frames.send(Ping(payload)))
        if await self.pongs.get() != payload:
            raise Wrong("a pong for another ping")

    async def close(self, code, reason):
        self.closing = True
        await self.tunnel.write(self.frames.send(CloseConnection(code, reason)))

    async def closed(self):
        """Code and reason, once the stream has ended, too."""
        await self.reading
        return self.end
