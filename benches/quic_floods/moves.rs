//! A client that sends each datagram from another address.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::rig::client::Client;
use crate::rig::message;

/// Bytes from and to an address of the client.
#[derive(Clone, Copy, Default)]
struct Bytes {
    sent: u64,
    received: u64,
}

/// Has such a client connected for a while; what to say of it.
pub(crate) async fn flood(gateway: SocketAddr) -> Option<String> {
    let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket"));
    let address = front.local_addr().expect("its address");
    let counts = Arc::new(Mutex::new(HashMap::new()));
    let mut relay = JoinSet::new();
    relay.spawn(carry(front, gateway, Arc::clone(&counts)));
    let client = Client::connect(address, 1 << 20, false).await;
    let (began, mut answers, mut asked) = (Instant::now(), 0, 0);
    while client.connection.close_reason().is_none() && began.elapsed() < TIME {
        asked += 1;
        let answer = timeout(PATIENCE, client.get(&message::request("/bytes/1"))).await;
        answers += u32::from(answer.is_ok_and(|length| length.is_some()));
    }
    let open = client.connection.close_reason().map_or("open".to_owned(), |reason| reason.to_string());
    client.close();
    let counts = counts.lock().await;
    let all = counts.values().fold(Bytes::default(), |all, one: &Bytes| Bytes {
        sent: all.sent + one.sent,
        received: all.received + one.received,
    });
    let ratio = |one: &Bytes| {
        let [sent, received] = [one.sent.max(1), one.received].map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
        f64::from(received) / f64::from(sent)
    };
    let worst = counts.values().map(ratio).fold(0.0, f64::max);
    let excess = counts.values().map(|one| one.received.saturating_sub(3 * one.sent)).max().unwrap_or_default();
    Some(format!(
        "MOVES: one client from {} addresses, {answers} of {asked} requests answered, its connection at the end: {open}\n\
         to these addresses went {:.2} times what came from them, to one of them {worst:.1} times\n\
         and to one of them {excess} bytes more than three times what came from it",
        counts.len(),
        ratio(&all)
    ))
}

/// Gives each datagram of the client a socket of its own, and carries back what comes to any of the last of them.
async fn carry(front: Arc<UdpSocket>, gateway: SocketAddr, counts: Arc<Mutex<HashMap<u32, Bytes>>>) {
    let (mut datagram, mut number) = ([0; 2048], 0_u32);
    let mut back = std::collections::VecDeque::new();
    while let Ok((length, client)) = front.recv_from(&mut datagram).await {
        let [_, a, b, c] = number.to_be_bytes();
        let ip = if number < STILL { Ipv4Addr::LOCALHOST } else { Ipv4Addr::new(127, 2 + a, b, c) };
        // The handshake stays where it is.
        if number == 0 || number >= STILL {
            let socket = Arc::new(UdpSocket::bind((ip, 0)).await.expect("every address of 127/8 is ours"));
            let mut task = JoinSet::new();
            task.spawn(carry_back(Arc::clone(&socket), Arc::clone(&front), client, number, Arc::clone(&counts)));
            back.push_back((socket, task));
        }
        if back.len() > OPEN {
            back.pop_front();
        }
        if let Some((socket, _)) = back.back() {
            let _ = socket.send_to(datagram.get(..length).unwrap_or_default(), gateway).await;
            counts.lock().await.entry(if number < STILL { 0 } else { number }).or_default().sent += length as u64;
        }
        number += 1;
    }
}

async fn carry_back(
    socket: Arc<UdpSocket>,
    front: Arc<UdpSocket>,
    client: SocketAddr,
    number: u32,
    counts: Arc<Mutex<HashMap<u32, Bytes>>>,
) {
    let mut datagram = [0; 2048];
    while let Ok((length, _)) = socket.recv_from(&mut datagram).await {
        counts.lock().await.entry(number).or_default().received += length as u64;
        let _ = front.send_to(datagram.get(..length).unwrap_or_default(), client).await;
    }
}

/// Datagrams of the client that go the same way: those of its handshake.
const STILL: u32 = 12;

/// Sockets that are open at once.
const OPEN: usize = 512;

const TIME: Duration = Duration::from_secs(10);

/// How long the client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
