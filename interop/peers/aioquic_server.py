"""aioquic as an HTTP/3 server that answers what the cases ask, by itself."""

import asyncio
import pathlib

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated
from server import ready, start

# As the demo backend's.
PATTERN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234567\n"


class Request:
    def __init__(self):
        self.fields, self.body, self.trailers = None, bytearray(), None


class Server(QuicConnectionProtocol):
    """One connection: a request is answered once it is whole."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http, self.requests = None, {}

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        if self.http is not None:
            for http_event in self.http.handle_event(event):
                self.received(http_event)

    def received(self, event):
        if not isinstance(event, (HeadersReceived, DataReceived)):
            return
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
            self.respond(stream_id, request, (PATTERN * (length // len(PATTERN) + 1))[:length])
        elif path in ("/echo", "/upload"):
            self.respond(stream_id, request, bytes(request.body), request.trailers)
        elif path == "/trailers":
            self.respond(stream_id, request, b"body.", [(b"x-interop", b"seen")])
        elif path == "/early-hints":
            hints = [(b":status", b"103"), (b"link", b"</a.css>; rel=preload")]
            self.http.send_headers(stream_id, hints)
            self.respond(stream_id, request, b"body.")
        else:
            self.http.send_headers(stream_id, [(b":status", b"404")], end_stream=True)

    def respond(self, stream_id, request, body, trailers=None):
        head = [(b":status", b"200"), (b"content-length", str(len(body)).encode())]
        if request.fields[b":method"] == b"HEAD":
            self.http.send_headers(stream_id, head, end_stream=True)
            return
        self.http.send_headers(stream_id, head)
        self.http.send_data(stream_id, body, end_stream=trailers is None)
        if trailers is not None:
            self.http.send_headers(stream_id, trailers, end_stream=True)


async def run(told):
    directory = pathlib.Path(told["directory"])
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(directory / "server.crt", directory / "server.key")
    await serve("127.0.0.1", told["port"], configuration=configuration, create_protocol=Server)
    ready()
    await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(run(start()))
