//! First packets from many addresses, that nobody follows.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::support::initial::Initials;

/// Sends them, on a thread of its own; what to say of it.
pub(crate) async fn flood(gateway: SocketAddr) -> Option<String> {
    let sent = tokio::task::spawn_blocking(move || send(gateway)).await.expect("the flood ends");
    Some(format!(
        "FIRST PACKETS: {} of {INITIALS}, from {} addresses of 127/8, {BURST} at a time",
        sent,
        sent / FROM_EACH
    ))
}

#[expect(clippy::disallowed_methods, reason = "the thread is the flood's own")]
fn send(gateway: SocketAddr) -> usize {
    let initials = Initials::new();
    let (began, mut sent) = (Instant::now(), 0_usize);
    while sent < INITIALS && began.elapsed() < MOST_TIME {
        let [a, b, c, _] = u32::try_from(sent / FROM_EACH).unwrap_or(u32::MAX).wrapping_mul(0x9e37_79b9).to_be_bytes();
        let socket = UdpSocket::bind((Ipv4Addr::new(127, a | 1, b, c), 0)).expect("every address of 127/8 is ours");
        for _ in 0..FROM_EACH {
            let id = (sent as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            // What does not fit into a queue is lost.
            let _ = socket.send_to(&initials.datagram(id), gateway);
            sent += 1;
        }
        let due = Duration::from_secs_f64(f64::from(u32::try_from(sent / BURST * BURST).unwrap_or(u32::MAX)) / RATE);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
    sent
}

const INITIALS: usize = 50_000;

/// Initials from one address, each of another client.
const FROM_EACH: usize = 10;

/// Initials without a pause.
const BURST: usize = 500;

/// Initials a second.
const RATE: f64 = 6_000.0;

const MOST_TIME: Duration = Duration::from_secs(60);
