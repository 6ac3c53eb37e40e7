//! A client's UDP socket that notes what comes, and loses what it is told to.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use quinn::udp::{EcnCodepoint, RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, Runtime as _, TokioRuntime, UdpPoller};

/// The socket; clones of the `Arc` are what the test keeps of it.
#[derive(Debug)]
pub(crate) struct Datagrams {
    socket: Arc<dyn AsyncUdpSocket>,
    seen: Mutex<Seen>,
    to_lose: AtomicUsize,
    /// How many datagrams come before.
    lose_after: AtomicUsize,
}

/// What has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Bytes of the largest datagram.
    pub(crate) largest: usize,
    /// How many there were.
    pub(crate) count: usize,
    /// Those of them that were marked as able to tell of congestion: RFC 3168.
    pub(crate) ecn: usize,
    /// Those that were lost.
    pub(crate) lost: usize,
}

impl Datagrams {
    /// A socket on loopback and an endpoint over it.
    pub(crate) fn client() -> (Endpoint, Arc<Self>) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a UDP socket");
        let runtime = Arc::new(TokioRuntime);
        let socket = runtime.wrap_udp_socket(socket).expect("a socket of the runtime");
        let datagrams = Arc::new(Self {
            socket,
            seen: Mutex::default(),
            to_lose: AtomicUsize::new(0),
            lose_after: AtomicUsize::new(0),
        });
        let socket = Arc::clone(&datagrams);
        let endpoint = Endpoint::new_with_abstract_socket(EndpointConfig::default(), None, socket, runtime);
        (endpoint.expect("an endpoint"), datagrams)
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Loses as many receives, with all that they hold, when so many datagrams have come: by what comes, not by what the test
    /// has read of it, which may be less.
    pub(crate) fn lose(&self, receives: usize, after: usize) {
        self.lose_after.store(after, Ordering::SeqCst);
        self.to_lose.store(receives, Ordering::SeqCst);
    }

    fn note(&self, meta: &mut RecvMeta) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stride = meta.stride.max(1);
        let count = meta.len.div_ceil(stride);
        seen.largest = seen.largest.max(stride.min(meta.len));
        seen.count += count;
        if meta.ecn == Some(EcnCodepoint::Ect0) {
            seen.ecn += count;
        }
        let lose = |left: usize| left.checked_sub(1);
        let due = seen.count > self.lose_after.load(Ordering::SeqCst);
        if due && self.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_ok() {
            seen.lost += count;
            meta.len = 0;
        }
    }
}

impl AsyncUdpSocket for Datagrams {
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
        let received = std::task::ready!(self.socket.poll_recv(context, buffers, metas))?;
        metas.iter_mut().take(received).for_each(|meta| self.note(meta));
        Poll::Ready(Ok(received))
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
