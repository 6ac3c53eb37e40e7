//! A worker's socket, with what other workers hand over, and without what is theirs.
//!
//! Stands between quinn's endpoint and its socket. A datagram that is right costs one hash (11 ns), and none where it has the
//! same id as the one before; it takes no lock, and is copied only where one before it in the same buffer was another worker's.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use super::group::Group;
use super::queue::Outlet;
use super::rule::{ID_LENGTH, steered_by};

/// The socket of one worker among several.
#[derive(Debug)]
pub(super) struct SteeredSocket {
    pub(super) socket: Arc<dyn AsyncUdpSocket>,
    pub(super) group: Arc<Group>,
    /// What other workers hand over.
    pub(super) own: Outlet,
    pub(super) worker: usize,
}

impl SteeredSocket {
    /// Gives away what belongs to other workers and closes the gaps; returns how many bytes stay.
    fn sort(&self, buffer: &mut [u8], meta: &RecvMeta) -> usize {
        // One receive may hold several datagrams of one length, the last of them shorter, of several connections: what the
        // kernel joined came from one address, not from one connection.
        let stride = meta.stride.max(1);
        let (mut start, mut kept) = (0, 0);
        let mut last = (None, self.worker);
        while start < meta.len {
            let end = meta.len.min(start + stride);
            let Some(datagram) = buffer.get(start..end) else { break };
            last = self.worker_of(datagram, last);
            if last.1 == self.worker {
                if kept != start {
                    buffer.copy_within(start..end, kept);
                }
                kept += end - start;
            } else {
                self.hand_over(datagram, meta, last.1);
            }
            start = end;
        }
        kept
    }

    /// What steers a datagram, where `last` steered the one before. What is of no connection stays.
    fn worker_of(&self, datagram: &[u8], last: Steered) -> Steered {
        match steered_by(datagram) {
            id if id == last.0 => last,
            Some(id) => (Some(id), self.group.rule.worker(id)),
            None => (None, self.worker),
        }
    }

    fn hand_over(&self, datagram: &[u8], meta: &RecvMeta, worker: usize) {
        let taken = self.group.inlets.get(worker).is_some_and(|inlet| inlet.put(datagram, meta));
        let stats = &self.group.stats;
        if taken { stats.handed_over.inc() } else { stats.handed_over_dropped.inc() }
    }
}

impl AsyncUdpSocket for SteeredSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        // What was handed over has waited longer. It gets half of the room, so that neither starves the other.
        let (for_handed_over, _) = buffers.split_at_mut(buffers.len().div_ceil(2));
        let taken = self.own.take(context, for_handed_over, metas);
        let (_, buffers) = buffers.split_at_mut(taken);
        let (_, metas) = metas.split_at_mut(taken);
        if buffers.is_empty() {
            return Poll::Ready(Ok(taken));
        }
        match self.socket.poll_recv(context, buffers, metas) {
            Poll::Ready(Ok(received)) => {
                for (buffer, meta) in buffers.iter_mut().zip(metas).take(received) {
                    meta.len = self.sort(buffer, meta);
                }
                Poll::Ready(Ok(taken + received))
            }
            nothing if taken == 0 => nothing,
            // An error that lasts comes again.
            _ => Poll::Ready(Ok(taken)),
        }
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

/// By what a datagram is steered, and its worker.
type Steered = (Option<[u8; ID_LENGTH]>, usize);

#[cfg(test)]
mod tests;
