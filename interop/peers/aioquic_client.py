"""Runs the interop cases with aioquic against an HTTP/3 server: one line of JSON for each case.

usage: aioquic_client.py URL CA_FILE

What the cases ask of the server: `/bytes/N` answers N bytes, `/echo` answers the request's body and trailers,
`/trailers` answers a body followed by trailers, to those who sent `te: trailers`.
"""

import asyncio
import json
import os
import sys
import time
from urllib.parse import urlsplit

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated, StreamReset

SECONDS_PER_CASE = 60


class Failed(Exception):
    """A case that did not come out as it should."""


class Reply:
    """A response as it arrives: the first HEADERS are its head, later ones its trailers."""

    def __init__(self):
        self.head = None
        self.body = bytearray()
        self.trailers = {}
        self.ended = asyncio.get_running_loop().create_future()

    @property
    def status(self):
        return int(self.head[":status"])


class Client(QuicConnectionProtocol):
    """One HTTP/3 connection."""

    # Why the last connection ended: a failed handshake says no more than that it failed.
    last_end = ""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = None
        self.alpn = None
        self.replies = {}

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.alpn = event.alpn_protocol
            self.http = H3Connection(self._quic)
        elif isinstance(event, StreamReset):
            self.fail(event.stream_id, f"the stream was reset with {event.error_code:#x}")
        elif isinstance(event, ConnectionTerminated):
            Client.last_end = f"the connection ended with {event.error_code:#x} {event.reason_phrase}"
            for stream_id in list(self.replies):
                self.fail(stream_id, Client.last_end)
        if self.http is not None:
            for http_event in self.http.handle_event(event):
                self.http_event_received(http_event)

    def http_event_received(self, event):
        reply = self.replies.get(getattr(event, "stream_id", None))
        if reply is None:
            return
        if isinstance(event, HeadersReceived):
            fields = {name.decode(): value.decode() for name, value in event.headers}
            if fields.get(":status", "").startswith("1"):
                return
            if reply.head is None:
                reply.head = fields
            else:
                reply.trailers = fields
        elif isinstance(event, DataReceived):
            reply.body += event.data
        if getattr(event, "stream_ended", False) and not reply.ended.done():
            reply.ended.set_result(None)

    def fail(self, stream_id, why):
        reply = self.replies.get(stream_id)
        if reply is not None and not reply.ended.done():
            reply.ended.set_exception(Failed(why))

    async def send(self, authority, path, method="GET", body=None, extra=(), trailers=None):
        stream_id = self._quic.get_next_available_stream_id()
        reply = self.replies[stream_id] = Reply()
        fields = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path), *extra]
        ends = body is None and trailers is None
        self.http.send_headers(stream_id, encoded(fields), end_stream=ends)
        if body is not None:
            self.http.send_data(stream_id, body, end_stream=trailers is None)
        if trailers is not None:
            self.http.send_headers(stream_id, encoded(trailers), end_stream=True)
        self.transmit()
        await reply.ended
        if reply.head is None or reply.status != 200:
            raise Failed(f"{method} {path} answered {reply.head}")
        return reply


def encoded(fields):
    return [(name.encode(), value.encode()) for name, value in fields]


async def handshake(target):
    began = time.monotonic()
    async with target.connect() as client:
        took = (time.monotonic() - began) * 1000
        if client.alpn != "h3":
            raise Failed(f"the protocol is {client.alpn!r}")
        return f"TLS verified, {client.alpn}, {took:.0f} ms"


async def get(target):
    async with target.connect() as client:
        reply = await client.send(target.authority, "/bytes/1000")
        if len(reply.body) != 1000:
            raise Failed(f"{len(reply.body)} bytes instead of 1000")
        return "1000 bytes"


async def post(target):
    return await echo(target, b"interop")


async def large_body(target):
    return await echo(target, os.urandom(10 * 1024 * 1024))


async def echo(target, body):
    async with target.connect() as client:
        reply = await client.send(target.authority, "/echo", "POST", body)
        if bytes(reply.body) != body:
            raise Failed(f"{len(body)} bytes sent, {len(reply.body)} other bytes came back")
        return f"{len(body)} bytes there and back, identical"


async def response_trailers(target):
    async with target.connect() as client:
        # RFC 9110 §10.1.4: a server sends trailers to those who say that they keep them.
        reply = await client.send(target.authority, "/trailers", extra=[("te", "trailers")])
        if not reply.trailers:
            raise Failed("the body came without trailers")
        return ", ".join(sorted(reply.trailers))


async def request_trailers(target):
    async with target.connect() as client:
        announced = [("te", "trailers"), ("trailer", "x-interop")]
        reply = await client.send(target.authority, "/echo", "POST", b"body", announced, [("x-interop", "seen")])
        if reply.trailers.get("x-interop") != "seen":
            raise Failed(f"the trailers that came back are {reply.trailers}")
        return "x-interop there and back"


CASES = {
    "handshake": handshake,
    "GET": get,
    "POST": post,
    "10 MiB": large_body,
    "response trailers": response_trailers,
    "request trailers": request_trailers,
}


class Target:
    """The server under test."""

    def __init__(self, url, authorities):
        parts = urlsplit(url)
        self.host, self.port, self.authority = parts.hostname, parts.port or 443, parts.netloc
        self.authorities = authorities

    def connect(self):
        configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=self.host)
        configuration.load_verify_locations(self.authorities)
        return connect(self.host, self.port, configuration=configuration, create_protocol=Client)


async def run(target):
    for name, case in CASES.items():
        try:
            detail = await asyncio.wait_for(case(target), SECONDS_PER_CASE)
            passed = True
        except asyncio.TimeoutError:
            passed, detail = False, f"no end within {SECONDS_PER_CASE} s"
        except (Failed, OSError) as error:
            passed, detail = False, str(error) or Client.last_end or type(error).__name__
        print(json.dumps({"case": name, "passed": passed, "detail": detail}), flush=True)


if __name__ == "__main__":
    asyncio.run(run(Target(sys.argv[1], sys.argv[2])))
