//! What QUIC answers without a connection: stateless resets, version negotiation, tokens.

use std::net::{Ipv4Addr, SocketAddr};

use quinn::{ConnectionError, Endpoint, TransportErrorCode, VarInt};
use tokio::net::UdpSocket;

use crate::amplification::{address, brief, receive, received, socket};
use crate::edge::{ALL, Edge};
use crate::floods::limited;
use crate::settings::quic::client;
use crate::support::backend::Backend;
use crate::support::certificates::Certificates;
use crate::support::deadline::{until, within};
use crate::support::program::Gateway;

/// A connection that goes by way of two sockets, and the first datagram with a short header that the client sent.
struct Relayed {
    connection: quinn::Connection,
    between: UdpSocket,
    client: SocketAddr,
    datagram: Vec<u8>,
}

/// Connects, and then says nothing to the client any more.
async fn relayed(gateway: SocketAddr) -> Relayed {
    let [between, towards] = [socket().await, socket().await];
    let (endpoint, configuration) = client();
    let connecting = endpoint.connect_with(configuration, address(&between), "localhost").expect("an address");
    let from = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), endpoint.local_addr().expect("its address").port());
    let mut connecting = std::pin::pin!(connecting);
    let connection = within("a QUIC handshake", async {
        loop {
            tokio::select! {
                connection = &mut connecting => return connection.expect("a connection"),
                datagram = receive(&between) => drop(towards.send_to(&datagram, gateway).await),
                datagram = receive(&towards) => drop(between.send_to(&datagram, from).await),
            }
        }
    })
    .await;
    // RFC 9114 §6.2.3: a stream that nobody reads, for one datagram at least.
    let mut stream = within("a stream", connection.open_uni()).await.expect("room for a stream");
    stream.write_all(&[0x21]).await.expect("room in the stream");
    let datagram = within("a datagram of the connection", async {
        loop {
            let datagram = receive(&between).await;
            towards.send_to(&datagram, gateway).await.expect("sent");
            if datagram.first().is_some_and(|first| first & 0x80 == 0) {
                return datagram;
            }
        }
    })
    .await;
    Relayed { connection, between, client: from, datagram }
}

/// Sends this again and again, from a socket of its own, until it is answered; the answer.
async fn answer(datagram: &[u8], gateway: SocketAddr) -> Vec<u8> {
    let socket = socket().await;
    until("an answer", async || {
        socket.send_to(datagram, gateway).await.expect("sent");
        let mut answer = vec![0; 2048];
        let length = socket.try_recv(&mut answer).ok()?;
        answer.truncate(length);
        Some(answer)
    })
    .await
}

/// Whether every worker has had a connection.
async fn all_have_one(edge: &Edge) -> bool {
    let stats = edge.process.stats().await;
    let total = |worker| stats.of(&format!("listener.127.0.0.1_0.worker_{worker}.downstream_cx_total"));
    (0..Gateway::program().workers).map(total).all(|count| count > 0)
}

/// A packet of another version with ids of eight bytes.
fn other_version(version: u32, destination: [u8; 8], source: [u8; 8], length: usize) -> Vec<u8> {
    let mut datagram = [&[0xc0], &version.to_be_bytes()[..], &[8], &destination, &[8], &source].concat();
    datagram.resize(length, 0);
    datagram
}

#[tokio::test]
async fn rfc9000_10_3_a_forgotten_connection_is_reset_by_whichever_worker_had_it() {
    let backend = Backend::echo().await;
    let edge = Edge::with(&backend, ALL, "          common_http_protocol_options: {idle_timeout: 0.3s}\n").await;
    let gateway = edge.process.address("http3");
    let mut connections = Vec::new();
    while !all_have_one(&edge).await {
        assert!(connections.len() < CONNECTIONS, "one worker has them all");
        connections.push(relayed(gateway).await);
    }
    for Relayed { connection, between, client, datagram } in connections {
        // As long as the connection is known, a copy from elsewhere is not answered.
        let long = [&datagram[..], &[0; 100]].concat();
        let reset = answer(&long, gateway).await;
        // RFC 9000 §10.3.3: smaller than what it answers.
        assert!(reset.len() < long.len() && reset.first().is_some_and(|first| first & 0xc0 == 0x40));
        // Whoever it is for knows it by the token at its end.
        until("the end of the connection", async || {
            between.send_to(&reset, client).await.expect("sent");
            connection.close_reason()
        })
        .await;
        assert_eq!(connection.close_reason(), Some(ConnectionError::Reset));
    }
}

#[tokio::test]
async fn rfc9000_10_3_3_resets_get_smaller_until_there_is_none() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    let gateway = edge.process.address("http3");
    let id = [7; 8];
    let unknown = |length: usize| [&[0x40], &id[..], &vec![0; length - 9]].concat();
    for length in [1200, 100, 43, 40, 23, 22] {
        let reset = answer(&unknown(length), gateway).await;
        assert!(reset.len() < length, "{} bytes for {length}", reset.len());
        assert!(reset.len() >= 21, "{} bytes for {length}", reset.len());
    }
    let socket = socket().await;
    for length in 9..22 {
        socket.send_to(&unknown(length), gateway).await.expect("sent");
    }
    // Of the same worker, and so answered after all of them.
    socket.send_to(&other_version(0x0a0a_0a0a, id, [1; 8], 1200), gateway).await.expect("sent");
    let answer = within("version negotiation", receive(&socket)).await;
    assert!(answer.starts_with(&[0x80 | answer[0], 0, 0, 0, 0]), "{answer:?}");
}

#[tokio::test]
async fn rfc9000_6_1_every_worker_negotiates_the_version_with_long_datagrams_only() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    let gateway = edge.process.address("http3");
    let socket = socket().await;
    // RFC 9000 §15: of the form 0x?a?a?a?a they are reserved, to be answered as others.
    let versions = [0x0a1a_2a3a, 0xfaea_dada, 0x6b33_43cf, 0xbaba_baba, 2, u32::MAX];
    for (number, version) in (0..64_u64).zip(versions.into_iter().cycle()) {
        let (destination, source) = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes(), number.to_be_bytes());
        for length in [60, 1199, 1200, 1452] {
            socket.send_to(&other_version(version, destination, source, length), gateway).await.expect("sent");
        }
        for _ in 0..2 {
            let answer = within("version negotiation", receive(&socket)).await;
            let (head, versions) = answer.split_at_checked(23).expect("a version negotiation packet");
            assert_eq!(head[1..], [&[0; 4][..], &[8], &source, &[8], &destination].concat());
            let (versions, rest) = versions.as_chunks();
            let versions: Vec<_> = versions.iter().copied().map(u32::from_be_bytes).collect();
            assert!(rest.is_empty() && versions.contains(&1) && !versions.contains(&version), "{versions:x?}");
            assert!(versions.iter().any(|version| version & 0x0f0f_0f0f == 0x0a0a_0a0a), "{versions:x?}");
        }
    }
    assert_eq!(received(&socket), 0);
}

#[tokio::test]
async fn rfc9000_8_1_3_a_token_of_an_earlier_connection_is_taken_by_every_worker() {
    let backend = Backend::echo().await;
    let edge = limited(&backend, "half_open_before_retry: 0").await;
    let configuration = brief(&Certificates::of_this_run().authority, 1200);
    let retries = async || edge.process.stats().await.of("listener.127.0.0.1_0.quic.retry_sent");
    for _ in 0..CONNECTIONS {
        // Each has another port, and its first packet goes to whichever worker its id names.
        let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("a UDP socket");
        let connecting = endpoint.connect_with(configuration.clone(), edge.process.address("http3"), "localhost");
        let connection = within("a QUIC handshake", connecting.expect("an address")).await.expect("a connection");
        // Tokens come with the end of the handshake, before what is said on streams.
        within("the control stream", connection.accept_uni()).await.expect("the connection stands");
        connection.close(VarInt::from_u32(0x100), b"");
        assert_eq!(retries().await, 1);
    }
    assert!(all_have_one(&edge).await);
    // From another address they are as good as none.
    let endpoint = Endpoint::client((Ipv4Addr::new(127, 0, 0, 2), 0).into()).expect("a UDP socket");
    let connecting = endpoint.connect_with(configuration, edge.process.address("http3"), "localhost");
    within("a QUIC handshake", connecting.expect("an address")).await.expect("a connection");
    assert_eq!(retries().await, 2);
}

#[tokio::test]
async fn rfc9000_8_1_2_the_token_of_a_retry_is_refused_from_another_address() {
    let backend = Backend::echo().await;
    let edge = limited(&backend, "half_open_before_retry: 0").await;
    let gateway = edge.process.address("http3");
    let [between, here, elsewhere] = [socket().await, socket().await, socket().await];
    let (endpoint, _) = client();
    let configuration = brief(&Certificates::of_this_run().authority, 1200);
    let connecting = endpoint.connect_with(configuration, address(&between), "localhost").expect("an address");
    let from = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), endpoint.local_addr().expect("its address").port());
    here.send_to(&within("an Initial", receive(&between)).await, gateway).await.expect("sent");
    let retry = within("a Retry", receive(&here)).await;
    // RFC 9000 §17.2.5.
    assert_eq!(retry.first().map(|first| first & 0xf0), Some(0xf0));
    between.send_to(&retry, from).await.expect("sent");
    elsewhere.send_to(&within("an Initial with a token", receive(&between)).await, gateway).await.expect("sent");
    between.send_to(&within("an answer", receive(&elsewhere)).await, from).await.expect("sent");
    let refused = within("the end", connecting).await.expect_err("the token is not of this address");
    let ConnectionError::ConnectionClosed(close) = refused else { panic!("{refused}") };
    assert_eq!(close.error_code, TransportErrorCode::INVALID_TOKEN);
}

/// So many that all of two workers get some, but once in a thousand million runs.
const CONNECTIONS: usize = 31;
