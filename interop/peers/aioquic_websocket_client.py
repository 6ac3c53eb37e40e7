"""WebSocket over HTTP/3 (RFC 9220) by aioquic: all tunnels are streams of one connection."""

import asyncio

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection, Setting
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated, StreamReset
from websocket_cases import judged, main
from websocket_tunnel import Tunnel, request


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http, self.tunnels, self.settings = None, {}, asyncio.Event()

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        elif isinstance(event, StreamReset) and event.stream_id in self.tunnels:
            self.tunnels[event.stream_id].fail(f"the stream was reset with {event.error_code:#x}")
        elif isinstance(event, ConnectionTerminated):
            for tunnel in self.tunnels.values():
                tunnel.fail(f"the connection ended with {event.error_code:#x} {event.reason_phrase}")
        if self.http is None:
            return
        for http_event in self.http.handle_event(event):
            self.received(http_event)
        if self.http.received_settings is not None:
            self.settings.set()

    def received(self, event):
        tunnel = self.tunnels.get(event.stream_id)
        if tunnel is None:
            return
        if isinstance(event, HeadersReceived):
            tunnel.begin((name.decode(), value.decode()) for name, value in event.headers)
        elif isinstance(event, DataReceived) and event.data:
            tunnel.parts.put_nowait(event.data)
        if event.stream_ended:
            tunnel.parts.put_nowait(b"")

    async def write(self, stream, data, last=False):
        self.http.send_data(stream, data, end_stream=last)
        self.transmit()

    async def open(self, authority, path, subprotocols=None):
        await self.settings.wait()
        if not self.http.received_settings.get(Setting.ENABLE_CONNECT_PROTOCOL):
            raise ConnectionError("the server does not announce extended CONNECT")
        stream = self._quic.get_next_available_stream_id()
        tunnel = self.tunnels[stream] = Tunnel(
            lambda data: self.write(stream, data), lambda: self.write(stream, b"", last=True)
        )
        fields = request(authority, path, subprotocols)
        self.http.send_headers(stream, [(name.encode(), value.encode()) for name, value in fields])
        self.transmit()
        return await tunnel.socket()


async def run(asked):
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost")
    configuration.load_verify_locations(asked["authority"])
    authority = f"localhost:{asked['port']}"
    # Only IPv4 is listened on.
    async with connect("127.0.0.1", asked["port"], configuration=configuration, create_protocol=Client) as client:
        return await judged(lambda path, subprotocols=None: client.open(authority, path, subprotocols))


if __name__ == "__main__":
    main(run)
