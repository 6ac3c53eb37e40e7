//! A relay of datagrams between one client and one server, on loopback: it makes a path long, or lets nothing through.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// What every datagram goes through on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// How long it takes one way.
    pub(crate) delay: Duration,
    /// Bytes a millisecond, one way; what comes faster waits, for at most [`QUEUE`], and is lost beyond that.
    pub(crate) rate: u32,
}

/// A path that is not there.
pub(crate) const NONE: Path = Path { delay: Duration::ZERO, rate: u32::MAX };

/// A relay; it ends when dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    silent: Arc<AtomicBool>,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Carries datagrams to `server` and back.
    pub(crate) async fn start(server: SocketAddr, path: Path) -> Self {
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
            tokio::join!(carry(&ours, &theirs, path, &mute), carry(&theirs, &ours, path, &loud));
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

/// Carries datagrams one way.
async fn carry(from: &UdpSocket, to: &UdpSocket, path: Path, silent: &AtomicBool) {
    // When the last of those that wait has left the queue.
    let mut free = Instant::now();
    let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut buffer = [0; MAX_DATAGRAM];
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
            came = from.recv(&mut buffer) => {
                let (now, silent) = (Instant::now(), silent.load(Ordering::Relaxed));
                let mut next = came.ok();
                while let Some(length) = next {
                    free = free.max(now);
                    let datagram = buffer.get(..length).unwrap_or_default();
                    if !silent && free.saturating_duration_since(now) <= QUEUE {
                        free += Duration::from_nanos(1_000_000 * datagram.len() as u64 / u64::from(path.rate));
                        waiting.push_back((free + path.delay, datagram.to_vec()));
                    }
                    next = from.try_recv(&mut buffer).ok();
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

/// How long a datagram may wait for those before it.
const QUEUE: Duration = Duration::from_millis(80);

const BUFFER: usize = 8 << 20;
