"""aioquic: each request on one connection, with every frame in sight."""

import asyncio
import sys
from urllib.parse import urlsplit

from adapter import Cannot, content, main, reply, seen
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, ErrorCode, FrameType, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated, StreamReset


class Http(H3Connection):
    """HTTP/3 that keeps whether GOAWAY came."""

    goaway = False

    def _check_control_frame_type(self, frame_type):
        self.goaway = self.goaway or frame_type == FrameType.GOAWAY
        super()._check_control_frame_type(frame_type)


class Answer:
    """A response as it arrives: interim heads, the final head, content, trailers."""

    def __init__(self):
        self.interim, self.head, self.body, self.trailers = [], None, bytearray(), {}
        self.ended = asyncio.get_running_loop().create_future()
        self.begun = asyncio.get_running_loop().create_future()

    def received(self, event):
        if isinstance(event, HeadersReceived):
            self.section({name.decode(): value.decode() for name, value in event.headers})
        elif isinstance(event, DataReceived):
            self.body += event.data
            finish(self.begun)
        if event.stream_ended:
            finish(self.ended)

    def section(self, fields):
        if fields.get(":status", "").startswith("1"):
            self.interim.append(int(fields[":status"]))
        elif self.head is None:
            self.head = fields
        else:
            self.trailers = fields


class Client(QuicConnectionProtocol):
    """One connection."""

    http = alpn = None
    end = "the connection failed without a reason"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.answers = {}
        self.closed = asyncio.Event()

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.alpn, self.http = event.alpn_protocol, Http(self._quic)
        elif isinstance(event, StreamReset) and event.stream_id in self.answers:
            fail(self.answers[event.stream_id], f"the stream was reset with {event.error_code:#x}")
        elif isinstance(event, ConnectionTerminated):
            Client.end = f"the connection ended with {event.error_code:#x} {event.reason_phrase}"
            for answer in self.answers.values():
                fail(answer, Client.end)
            self.closed.set()
        if self.http is not None:
            for http_event in self.http.handle_event(event):
                if http_event.stream_id in self.answers:
                    self.answers[http_event.stream_id].received(http_event)

    async def exchange(self, authority, request):
        if request["method"] == "HEAD":
            raise Cannot("takes the content-length of a response to HEAD for that of content that is missing")
        stream_id = self._quic.get_next_available_stream_id()
        answer = self.answers[stream_id] = Answer()
        pseudo = [(":method", request["method"]), (":scheme", "https"), (":authority", authority)]
        fields = [*pseudo, (":path", request["path"]), *request["fields"]]
        body, trailers = content(request), request["trailers"]
        self.http.send_headers(stream_id, encoded(fields), end_stream=body is None)
        if body is not None:
            self.http.send_data(stream_id, body, end_stream=not trailers)
        if trailers:
            self.http.send_headers(stream_id, encoded(trailers), end_stream=True)
        self.transmit()
        if request["cancel"]:
            await answer.begun
            self._quic.stop_stream(stream_id, ErrorCode.H3_REQUEST_CANCELLED)
            self.transmit()
            del self.answers[stream_id]
            return None
        await answer.ended
        return reply(request, answer.head[":status"], answer.head, answer.body, answer.interim, answer.trailers)


def encoded(fields):
    return [(name.encode(), value.encode()) for name, value in fields]


def finish(future):
    if not future.done():
        future.set_result(None)


def fail(answer, why):
    for future in (answer.begun, answer.ended):
        if not future.done():
            future.set_exception(ConnectionError(why))
            future.exception()  # Nobody may be waiting for this one.


async def ask_with_aioquic(ask):
    url = urlsplit(ask["url"])
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=url.hostname)
    configuration.load_verify_locations(ask["authority"])
    try:
        async with connect(
            url.hostname, url.port, configuration=configuration, create_protocol=Client
        ) as client:
            replies = [await client.exchange(url.netloc, request) for request in ask["requests"]]
            if ask["await_goaway"]:
                # Drained, the server closes the connection after the last response.
                await client.closed.wait()
            return seen([each for each in replies if each], f"{client.alpn}, verified", client.http.goaway)
    except ConnectionError as error:
        raise ConnectionError(str(error) or Client.end) from error


if __name__ == "__main__":
    main(lambda ask: asyncio.run(ask_with_aioquic(ask)))
