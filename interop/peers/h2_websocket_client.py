"""WebSocket over HTTP/2 (RFC 8441) by h2: all tunnels are streams of one connection."""

import asyncio
import ssl

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.settings import SettingCodes
from websocket_cases import judged, main
from websocket_tunnel import Tunnel, request


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer, self.tunnels = reader, writer, {}
        self.http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.settings, self.credit = asyncio.Event(), asyncio.Condition()
        self.http.initiate_connection()
        self.flush()

    def flush(self):
        self.writer.write(self.http.data_to_send())

    async def run(self):
        while part := await self.reader.read(65536):
            for event in self.http.receive_data(part):
                self.received(event)
            self.flush()
            async with self.credit:
                self.credit.notify_all()
        for tunnel in self.tunnels.values():
            tunnel.fail("the connection ended")

    def received(self, event):
        tunnel = self.tunnels.get(getattr(event, "stream_id", None))
        if isinstance(event, RemoteSettingsChanged):
            self.settings.set()
        elif isinstance(event, ConnectionTerminated):
            for each in self.tunnels.values():
                each.fail(f"GOAWAY {event.error_code}")
        elif isinstance(event, WindowUpdated) or tunnel is None:
            pass
        elif isinstance(event, ResponseReceived):
            tunnel.begin(event.headers)
        elif isinstance(event, DataReceived):
            self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.data:
                tunnel.parts.put_nowait(event.data)
        elif isinstance(event, StreamEnded):
            tunnel.parts.put_nowait(b"")
        elif isinstance(event, StreamReset):
            tunnel.fail(f"the stream was reset with {event.error_code}")

    async def write(self, stream, data):
        while data:
            room = min(self.http.local_flow_control_window(stream), self.http.max_outbound_frame_size)
            if room:
                self.http.send_data(stream, data[:room])
                self.flush()
                data = data[room:]
            else:
                async with self.credit:
                    await self.credit.wait_for(lambda: self.http.local_flow_control_window(stream) > 0)

    async def finish(self, stream):
        self.http.end_stream(stream)
        self.flush()

    async def open(self, authority, path, subprotocols=None):
        await self.settings.wait()
        if not self.http.remote_settings.get(SettingCodes.ENABLE_CONNECT_PROTOCOL):
            raise ConnectionError("the server does not announce extended CONNECT")
        stream = self.http.get_next_available_stream_id()
        tunnel = self.tunnels[stream] = Tunnel(
            lambda data: self.write(stream, data), lambda: self.finish(stream)
        )
        self.http.send_headers(stream, request(authority, path, subprotocols))
        self.flush()
        return await tunnel.socket()


async def run(asked):
    context = ssl.create_default_context(cafile=asked["authority"])
    context.set_alpn_protocols(["h2"])
    client = Client(*await asyncio.open_connection("localhost", asked["port"], ssl=context))
    running = asyncio.ensure_future(client.run())
    authority = f"localhost:{asked['port']}"
    verdicts = await judged(lambda path, subprotocols=None: client.open(authority, path, subprotocols))
    running.cancel()
    return verdicts


if __name__ == "__main__":
    main(run)
