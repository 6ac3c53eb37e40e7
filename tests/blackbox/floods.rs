//! Clients that do again and again what costs them little: they lose their connection, and nobody else notices.

use std::net::{Ipv4Addr, UdpSocket};

use quinn::{ConnectionError, TransportErrorCode};

use crate::edge::{ALL, Edge};
use crate::settings::quic::client;
use crate::support::backend::{Backend, Script};
use crate::support::client::{Client, Version};
use crate::support::deadline::{until, within};
use crate::support::initial::Initials;
use crate::support::message::Request;

/// Opens this many requests and resets each at once; then does a good one, whose status it returns.
async fn give_up(client: &Client, count: usize, code: u64) -> u16 {
    for _ in 0..count {
        client.open(&Request::new("POST", "/never"), false).await.reset(code);
    }
    client.send(Request::get("/")).await.status
}

#[tokio::test]
async fn rfc9113_10_5_rfc9114_10_5_rapid_resets_end_their_connection() {
    let backend = Backend::start(|received| match received.path() {
        "/never" => Script::nothing().stall(),
        _ => Script::reply(200, "fine"),
    })
    .await;
    // RFC 9113 §7: CANCEL and ENHANCE_YOUR_CALM. RFC 9114 §8.1: H3_REQUEST_CANCELLED and H3_EXCESSIVE_LOAD.
    for (version, cancel, calm) in [(Version::Http2, 0x8, 0xb), (Version::Http3, 0x10c, 0x107)] {
        let edge = Edge::start(&backend, ALL).await;
        let [flood, few, later] = [edge.client(version).await, edge.client(version).await, edge.client(version).await];
        within("the end of a flood", async {
            let mut given_up = 0;
            while give_up(&flood, 5, cancel).await == 200 {
                given_up += 5;
            }
            // By Envoy's rule the connection ends with the 250th, half of the first 500 streams. A datagram that is lost
            // comes later.
            assert!((245..300).contains(&given_up), "{version:?}: {given_up}");
        })
        .await;
        let told = until("the code", async || flood.told()).await;
        assert_eq!(told, calm, "{version:?}");
        // Who gives up now and then stays, also where many do.
        for _ in 0..20 {
            assert_eq!(give_up(&few, 5, cancel).await, 200, "{version:?}");
        }
        assert_eq!(later.send(Request::get("/")).await.status, 200, "{version:?}");
        let counter = "http.edge.downstream_rq_too_many_premature_resets";
        assert_eq!(edge.process.stats().await.of(counter), 1, "{version:?}");
    }
}

/// A gateway with these `HandshakeLimits`.
pub(crate) async fn limited(backend: &Backend, limits: &str) -> Edge {
    let filter = format!(
        "{{name: limits, typed_config: {{\"@type\": type.googleapis.com/quicgate.extensions.filters.listener.handshake_limits.v1.HandshakeLimits, {limits}}}}}"
    );
    let options = "quic_options: {}}";
    Edge::altered(backend, &[(options, &format!("{options}\n    listener_filters: [{filter}]"))]).await
}

#[tokio::test]
async fn rfc9000_8_1_2_with_no_handshake_allowed_without_it_every_client_gets_a_retry() {
    let backend = Backend::echo().await;
    for (limits, retried) in [("half_open_before_retry: 0", true), ("half_open_per_source: 7", false)] {
        let edge = limited(&backend, limits).await;
        for _ in 0..3 {
            assert_eq!(edge.client(Version::Http3).await.send(Request::get("/")).await.status, 200);
        }
        let retries = edge.process.stats().await.of("listener.127.0.0.1_0.quic.retry_sent");
        // A first flight of two datagrams may be answered twice.
        assert_eq!(retries >= 3, retried, "{limits}: {retries}");
    }
}

#[tokio::test]
async fn rfc9000_5_2_2_new_connections_are_refused_where_that_is_asked_for() {
    let backend = Backend::echo().await;
    let edge = Edge::altered(&backend, &[("quic_options: {}", "quic_options: {reject_new_connections: true}")]).await;
    let (endpoint, configuration) = client();
    let connecting = endpoint.connect_with(configuration, edge.process.address("http3"), "localhost");
    let refused = within("an answer", connecting.expect("an address")).await.expect_err("nobody is taken");
    let ConnectionError::ConnectionClosed(close) = refused else { panic!("{refused}") };
    assert_eq!(close.error_code, TransportErrorCode::CONNECTION_REFUSED);
    let stats = edge.process.stats().await;
    assert!(stats.of("listener.127.0.0.1_0.quic.handshakes_refused") > 0);
    assert_eq!(stats.of("listener.127.0.0.1_0.downstream_cx_total"), 0);
    assert_eq!(edge.client(Version::Http2).await.send(Request::get("/")).await.status, 200);
}

#[tokio::test]
async fn rfc9000_21_first_packets_that_nobody_follows_hold_up_no_client() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    let gateway = edge.process.address("http3");
    let initials = Initials::new();
    for turn in 0..20 {
        // From addresses of ten networks, some of which come again.
        for host in 0..100 {
            let address = Ipv4Addr::new(127, 1 + turn % 10, turn, 1 + host);
            let socket = UdpSocket::bind((address, 0)).expect("every address of 127/8 is ours");
            let id = (u64::from(turn) << 32 | u64::from(host)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            socket.send_to(&initials.datagram(id.to_be_bytes()), gateway).expect("sent");
        }
        assert_eq!(edge.client(Version::Http3).await.send(Request::get("/")).await.status, 200);
    }
    let stats = edge.process.stats().await;
    assert!(stats.of("listener.127.0.0.1_0.quic.retry_sent") > 0);
    assert_eq!(stats.of("listener.127.0.0.1_0.quic.handshakes_refused"), 0);
    let clients = 20 + 2 * MANY_HALF_OPEN;
    let begun = stats.of("listener.127.0.0.1_0.downstream_cx_total");
    assert!((20..=clients).contains(&begun), "{begun} were begun");
}

/// Handshakes under way on one worker from which on addresses are validated.
const MANY_HALF_OPEN: i64 = 128;
