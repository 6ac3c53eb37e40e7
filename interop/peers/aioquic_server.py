"""aioquic as an HTTP/3 server that answers what the cases ask, by itself."""

import asyncio
import functools
import pathlib
import sys

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import H3_ALPN, FrameType, H3Connection, encode_frame
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, StopSendingReceived
from server import CANCELLED, DRAINING, READY, say, start

# As the demo backend's.
PATTERN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234567\n"
# Longer content is begun, and never comes whole.
MOST = 100_000_000


class Request:
    def __init__(self):
        self.fields, self.body, self.trailers = None, bytearray(), None


class Server(QuicConnectionProtocol):
    """One connection: a request is answered once it is whole."""

    connections = []

    def __init__(self, *args, backend, **kwargs):
        super().__init__(*args, **kwargs)
        self.http, self.requests, self.next, self.backend = None, {}, 0, backend

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
            self.connections.append(self)
        if isinstance(event, StopSendingReceived):
            say(CANCELLED)
        if self.http is not None:
            for http_event in self.http.handle_event(event):
                self.received(http_event)

    def received(self, event):
        if not isinstance(event, (HeadersReceived, DataReceived)):
            return
        self.next = max(self.next, event.stream_id + 4)
        request = self.requests.setdefault(event.stream_id, Request())
        if isinstance(event, DataReceived):
            request.body += event.data
        elif request.fields is None:
            request.fields = dict(event.headers)
        else:
            request.trailers = event.headers
        if event.stream_ended:
            self.answer(event.stream_id, self.requests.pop(event.stream_id))
            self.transmit()

    def answer(self, stream_id, request):
        path = request.fields[b":path"].decode()
        if path.startswith("/bytes/"):
            length = int(path.removeprefix("/bytes/"))
            if length > MOST:
                self.http.send_headers(stream_id, ok(length))
                self.http.send_data(stream_id, PATTERN * 10_000, end_stream=False)
                return
            self.respond(stream_id, request, (PATTERN * (length // len(PATTERN) + 1))[:length])
        elif path in ("/echo", "/upload"):
            self.respond(stream_id, request, bytes(request.body), request.trailers)
        elif path == "/held":
            self.relaying = asyncio.ensure_future(self.relay(stream_id, path))
        elif path == "/trailers":
            self.respond(stream_id, request, b"body.", [(b"x-interop", b"seen")])
        elif path == "/early-hints":
            hints = [(b":status", b"103"), (b"link", b"</a.css>; rel=preload")]
            self.http.send_headers(stream_id, hints)
            self.respond(stream_id, request, b"body.")
        else:
            self.http.send_headers(stream_id, [(b":status", b"404")], end_stream=True)

    def respond(self, stream_id, request, body, trailers=None):
        head = ok(len(body))
        if request.fields[b":method"] == b"HEAD":
            self.http.send_headers(stream_id, head, end_stream=True)
            return
        self.http.send_headers(stream_id, head)
        self.http.send_data(stream_id, body, end_stream=trailers is None)
        if trailers is not None:
            self.http.send_headers(stream_id, trailers, end_stream=True)

    async def relay(self, stream_id, path):
        """The response of the backend, as it comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.backend)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        left = int(head.split("content-length: ")[1].split("\r\n")[0])
        self.http.send_headers(stream_id, ok(left))
        while left:
            data = await reader.read(left)
            left -= len(data)
            self.http.send_data(stream_id, data, end_stream=not left)
            self.transmit()
        writer.close()

    def go_away(self):
        """RFC 9114 §5.2: no request is served but those that have begun."""
        goaway = encode_frame(FrameType.GOAWAY, encode_uint_var(self.next))
        self._quic.send_stream_data(self.http._local_control_stream_id, goaway)
        self.transmit()


def ok(length):
    return [(b":status", b"200"), (b"content-length", str(length).encode())]


def drain():
    asyncio.get_running_loop().remove_reader(sys.stdin)
    if sys.stdin.readline():
        for connection in Server.connections:
            connection.go_away()
        say(DRAINING)


async def run(told):
    directory = pathlib.Path(told["directory"])
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(directory / "server.crt", directory / "server.key")
    create = functools.partial(Server, backend=told["backend"])
    await serve("127.0.0.1", told["port"], configuration=configuration, create_protocol=create)
    asyncio.get_running_loop().add_reader(sys.stdin, drain)
    say(READY)
    await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(run(start()))
