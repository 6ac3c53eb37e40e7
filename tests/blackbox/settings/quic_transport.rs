//! QUIC: what its packets are like, who controls them, and how long connections are kept.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, ConnectionError, Endpoint};

use super::quic::{client, connect, with_options};
use super::transport_parameters::Told;
use crate::edge::Edge;
use crate::migration::{get, move_to};
use crate::qlog::{recording, records};
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::datagrams::Datagrams;
use crate::support::deadline::{until, within};
use crate::support::message::{Request, field};
use crate::support::ports::reserve;

/// A gateway with these fields in its `udp_listener_config`.
async fn with_listener(backend: &Backend, fields: &str) -> Edge {
    let changed = format!("udp_listener_config: {{quic_options: {{}}, {fields}}}");
    Edge::altered(backend, &[("udp_listener_config: {quic_options: {}}", &changed)]).await
}

/// A connection over a socket that notes what comes.
async fn noted(edge: &Edge) -> (Endpoint, Connection, Arc<Datagrams>) {
    let (endpoint, datagrams) = Datagrams::client();
    let connecting = endpoint.connect_with(client().1, edge.process.address("http3"), "localhost").expect("an address");
    let connection = within("a QUIC handshake", connecting).await.expect("a connection");
    (endpoint, connection, datagrams)
}

/// A backend that answers with so many bytes.
async fn large(bytes: usize) -> Backend {
    Backend::start(move |_| Script::reply(200, vec![b'x'; bytes])).await
}

#[tokio::test]
async fn rfc9000_14_3_packets_grow_as_far_as_they_may() {
    let backend = large(1 << 20).await;
    // Packets begin with 1200 bytes: those that are larger are there because the path was asked whether it carries them.
    for (options, largest) in [("{}", 1452), ("{quic_protocol_options: {max_packet_length: 1350}}", 1350)] {
        let edge = with_options(&backend, options).await;
        let (_endpoint, connection, datagrams) = noted(&edge).await;
        until("a packet that is as large as it may be", async || (datagrams.seen().largest == largest).then_some(()))
            .await;
        within("a download", get(connection, "/", |_| ())).await;
        assert_eq!(datagrams.seen().largest, largest, "{options}");
    }
}

#[tokio::test]
async fn rfc9000_13_4_packets_are_marked_as_able_to_tell_of_congestion() {
    let backend = large(1 << 20).await;
    let edge = with_options(&backend, "{}").await;
    let (_endpoint, connection, datagrams) = noted(&edge).await;
    within("a download", get(connection, "/", |_| ())).await;
    let seen = datagrams.seen();
    // The mark goes on where the client says that it arrives; the first answers are marked in any case.
    assert!(seen.ecn > 500 && seen.ecn * 10 > seen.count * 9, "{seen:?}");
}

#[tokio::test]
async fn the_largest_datagram_that_is_taken_is_told() {
    let backend = Backend::echo().await;
    for (fields, largest) in [("", 1452), ("downstream_socket_config: {max_rx_datagram_size: 1300}", 1300)] {
        let edge = with_listener(&backend, fields).await;
        let connection = connect(edge.process.address("http3")).await;
        // RFC 9000 §18.2: the client looks for the largest packet that the path carries, and no further than it was told.
        let found = async || (connection.stats().path.current_mtu == largest).then_some(());
        until("the largest packet", found).await;
        within("an answer", get(connection.clone(), "/", |_| ())).await;
        assert_eq!(connection.stats().path.current_mtu, largest, "{fields}");
    }
}

#[tokio::test]
async fn the_kernel_cuts_datagrams_up_where_it_may() {
    let backend = large(4 << 20).await;
    let writer = |name: &str| {
        format!(
            "udp_packet_packet_writer_config: {{name: writer, typed_config: {{\"@type\": \
             type.googleapis.com/envoy.extensions.udp_packet_writer.v3.{name}}}}}"
        )
    };
    for (fields, in_batches) in
        [(String::new(), true), (writer("UdpGsoBatchWriterFactory"), true), (writer("UdpDefaultWriterFactory"), false)]
    {
        let edge = with_listener(&backend, &fields).await;
        let connection = connect(edge.process.address("http3")).await;
        within("a download", get(connection.clone(), "/", |_| ())).await;
        connection.close(0x100_u32.into(), b"");
        let counted = async || {
            let stats = edge.process.stats().await;
            let of = |name: &str| stats.of(&format!("listener.127.0.0.1_0.quic.{name}"));
            (of("tx_datagrams") > 0).then(|| (of("tx_datagrams"), of("tx_writes")))
        };
        let (datagrams, calls) = until("the end of the connection", counted).await;
        assert_eq!(datagrams > calls, in_batches, "{fields}: {datagrams} datagrams, {calls} calls");
    }
}

async fn announces_http3(edge: &Edge) -> bool {
    let reply = edge.client(Version::Http2).await.send(Request::get("/")).await;
    field(&reply.headers, "alt-svc").is_some()
}

#[tokio::test]
async fn rfc7838_2_nobody_is_sent_to_a_listener_that_rejects_everybody() {
    let backend = Backend::echo().await;
    for (rejects, announced) in [(false, true), (true, false)] {
        let options = format!("{{reject_new_connections: {rejects}}}");
        let edge = Edge::on_one_port_with(&backend, reserve(), &options).await;
        assert_eq!(announces_http3(&edge).await, announced, "{rejects}");
    }
}

#[tokio::test]
async fn a_listener_that_is_not_enabled_serves_nobody() {
    let backend = Backend::echo().await;
    for (enabled, serves) in [("true", true), ("false", false)] {
        let options = format!("{{enabled: {{default_value: {enabled}}}}}");
        let edge = Edge::on_one_port_with(&backend, reserve(), &options).await;
        assert_eq!(announces_http3(&edge).await, serves, "{enabled}");
        let (endpoint, mut configuration) = client();
        let mut transport = quinn::TransportConfig::default();
        transport.max_idle_timeout(Some(Duration::from_millis(500).try_into().expect("a time")));
        configuration.transport_config(Arc::new(transport));
        let connecting = endpoint.connect_with(configuration, edge.process.address("http3"), "localhost");
        let connected = within("the end of a handshake", connecting.expect("an address")).await;
        assert_eq!(connected.map(drop).err(), (!serves).then_some(ConnectionError::TimedOut));
    }
}

#[tokio::test]
async fn rfc9000_18_2_clients_are_asked_to_stay_and_served_where_they_are() {
    let backend = large(1 << 20).await;
    for (options, asked) in [("{}", false), ("{send_disable_active_migration: true}", true)] {
        let edge = with_options(&backend, options).await;
        let tls = QuicClientConfig::try_from(Certificates::of_this_run().client(&["h3"])).expect("TLS 1.3");
        let told = Told::default();
        let configuration = quinn::ClientConfig::new(Arc::new(told.over(tls)));
        let (endpoint, _) = client();
        let connecting = endpoint.connect_with(configuration, edge.process.address("http3"), "localhost");
        let connection = within("a QUIC handshake", connecting.expect("an address")).await.expect("a connection");
        // RFC 9000 §18.2: `disable_active_migration` has the id 12, and no value.
        assert_eq!(told.parameter(0x0c), asked.then(Vec::new), "{options}");
        // `initial_max_streams_bidi` is as ever.
        assert_eq!(told.parameter(0x08), Some(vec![0x40, 100]), "{options}");
        // A NAT gives the client another port in the middle of a download.
        let mut moved = false;
        let progress = |received| {
            if received > 1 << 18 && !moved {
                moved = true;
                move_to(&endpoint, std::net::Ipv4Addr::LOCALHOST);
            }
        };
        assert_eq!(within("a download", get(connection, "/", progress)).await.len(), 1 << 20, "{options}");
        assert!(moved, "{options}");
    }
}

/// The congestion window at first, the least part of it that was left after a loss, and whether packets are paced by a rate
/// that was measured.
async fn controlled(backend: &Backend, tags: &str) -> (f64, f64, bool) {
    let options = format!("{{quic_protocol_options: {{connection_options: \"{tags}\"}}, {}}}", recording(100));
    let edge = with_options(backend, &options).await;
    let (_endpoint, connection, datagrams) = noted(&edge).await;
    datagrams.lose(1, 300);
    within("a download", get(connection.clone(), "/", |_| ())).await;
    connection.close(0x100_u32.into(), b"");
    let record = records(edge).await.pop().expect("a record");
    let metrics = record.events.iter().filter(|event| event["name"] == "recovery:metrics_updated");
    let window = |event: &serde_json::Value| event.pointer("/data/congestion_window")?.as_f64();
    let windows: Vec<_> = metrics.clone().filter_map(window).collect();
    let left = windows.iter().zip(windows.iter().skip(1)).map(|(before, after)| after / before).fold(1.0, f64::min);
    let paced = metrics.clone().any(|event| event.pointer("/data/pacing_rate").is_some());
    (*windows.first().expect("a window"), left, paced)
}

#[tokio::test]
async fn the_congestion_controller_is_the_one_that_is_named() {
    let backend = large(2 << 20).await;
    // RFC 9438 §4.6: cubic keeps 0.7 of the window after a loss; RFC 9002 §7.3.2: NewReno half of it.
    for (tags, kept) in [("", 0.7), ("QBIC", 0.7), ("RENO", 0.5)] {
        let (_, left, paced) = controlled(&backend, tags).await;
        assert!((kept - 0.06..kept + 0.06).contains(&left) && !paced, "{tags}: {left}, {paced}");
    }
    assert!(controlled(&backend, "TBBR").await.2);
    for (tags, first) in [("IW10", 12_000.0), ("RENO,IW50", 60_000.0), ("IW03", 3_600.0)] {
        let (begun, ..) = controlled(&backend, tags).await;
        assert!((first..first * 1.5).contains(&begun), "{tags}: {begun}");
    }
}

#[tokio::test]
async fn rfc9000_10_1_2_connections_are_kept_alive_where_that_is_asked_for() {
    let backend = Backend::start(|_| Script::nothing().when_released().then(OK)).await;
    for (keep_alive, waiting, kept) in [
        ("initial_interval: 0.1s, max_interval: 0.3s", true, true),
        ("initial_interval: 0.1s, max_interval: 0.3s", false, false),
        ("max_interval: 0.3s", true, false),
        ("initial_interval: 0.1s, max_interval: 0s", true, false),
    ] {
        let options =
            format!("{{idle_timeout: 1s, quic_protocol_options: {{connection_keepalive: {{{keep_alive}}}}}}}");
        let edge = with_options(&backend, &options).await;
        let connection = connect(edge.process.address("http3")).await;
        let mut requests = tokio::task::JoinSet::new();
        if waiting {
            let connection = connection.clone();
            requests.spawn(async move { get(connection, "/", |_| ()).await });
        }
        // Others on the same listener are forgotten meanwhile, one after the other.
        for _ in 0..2 {
            let idle = connect(edge.process.address("http3")).await;
            assert_eq!(within("the end of an idle connection", idle.closed()).await, ConnectionError::TimedOut);
        }
        assert_eq!(connection.close_reason().is_none(), kept, "{keep_alive}, waiting: {waiting}");
        if kept {
            backend.release();
            let answer = within("the answer", requests.join_next()).await.expect("a request").expect("no panic");
            assert_eq!(answer, b"fine");
            backend.hold();
        }
        requests.abort_all();
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";
