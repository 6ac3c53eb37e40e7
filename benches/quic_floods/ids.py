"""Uses up connection ids: retires each as soon as it has come, and asks again for those that are gone."""

import asyncio
import ssl
import sys
import time

from aioquic.asyncio import connect
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration


async def main(host, port, seconds):
    configuration = QuicConfiguration(alpn_protocols=["h3"], is_client=True, verify_mode=ssl.CERT_NONE)
    ended = []
    async with connect(host, port, configuration=configuration) as protocol:
        quic = protocol._quic
        received = protocol.quic_event_received

        def event(seen):
            if isinstance(seen, events.ConnectionTerminated):
                ended.append(seen)
            received(seen)

        protocol.quic_event_received = event
        retired, frames, until = 0, 0, time.monotonic() + seconds
        while time.monotonic() < until and not ended:
            # All but the one in use, and each that is gone once more.
            fresh = [cid.sequence_number for cid in quic._peer_cid_available]
            quic._peer_cid_available.clear()
            for sequence_number in fresh:
                quic._peer_cid_sequence_numbers.discard(sequence_number)
            again = list(range(max(1, retired - 20), retired))
            quic._retire_connection_ids.extend(fresh + again)
            retired, frames = max([retired, *fresh]), frames + len(fresh) + len(again)
            protocol._quic.send_ping(frames)
            protocol.transmit()
            await asyncio.sleep(0)
        state = f"ended: {ended[0].reason_phrase or ended[0].error_code}" if ended else "open"
        print(f"{retired} issued and retired by one client, {frames} frames; its connection at the end: {state}")


asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
