//! What is counted of QUIC connections.

use std::net::{Ipv4Addr, UdpSocket};

use quinn::VarInt;
use rustix::process::Signal;

use crate::edge::Edge;
use crate::migration::get;
use crate::settings::quic::client;
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::datagrams::Datagrams;
use crate::support::deadline::{until, within};
use crate::support::message::Request;
use crate::support::program::{Gateway, Program};
use crate::support::stats::Stats;

/// What is counted of the QUIC listener under this name.
fn of(stats: &Stats, name: &str) -> i64 {
    stats.of(&format!("listener.127.0.0.1_0.{name}"))
}

/// The statistics when as many connections have ended.
async fn ended(edge: &Edge, connections: i64) -> Stats {
    let seen = async || {
        let stats = edge.process.stats().await;
        (of(&stats, "downstream_cx_destroy") == connections).then_some(stats)
    };
    until("the end of a connection", seen).await
}

async fn connect(edge: &Edge) -> quinn::Connection {
    let (endpoint, configuration) = client();
    let connecting = endpoint.connect_with(configuration, edge.process.address("http3"), "localhost");
    within("a QUIC handshake", connecting.expect("an address")).await.expect("a connection")
}

#[tokio::test]
async fn packets_bytes_and_losses_are_counted_when_a_connection_ends() {
    let backend = Backend::start(|_| Script::reply(200, vec![b'x'; 1 << 20])).await;
    let edge = Edge::start(&backend, crate::edge::ALL).await;
    let (endpoint, datagrams) = Datagrams::client();
    let connecting = endpoint.connect_with(client().1, edge.process.address("http3"), "localhost").expect("an address");
    let connection = within("a QUIC handshake", connecting).await.expect("a connection");
    datagrams.lose(3, 200);
    assert_eq!(within("a download", get(connection.clone(), "/", |_| ())).await.len(), 1 << 20);
    assert!(datagrams.seen().lost > 0);
    connection.close(VarInt::from_u32(0x100), b"");
    within("the end", endpoint.wait_idle()).await;
    let stats = ended(&edge, 1).await;
    let (client, seen) = (connection.stats(), datagrams.seen());
    // The answer to a close is sent when the connection is over here.
    let near = |ours: i64, theirs: u64| {
        let theirs = i64::try_from(theirs).expect("not so many");
        assert!((theirs - 3..=theirs + 3).contains(&ours), "{ours} here, {theirs} there");
    };
    near(of(&stats, "quic.tx_datagrams"), seen.count as u64);
    near(of(&stats, "quic.rx_datagrams"), client.udp_tx.datagrams);
    assert!(of(&stats, "quic.tx_bytes") > 1 << 20, "{stats:?}");
    assert!(of(&stats, "quic.rx_bytes") > 1200, "{stats:?}");
    assert!(of(&stats, "quic_stats.cx_tx_packets_total") >= of(&stats, "quic.tx_datagrams"), "{stats:?}");
    assert_eq!(of(&stats, "quic_stats.cx_rx_packets_total"), of(&stats, "quic.rx_datagrams"));
    assert!(of(&stats, "quic_stats.cx_tx_packets_retransmitted_total") > 0, "{stats:?}");
    assert!(of(&stats, "quic.tx_bytes_lost") > 1000 && of(&stats, "quic.congestion_events") > 0, "{stats:?}");
    let histograms = edge.process.admin("/stats?usedonly&type=Histograms").await.text();
    for name in ["cx_rtt_us", "cx_tx_mtu"] {
        assert!(histograms.contains(&format!("listener.127.0.0.1_0.quic_stats.{name}: P0(")), "{histograms}");
    }
}

#[tokio::test]
async fn what_a_long_connection_does_is_counted_while_it_lasts() {
    let backend = Backend::echo().await;
    let visitor = "{connection_debug_visitor_config: {name: stats, typed_config: {\"@type\": \
                   type.googleapis.com/envoy.extensions.quic.connection_debug_visitor.quic_stats.v3.Config, \
                   update_period: 0.05s}}}";
    let edge = Edge::altered(&backend, &[("quic_options: {}", &format!("quic_options: {visitor}"))]).await;
    let connection = connect(&edge).await;
    let counted = async |least: i64| {
        let stats = edge.process.stats().await;
        (of(&stats, "quic_stats.cx_rx_packets_total") > least).then(|| of(&stats, "quic_stats.cx_rx_packets_total"))
    };
    let first = until("the first count", async || counted(0).await).await;
    let mut stream = connection.open_uni().await.expect("a stream");
    stream.write_all(&[0, 4, 0]).await.expect("the stream stands");
    until("the next count", async || counted(first).await).await;
    let stats = edge.process.stats().await;
    assert_eq!((of(&stats, "downstream_cx_active"), of(&stats, "downstream_cx_destroy")), (1, 0));
    drop((connection, stream));
}

#[tokio::test]
async fn rfc9000_19_19_codes_of_closed_connections_are_counted_by_name() {
    let backend = Backend::echo().await;
    let edge = Edge::altered(&backend, &[("quic_options: {}", "quic_options: {idle_timeout: 1s}")]).await;
    let mut connections = 0;
    for (code, name) in [(0x100, "H3_NO_ERROR"), (0x10c, "H3_REQUEST_CANCELLED"), (0x999, "OTHER_APPLICATION")] {
        connect(&edge).await.close(VarInt::from_u32(code), b"");
        connections += 1;
        let stats = ended(&edge, connections).await;
        let counter = format!("http3.downstream.rx.quic_connection_close_error_code_{name}");
        assert_eq!(of(&stats, &counter), 1, "{name}: {stats:?}");
    }
    // RFC 9114 §6.2.1: a second control stream is a fault of the client.
    let faulty = connect(&edge).await;
    for _ in 0..2 {
        let mut stream = faulty.open_uni().await.expect("a stream");
        stream.write_all(&[0, 4, 0]).await.expect("the stream stands");
        std::mem::forget(stream);
    }
    within("the end", faulty.closed()).await;
    // And one that says nothing.
    let idle = connect(&edge).await;
    within("the end of an idle connection", idle.closed()).await;
    let stats = ended(&edge, connections + 2).await;
    for name in ["H3_STREAM_CREATION_ERROR", "QUIC_SILENT_IDLE_TIMEOUT"] {
        let counter = format!("http3.downstream.tx.quic_connection_close_error_code_{name}");
        assert_eq!(of(&stats, &counter), 1, "{name}: {stats:?}");
    }
}

#[tokio::test]
async fn datagrams_that_the_kernel_drops_are_counted() {
    let backend = Backend::echo().await;
    let edge = Edge::by(&Program { workers: 1, ..Gateway::program() }, &backend).await;
    let name = "listener.127.0.0.1_0.udp.downstream_rx_datagram_dropped";
    let all = edge.process.admin("/stats?filter=downstream_rx_datagram_dropped").await.text();
    assert_eq!(all.trim(), format!("{name}: 0"));
    edge.process.signal(Signal::STOP);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a UDP socket");
    // More than any buffer that is asked for, while nobody reads.
    for _ in 0..MANY {
        socket.send_to(&[0x40; 1200], edge.process.address("http3")).expect("sent");
    }
    edge.process.signal(Signal::CONT);
    let dropped = edge.process.stats().await.of(name);
    assert!((1..MANY).contains(&dropped), "{dropped}");
    // What was counted once is not counted again, and the gateway serves.
    assert_eq!(edge.client(Version::Http3).await.send(Request::get("/")).await.status, 200);
    assert_eq!(edge.process.stats().await.of(name), dropped);
}

/// Datagrams that do not all wait before one socket.
const MANY: i64 = 20_000;
