"""The WebSocket client of websockets, over HTTP/1.1 under TLS."""

import ssl

from websocket_cases import Refused, judged, main
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus


class Socket:
    def __init__(self, socket):
        self.socket, self.subprotocol = socket, socket.subprotocol
        self.send, self.receive, self.close = socket.send, socket.recv, socket.close

    async def ping(self, payload):
        await (await self.socket.ping(payload))

    async def closed(self):
        await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason


async def run(asked):
    context = ssl.create_default_context(cafile=asked["authority"])

    async def open(path, subprotocols=None):
        url = f"wss://localhost:{asked['port']}{path}"
        options = {"max_size": None, "ping_interval": None, "proxy": None, "subprotocols": subprotocols}
        try:
            return Socket(await connect(url, ssl=context, **options))
        except InvalidStatus as refused:
            raise Refused(refused.response.status_code, refused.response.body) from refused

    return await judged(open)


if __name__ == "__main__":
    main(run)
