//! Somebody records the first flight of a client, early data and all, and sends it again.
//!
//! The destination connection ID of early data is authenticated (RFC 9001 §5.3): copies say the same one, and come to the worker
//! that the original came to. What they come from is another port each time.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use super::client::Early;
use super::relay::{Gate, Relay};
use super::{clients, counted, until_handshakes};
use crate::edge::Edge;
use crate::settings::quic::client;
use crate::support::backend::{Backend, Script};
use crate::support::deadline::{until, within};
use crate::support::program::{Gateway, Program};

/// Against so many workers: copies that come after the original, beside it, and before it.
#[expect(clippy::print_stdout, reason = "a run by hand shows its figures")]
async fn attacked(workers: usize) {
    let backend = Backend::start(|_| Script::reply(200, "ok")).await;
    // A second listener that knows the same sessions. A copy that comes where nothing is known of its connection becomes one
    // of its own, whose handshake does not end: the sooner it is forgotten, the sooner there is another.
    let brief = [("quic_options: {}", "quic_options: {crypto_handshake_timeout: 0.05s}")];
    let edge = Edge::beside(&Program { workers, ..Gateway::program() }, &backend, &brief).await;
    let gateway = edge.process.address("http3");
    let listeners = [gateway, edge.process.address("other")];
    let copies = clients(COPIES);

    let counts = async |what: &str| counted(&edge, &format!("quic.early_data_{what}")).await;
    let mut flights = Vec::new();
    for number in 1..=copies / COPIES_OF_EACH {
        flights.push(recorded(&edge, &backend, number).await);
    }
    let recorded = i64::try_from(flights.len()).expect("few");
    assert_eq!(counts("accepted").await, recorded);
    // As long as the gateway remembers the connection of a client, copies of its flight belong to it. Of one that is forgotten
    // in the middle of a copy the rest is taken from the same port only.
    let ports: Vec<_> = flights.iter().map(|_| port()).collect();
    until("copies that are connections of their own", async || {
        for (flight, port) in flights.iter().zip(&ports) {
            send(flight, port, gateway);
        }
        (counts("rejected").await + counts("accepted").await >= 2 * recorded).then_some(())
    })
    .await;
    for flight in &flights {
        replay(flight, COPIES_OF_EACH, listeners).await;
    }
    let after = asked(&backend, "/after");

    for (path, gate) in [("/beside", Gate::FirstFlight), ("/before", Gate::Shut)] {
        let relay = Relay::with(gateway, gate).await;
        let mut early = Early::towards(&edge, relay.address()).await;
        let answer = early.get(path).await;
        let port = port();
        until(format_args!("{path} at the backend"), async || {
            send(&relay.flight(), &port, gateway);
            (asked(&backend, path) > 0).then_some(())
        })
        .await;
        replay(&relay.flight(), copies / 2, listeners).await;
        relay.set(Gate::Open);
        replay(&relay.flight(), copies / 2, listeners).await;
        if gate == Gate::FirstFlight {
            assert_eq!(answer.read().await.0, 200);
        }
    }
    let [beside, before] = ["/beside", "/before"].map(|path| asked(&backend, path));
    println!(
        "workers: {workers}, copies: {}, handshakes of their own: {}, requests: {after} of {recorded} clients before them, {beside} of 1 beside them, {before} of 1 after them",
        6 * copies,
        counts("rejected").await,
    );
    assert_eq!((after, beside, before), (flights.len(), 1, 1));
    assert_eq!(backend.received().len(), flights.len() + 2);
}

/// The first flight of a client that asked for something, was answered, and left: the one of that number.
async fn recorded(edge: &Edge, backend: &Backend, number: usize) -> Vec<Vec<u8>> {
    let relay = Relay::to(edge.process.address("http3")).await;
    let mut early = Early::towards(edge, relay.address()).await;
    let answer = early.get("/after").await;
    backend.until_received(number).await;
    relay.set(Gate::Open);
    assert_eq!(answer.read().await.0, 200);
    until_handshakes(edge, 2 * i64::try_from(number).expect("few")).await;
    early.close();
    assert!(early.accepted.await);
    let gone = async || (counted(edge, "downstream_cx_active").await == 0).then_some(());
    until("the client has left", gone).await;
    relay.flight()
}

/// Sends a flight so often to each of the listeners, each time from another port, and waits until it has been read.
async fn replay(flight: &[Vec<u8>], copies: usize, listeners: [SocketAddr; 2]) {
    for copy in 1..=copies {
        for listener in listeners {
            send(flight, &port(), listener);
        }
        // No more of them than a socket holds.
        if copy % 20 == 0 || copy == copies {
            // A worker reads datagrams in their order. Which one these came to nobody tells: one connection after the other,
            // all of them are asked. Those of the other listener are its clients, whose handshakes may be forgotten.
            for listener in [listeners; 8].concat() {
                let (endpoint, configuration) = client();
                let connecting = endpoint.connect_with(configuration, listener, "localhost").expect("an address");
                let connected = within("a handshake", connecting).await;
                assert!(connected.is_ok() || Some(&listener) == listeners.last(), "{connected:?}");
            }
        }
    }
}

/// Where a copy comes from.
fn port() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a UDP socket on loopback")
}

fn send(flight: &[Vec<u8>], from: &UdpSocket, gateway: SocketAddr) {
    for datagram in flight {
        from.send_to(datagram, gateway).expect("loopback takes it");
    }
}

/// How often the backend was asked for this.
fn asked(backend: &Backend, path: &str) -> usize {
    backend.received().iter().filter(|received| received.path() == path).count()
}

#[tokio::test]
async fn rfc8446_8_a_replay_reaches_nobody_with_1_worker() {
    attacked(1).await;
}

#[tokio::test]
async fn rfc8446_8_a_replay_reaches_nobody_with_2_workers() {
    attacked(2).await;
}

#[tokio::test]
async fn rfc8446_8_a_replay_reaches_nobody_with_4_workers() {
    attacked(4).await;
}

#[tokio::test]
async fn rfc8446_8_a_replay_reaches_nobody_with_8_workers() {
    attacked(8).await;
}

/// Copies that each listener gets of what was recorded before, and of the flights beside and before which they come, where
/// `QUICGATE_CLIENTS` says no other number.
const COPIES: usize = 40;

/// Of each client that was recorded.
const COPIES_OF_EACH: usize = 10;
