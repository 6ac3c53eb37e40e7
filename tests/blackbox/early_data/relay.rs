//! Somebody on the way between one client and the gateway, who holds datagrams back and keeps copies.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A relay; it stops when dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    gate: watch::Sender<Gate>,
    flight: Arc<Mutex<Vec<Vec<u8>>>>,
    _passing: JoinSet<()>,
}

/// What passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Nothing: the first flight of the client waits, and is kept.
    Shut,
    /// What the client says before it hears anything: its first flight.
    FirstFlight,
    /// What the gateway says to that: the client hears it, and is not heard any more.
    Answers,
    /// Everything, and what was held back.
    Open,
}

impl Relay {
    pub(crate) async fn to(gateway: SocketAddr) -> Self {
        Self::with(gateway, Gate::FirstFlight).await
    }

    pub(crate) async fn with(gateway: SocketAddr, gate: Gate) -> Self {
        let [client, server] = [bound().await, bound().await].map(Arc::new);
        server.connect(gateway).await.expect("a UDP socket may have a peer");
        let address = client.local_addr().expect("its address");
        let (flight, gate) = (Arc::<Mutex<_>>::default(), watch::Sender::new(gate));
        let mut passing = JoinSet::new();
        passing.spawn(pass(client, server, gate.subscribe(), Arc::clone(&flight)));
        Self { address, gate, flight, _passing: passing }
    }

    /// Where the client is to go.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }

    /// The first flight of the client, as far as it has come.
    pub(crate) fn flight(&self) -> Vec<Vec<u8>> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn bound() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a UDP socket on loopback")
}

async fn pass(
    client: Arc<UdpSocket>,
    server: Arc<UdpSocket>,
    mut gate: watch::Receiver<Gate>,
    flight: Arc<Mutex<Vec<Vec<u8>>>>,
) {
    let (mut from_client, mut from_server) = (vec![0; 65_536], vec![0; 65_536]);
    let (mut to_server, mut to_client) = (Vec::<Vec<u8>>::new(), Vec::<Vec<u8>>::new());
    let mut peer = None;
    loop {
        let now = *gate.borrow_and_update();
        if matches!(now, Gate::FirstFlight | Gate::Open) {
            for datagram in to_server.drain(..) {
                // Who has left hears nothing.
                drop(server.send(&datagram).await);
            }
        }
        if let (Gate::Answers | Gate::Open, Some(peer)) = (now, peer) {
            for datagram in to_client.drain(..) {
                drop(client.send_to(&datagram, peer).await);
            }
        }
        tokio::select! {
            changed = gate.changed() => if changed.is_err() { return },
            received = client.recv_from(&mut from_client) => {
                let Ok((length, from)) = received else { continue };
                let datagram = from_client.get(..length).expect("what was received").to_vec();
                peer = Some(from);
                if matches!(now, Gate::Shut | Gate::FirstFlight) {
                    flight.lock().unwrap_or_else(PoisonError::into_inner).push(datagram.clone());
                }
                to_server.push(datagram);
            }
            // An ICMP error is no datagram.
            received = server.recv(&mut from_server) => if let Ok(length) = received {
                to_client.push(from_server.get(..length).expect("what was received").to_vec());
            },
        }
    }
}
