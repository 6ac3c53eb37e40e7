//! A worker's socket, with the ledger kept: between quinn's endpoint and the socket that is steered.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use super::Ledger;
use super::accounts::{Allowance, Held};
use super::packets::is_long;

/// The socket of one endpoint.
#[derive(Debug)]
pub(super) struct LedgerSocket {
    pub(super) socket: Arc<dyn AsyncUdpSocket>,
    pub(super) ledger: Arc<Ledger>,
}

impl LedgerSocket {
    /// Whether datagrams concern the ledger. Where no address is limited, those that begin with a long header do: they may
    /// be the first of a handshake, or answer it.
    fn concerns(&self, datagrams: &[u8]) -> bool {
        is_long(datagrams) || !self.ledger.is_idle()
    }

    /// Takes note of what came, and sends what waited for it.
    fn received(&self, from: SocketAddr, datagrams: &[u8], stride: usize) {
        let released = self.ledger.change(|accounts| {
            accounts.received(from, datagrams, stride);
            accounts.release(from)
        });
        let Some(Held { datagram, ecn, src_ip }) = released else { return };
        let transmit = Transmit { destination: from, ecn, contents: &datagram, segment_size: None, src_ip };
        if self.socket.try_send(&transmit).is_ok() {
            self.ledger.lock().sent(from, &datagram, datagram.len());
        } else {
            // There is no room in the kernel, and nobody who would wait for it.
            self.ledger.stats.dropped.inc();
        }
    }
}

impl AsyncUdpSocket for LedgerSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let Transmit { destination, contents, .. } = *transmit;
        if !self.concerns(contents) {
            return self.socket.try_send(transmit);
        }
        let stride = transmit.segment_size.unwrap_or(contents.len());
        let allowance = self.ledger.lock().allowance(destination, contents, stride);
        let fits = match allowance {
            Allowance::Free => contents,
            Allowance::Bytes(count) => contents.get(..count).unwrap_or(contents),
        };
        if !fits.is_empty() {
            let segment_size = transmit.segment_size.filter(|size| *size < fits.len());
            let (ecn, src_ip) = (transmit.ecn, transmit.src_ip);
            self.socket.try_send(&Transmit { destination, ecn, contents: fits, segment_size, src_ip })?;
            self.ledger.lock().sent(destination, fits, stride);
        }
        for datagram in contents.get(fits.len()..).unwrap_or_default().chunks(stride.max(1)) {
            let held = Held { datagram: datagram.into(), ecn: transmit.ecn, src_ip: transmit.src_ip };
            if !self.ledger.lock().hold(destination, held) {
                self.ledger.stats.dropped.inc();
            }
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.socket.poll_recv(context, buffers, metas);
        if let Poll::Ready(Ok(count)) = received {
            for (buffer, meta) in buffers.iter().zip(metas).take(count) {
                if let Some(datagrams) = buffer.get(..meta.len)
                    && self.concerns(datagrams)
                {
                    self.received(meta.addr, datagrams, meta.stride);
                }
            }
        }
        received
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}
