//! QUIC: what its transport parameters say, how long it waits, and whether it takes early data.

use std::future::{Future as _, poll_fn};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, ConnectionError, Endpoint};
use tokio::net::UdpSocket;

use crate::edge::Edge;
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::deadline::{until, within};
use crate::support::message::Request;
use crate::support::program::{Gateway, Program};

/// A gateway with these `quic_options` on its listener.
pub(super) async fn with_options(backend: &Backend, options: &str) -> Edge {
    Edge::altered(backend, &[("quic_options: {}", &format!("quic_options: {options}"))]).await
}

/// A client that never gives up by itself and that remembers sessions.
pub(crate) fn client() -> (Endpoint, ClientConfig) {
    let mut tls = Arc::unwrap_or_clone(Certificates::of_this_run().client(&["h3"]));
    tls.enable_early_data = true;
    let tls = QuicClientConfig::try_from(tls).expect("TLS 1.3");
    let mut transport = quinn::TransportConfig::default();
    transport.max_idle_timeout(None);
    let mut configuration = ClientConfig::new(Arc::new(tls));
    configuration.transport_config(Arc::new(transport));
    (Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("a UDP socket"), configuration)
}

pub(crate) async fn connect(address: SocketAddr) -> quinn::Connection {
    let (endpoint, configuration) = client();
    let connecting = endpoint.connect_with(configuration, address, "localhost").expect("an address");
    within("a QUIC handshake", connecting).await.expect("a connection")
}

/// How many streams may be opened at once, up to ten.
async fn streams_at_once(edge: &Edge) -> usize {
    let connection = connect(edge.process.address("http3")).await;
    let mut open = Vec::new();
    while open.len() < 10 {
        let mut opening = std::pin::pin!(connection.open_bi());
        // Where the peer has allowed it, a stream is there at once.
        let Poll::Ready(stream) = poll_fn(|context| Poll::Ready(opening.as_mut().poll(context))).await else { break };
        open.push(stream.expect("the connection stands"));
    }
    open.len()
}

#[tokio::test]
async fn rfc9000_4_6_streams_are_limited() {
    let backend = Backend::echo().await;
    assert_eq!(streams_at_once(&with_options(&backend, "{}").await).await, 10);
    let of_listener = with_options(&backend, "{quic_protocol_options: {max_concurrent_streams: 3}}").await;
    assert_eq!(streams_at_once(&of_listener).await, 3);
    let of_manager = "          codec_type: HTTP3\n          http3_protocol_options: {quic_protocol_options: {max_concurrent_streams: 4}}\n";
    let of_manager = Edge::altered(&backend, &[("          codec_type: HTTP3\n", of_manager)]).await;
    assert_eq!(streams_at_once(&of_manager).await, 4);
}

#[tokio::test]
async fn rfc9000_4_1_windows_let_a_client_go_ahead() {
    // Nobody reads the request: what is taken is what the windows hold, and the sockets on the way to the backend.
    let backend = Backend::start(|_| Script::nothing().when_released().early()).await;
    let options =
        "{quic_protocol_options: {initial_stream_window_size: 16777216, initial_connection_window_size: 25165824}}";
    let edge = with_options(&backend, options).await;
    let client = edge.client(Version::Http3).await;
    let mut exchange = client.open(&Request::new("POST", "/"), false).await;
    within("15 MiB to be taken", exchange.upload.data(vec![0; 15 << 20])).await.expect("the stream stands");
}

#[tokio::test]
async fn rfc9000_10_1_an_idle_connection_is_forgotten() {
    let backend = Backend::echo().await;
    // As Envoy, less than a millisecond is one: it is not what RFC 9000 §18.2 has 0 for, no limit at all.
    for options in [
        "{idle_timeout: 0.3s}",
        "{quic_protocol_options: {idle_network_timeout: 1s}}",
        "{idle_timeout: 0s}",
        "{idle_timeout: 0.0009s}",
    ] {
        let edge = with_options(&backend, options).await;
        let connection = connect(edge.process.address("http3")).await;
        let reason = within("the end of an idle connection", connection.closed()).await;
        assert_eq!(reason, ConnectionError::TimedOut, "{options}");
    }
}

/// A client whose first flight arrives and whose second does not, for as long as what is returned lives.
pub(crate) async fn begin_handshake(edge: &Edge) -> (quinn::Connecting, [UdpSocket; 2]) {
    let between = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a UDP socket");
    let (endpoint, configuration) = client();
    let address = between.local_addr().expect("its address");
    let connecting = endpoint.connect_with(configuration, address, "localhost").expect("an address");
    let towards = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a UDP socket");
    let mut datagram = [0; 2048];
    // The key shares of today need two datagrams.
    for _ in 0..2 {
        let (length, _) = within("the first flight", between.recv_from(&mut datagram)).await.expect("a datagram");
        let datagram = datagram.get(..length).expect("what was received");
        towards.send_to(datagram, edge.process.address("http3")).await.expect("sent");
    }
    (connecting, [between, towards])
}

#[tokio::test]
async fn a_handshake_has_a_time() {
    let backend = Backend::echo().await;
    let patient = with_options(&backend, "{}").await;
    let impatient = with_options(&backend, "{crypto_handshake_timeout: 0.2s}").await;
    let _held = [begin_handshake(&patient).await, begin_handshake(&impatient).await];
    let line = impatient.process.log("connections.log").lines(1).await.pop().expect("a line");
    assert_eq!((&line["listener"], &line["reason"]), (&"http3".into(), &"crypto_handshake_timeout".into()), "{line}");
    let counter = "listener.127.0.0.1_0.downstream_pre_cx_timeout";
    until("the counter", async || (impatient.process.stats().await.of(counter) == 1).then_some(())).await;
    // The other one began earlier and goes on.
    assert_eq!(patient.process.stats().await.of("listener.127.0.0.1_0.downstream_cx_active"), 1);
}

#[tokio::test]
async fn rfc9000_8_1_2_addresses_are_validated_while_many_handshakes_are_open() {
    let backend = Backend::echo().await;
    let edge = Edge::by(&Program { workers: 1, ..Gateway::program() }, &backend).await;
    let retries = async || edge.process.stats().await.of("listener.127.0.0.1_0.quic.retry_sent");
    let mut held = Vec::new();
    for _ in 0..MANY_HALF_OPEN {
        held.push(begin_handshake(&edge).await);
    }
    let active = async || edge.process.stats().await.of("listener.127.0.0.1_0.downstream_cx_active");
    until("all are under way", async || (active().await == MANY_HALF_OPEN).then_some(())).await;
    assert_eq!(retries().await, 0);
    // Who hears the Retry is served, again and again: one that is complete makes no room for the others.
    for _ in 0..3 {
        // A first flight of two datagrams may be answered twice.
        let before = retries().await;
        let client = edge.client(Version::Http3).await;
        assert_eq!(client.send(Request::get("/")).await.status, 200);
        assert!(retries().await > before);
    }
    // Who does not hear it costs nothing more.
    let before = retries().await;
    held.push(begin_handshake(&edge).await);
    until("one more Retry", async || (retries().await > before).then_some(())).await;
    until("only the first are under way", async || (active().await == MANY_HALF_OPEN).then_some(())).await;
}

/// Handshakes under way on one worker from which on addresses are validated.
const MANY_HALF_OPEN: i64 = 128;

/// A client that has a ticket for this gateway.
pub(crate) async fn resumable(edge: &Edge) -> (Endpoint, ClientConfig) {
    let (endpoint, configuration) = client();
    let connecting = endpoint.connect_with(configuration.clone(), edge.process.address("http3"), "localhost");
    let first = within("a QUIC handshake", connecting.expect("an address")).await.expect("a connection");
    // A ticket comes after the handshake; the server's control stream after the ticket.
    within("the first stream", first.accept_uni()).await.expect("the connection stands");
    first.close(quinn::VarInt::from_u32(0x100), b"");
    (endpoint, configuration)
}

/// A POST as far as it can be sent, by the h3 crate, and what is answered.
async fn post(connection: quinn::Connection) -> Result<u16, h3::error::StreamError> {
    let connection = h3_quinn::Connection::new(connection);
    let (_driver, mut requests) = h3::client::builder()
        .send_grease(false)
        .build::<_, _, bytes::Bytes>(connection)
        .await
        .expect("streams can be opened");
    let head = http::Request::post("https://localhost/early").body(()).expect("a head");
    let mut stream = requests.send_request(head).await?;
    stream.finish().await?;
    Ok(stream.recv_response().await?.status().as_u16())
}

#[tokio::test]
async fn rfc9001_4_6_1_early_data_is_taken_where_it_is_enabled() {
    let backend = Backend::echo().await;
    for (enabled, taken) in [("true", true), ("false", false)] {
        let context = "          downstream_tls_context:";
        let changed = format!("          enable_early_data: {enabled}\n{context}");
        let edge = Edge::altered(&backend, &[(context, &changed)]).await;
        let (endpoint, configuration) = resumable(&edge).await;
        let connecting = endpoint.connect_with(configuration, edge.process.address("http3"), "localhost");
        let early = connecting.expect("an address").into_0rtt();
        assert_eq!(early.is_ok(), taken, "enabled: {enabled}");
        if let Ok((connection, accepted)) = early {
            let (status, accepted) = within("an answer", async { tokio::join!(post(connection), accepted) }).await;
            assert!(accepted, "the gateway refuses what it has offered");
            assert_eq!(status.ok(), Some(200));
        }
    }
}

#[tokio::test]
async fn rfc8470_3_early_data_that_is_only_sent_again_reaches_nobody() {
    let backend = Backend::echo().await;
    let edge = with_options(&backend, "{crypto_handshake_timeout: 2s}").await;
    let (endpoint, configuration) = resumable(&edge).await;
    // Whatever the client says is passed on, and nothing comes back: as when somebody sends again what was recorded.
    let between = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a UDP socket");
    let towards = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a UDP socket");
    let (address, gateway) = (between.local_addr().expect("its address"), edge.process.address("http3"));
    let mut passing = tokio::task::JoinSet::new();
    passing.spawn(async move {
        let mut datagram = [0; 2048];
        while let Ok((length, _)) = between.recv_from(&mut datagram).await {
            let datagram = datagram.get(..length).expect("what was received");
            towards.send_to(datagram, gateway).await.expect("sent");
        }
    });
    let connecting = endpoint.connect_with(configuration, address, "localhost").expect("an address");
    let Ok((connection, _)) = connecting.into_0rtt() else { panic!("no ticket") };
    passing.spawn(async move { drop(post(connection).await) });

    // The request was read, and ended with its handshake.
    let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
    assert_eq!((&line["code"], &line["flags"]), (&0.into(), &"DC".into()), "{line}");
    let lines = edge.process.log("connections.log").lines(2).await;
    assert_eq!(lines.last().expect("a line")["reason"], "crypto_handshake_timeout", "{lines:?}");
    assert_eq!((backend.connections(), backend.received().len()), (0, 0));
    let counter = "listener.127.0.0.1_0.http3.downstream.tx.quic_connection_close_error_code_QUIC_HANDSHAKE_TIMEOUT";
    until("the code", async || (edge.process.stats().await.of(counter) == 1).then_some(())).await;
}
