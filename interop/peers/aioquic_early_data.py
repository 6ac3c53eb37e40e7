"""aioquic: clients that come back, each with a GET and a POST in early data. One argument in (JSON: url, authority, clients)."""

import asyncio
from urllib.parse import urlsplit

from adapter import main
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

PATIENCE = 5


class Client(QuicConnectionProtocol):
    """One connection."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http, self.answers = H3Connection(self._quic), {}

    def quic_event_received(self, event):
        for http_event in self.http.handle_event(event):
            if isinstance(http_event, HeadersReceived) and http_event.stream_id in self.answers:
                answer = self.answers[http_event.stream_id]
                if not answer.done():
                    answer.set_result(dict(http_event.headers)[b":status"])

    def ask(self, authority, method):
        stream_id = self._quic.get_next_available_stream_id()
        answer = self.answers[stream_id] = asyncio.get_running_loop().create_future()
        fields = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", "/early")]
        fields = [(name.encode(), value.encode()) for name, value in fields]
        self.http.send_headers(stream_id, fields, end_stream=method == "GET")
        if method == "POST":
            self.http.send_data(stream_id, b"content", end_stream=True)
        return answer


async def comes_back(ask, counts):
    url = urlsplit(ask["url"])
    ticket = asyncio.get_running_loop().create_future()

    def keep(each):
        if not ticket.done():
            ticket.set_result(each)

    def configuration(**options):
        made = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=url.hostname, **options)
        made.load_verify_locations(ask["authority"])
        return made

    async with connect(
        url.hostname, url.port, configuration=configuration(), create_protocol=Client, session_ticket_handler=keep
    ):
        ticket = await asyncio.wait_for(ticket, PATIENCE)
    async with connect(
        url.hostname,
        url.port,
        configuration=configuration(session_ticket=ticket),
        create_protocol=Client,
        wait_connected=False,
    ) as client:
        # The first flight goes out with these.
        answers = [client.ask(url.netloc, method) for method in ("GET", "POST")]
        client.transmit()
        await asyncio.wait_for(client.wait_connected(), PATIENCE)
        counts["resumed"] += client._quic.tls.session_resumed
        counts["accepted"] += client._quic.tls.early_data_accepted
        # Early data that was rejected may not be sent again: that is for the client to see to.
        await asyncio.wait(answers, timeout=PATIENCE)
        counts["answered"] += all(answer.done() and answer.result() == b"200" for answer in answers)


async def all_come_back(ask):
    counts = {"resumed": 0, "accepted": 0, "answered": 0}
    for _ in range(ask["clients"]):
        await comes_back(ask, counts)
    return counts


if __name__ == "__main__":
    main(lambda ask: asyncio.run(all_come_back(ask)))
