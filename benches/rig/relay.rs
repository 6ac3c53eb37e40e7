//! A relay of datagrams between one client and one server, on loopback: it makes a path long, or lets nothing through.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// A relay; it ends when dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    silent: Arc<AtomicBool>,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Carries datagrams to `server` and back, each `delay` later.
    pub(crate) async fn start(server: SocketAddr, delay: Duration) -> Self {
        let front = Arc::new(bind());
        let back = Arc::new(bind());
        back.connect(server).await.expect("a server on loopback");
        let address = front.local_addr().expect("a bound socket");
        let silent = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        // The client is whoever sends first.
        let mut first = [0; MAX_DATAGRAM];
        let (ours, theirs, mute) = (Arc::clone(&front), Arc::clone(&back), Arc::clone(&silent));
        tasks.spawn(async move {
            let Ok((length, client)) = ours.recv_from(&mut first).await else { return };
            ours.connect(client).await.expect("a client on loopback");
            // What is lost here is sent again.
            let _ = theirs.send(first.get(..length).unwrap_or_default()).await;
            let loud = Arc::new(AtomicBool::new(false));
            tokio::join!(carry(&ours, &theirs, delay, &mute), carry(&theirs, &ours, delay, &loud));
        });
        Self { address, silent, _tasks: tasks }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on nothing of what the client sends gets through.
    pub(crate) fn silence(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }
}

/// Carries datagrams one way; what cannot be sent at once is lost, as on any path.
async fn carry(from: &UdpSocket, to: &UdpSocket, delay: Duration, silent: &AtomicBool) {
    let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut datagram = [0; MAX_DATAGRAM];
    loop {
        let due = waiting.front().map(|(due, _)| *due);
        tokio::select! {
            biased;
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let now = Instant::now();
                while waiting.front().is_some_and(|(due, _)| *due <= now) {
                    if let Some((_, datagram)) = waiting.pop_front() {
                        let _ = to.try_send(&datagram);
                    }
                }
            }
            came = from.recv(&mut datagram) => {
                let (due, silent) = (Instant::now() + delay, silent.load(Ordering::Relaxed));
                let mut next = came.ok();
                while let Some(length) = next {
                    if !silent && waiting.len() < MAX_WAITING {
                        waiting.push_back((due, datagram.get(..length).unwrap_or_default().to_vec()));
                    }
                    next = from.try_recv(&mut datagram).ok();
                }
            }
        }
    }
}

/// A socket that takes bursts: what it drops would be the relay's loss, not the path's.
fn bind() -> UdpSocket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).expect("a UDP socket");
    socket.set_nonblocking(true).expect("a socket that does not block");
    // As much as the system allows.
    let _ = socket.set_recv_buffer_size(BUFFER);
    let _ = socket.set_send_buffer_size(BUFFER);
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port on loopback");
    UdpSocket::from_std(socket.into()).expect("a runtime")
}

const MAX_DATAGRAM: usize = 2048;
const MAX_WAITING: usize = 1 << 16;
const BUFFER: usize = 8 << 20;
