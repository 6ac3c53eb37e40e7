//! A net below what quinn's drivers call of ours: TLS, and the way in and out of the socket with all that stands on it.
//!
//! quinn's drivers hold the endpoint's lock while they run. A panic that reached them would poison it, and dropping the driver,
//! which comes next, would panic once more: the process aborts. So no panic may reach them. One below here costs the datagrams
//! at hand, which QUIC sends again, or the handshake, and is counted: it is a bug.
//!
//! A panic in quinn itself cannot be caught, for the same reason: it ends the process, and whoever watches over that starts it
//! anew.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use crate::observe::stats::{Counter, Scope};

/// `listener.<address>.quic.panics`
#[derive(Clone, Debug)]
pub(super) struct Panics(Counter);

impl Panics {
    /// `scope` is the listener's.
    pub(super) fn new(scope: &Scope) -> Self {
        Self(scope.counter("quic.panics"))
    }

    /// What `work` gives, or `None` where it panicked, which loses `what`.
    pub(super) fn caught<T>(&self, what: &str, work: impl FnOnce() -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(work));
        if done.is_err() {
            self.0.inc();
            tracing::error!("a panic below a QUIC endpoint cost {what}: please report it");
        }
        done.ok()
    }
}

/// A socket that never panics.
#[derive(Debug)]
pub(super) struct CaughtSocket {
    pub(super) socket: Arc<dyn AsyncUdpSocket>,
    pub(super) panics: Panics,
}

impl AsyncUdpSocket for CaughtSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.panics.caught("a datagram", || self.socket.try_send(transmit)).unwrap_or(Ok(()))
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.panics.caught("datagrams", || self.socket.poll_recv(context, buffers, metas));
        received.unwrap_or_else(|| {
            // More may wait, and others have their turn first.
            context.waker().wake_by_ref();
            Poll::Pending
        })
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
