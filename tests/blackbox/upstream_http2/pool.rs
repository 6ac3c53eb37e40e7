//! How many connections there are to an upstream, and how many exchanges on each.

use super::chain::{Chain, clear};
use super::server::{Manner, Server};
use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;

/// Has 12 requests open at once, again and again, and says how many connections that took in all.
async fn connections_for_twelve(settings: Vec<u8>, http2: &str) -> (usize, usize) {
    let server = Server::start(Manner { settings, waits: true, ..Manner::default() }).await;
    let front = Edge::in_front_of(&clear("backend", server.address(), http2), ALL, "").await;
    // One connection of a client stays on one worker, which has a pool of its own.
    let client = front.client(Version::Http2).await;
    for round in 1..=3 {
        let mut open = Vec::new();
        for _ in 0..12 {
            open.push(client.open(&Request::get("/"), true).await);
        }
        until("all requests are there", async || (server.requests() == round * 12).then_some(())).await;
        server.release(12);
        for mut exchange in open {
            assert_eq!(exchange.download.reply().await.status, 200);
        }
    }
    let total = front.process.stats().await.of("cluster.backend.upstream_cx_http2_total");
    assert_eq!(usize::try_from(total).expect("a few"), server.connections());
    assert_eq!(server.resets(), []);
    (server.connections(), server.peak())
}

#[tokio::test]
async fn one_connection_serves_all_that_it_may() {
    assert_eq!(connections_for_twelve(Vec::new(), "").await, (1, 12));
}

#[tokio::test]
async fn a_connection_has_no_more_exchanges_than_the_cluster_allows() {
    assert_eq!(connections_for_twelve(Vec::new(), "max_concurrent_streams: 4").await, (3, 4));
}

#[tokio::test]
async fn rfc9113_5_1_2_a_connection_has_no_more_exchanges_than_the_upstream_allows() {
    // RFC 9113 §6.5.2: SETTINGS_MAX_CONCURRENT_STREAMS.
    for max in [1, 6] {
        let (connections, peak) = connections_for_twelve(vec![0, 3, 0, 0, 0, max], "").await;
        assert_eq!((connections, peak), (12 / usize::from(max), usize::from(max)));
    }
}

#[tokio::test]
async fn an_upstream_that_lets_no_stream_be_open_is_not_asked_for_ever() {
    let server = Server::start(Manner { settings: vec![0, 3, 0, 0, 0, 0], waits: true, ..Manner::default() }).await;
    let front = Edge::in_front_of(&clear("backend", server.address(), ""), ALL, "").await;
    let client = front.client(Version::Http2).await;
    // The first one may be on its way before that is known.
    let _first = client.open(&Request::get("/"), true).await;
    until("a connection stands", async || (server.settings().len() == 1).then_some(())).await;
    let reply = client.send(Request::get("/")).await;
    assert_eq!(reply.status, 503);
    assert!(server.connections() < 12, "{}", server.connections());
}

#[tokio::test]
async fn many_who_ask_at_once_wait_for_one_handshake() {
    let backend = Backend::echo().await;
    let chain = Chain::start(&backend).await;
    let client = chain.front.client(Version::Http2).await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        asking.spawn(async move { client.send(Request::get("/")).await.status });
    }
    assert!(asking.join_all().await.into_iter().all(|status| status == 200));
    assert_eq!(chain.front.process.stats().await.of("cluster.backend.upstream_cx_total"), 1);
}

#[tokio::test]
async fn rfc9113_6_5_2_windows_are_told_to_the_upstream() {
    let options = "initial_stream_window_size: 65537, initial_connection_window_size: 70000, hpack_table_size: 8192";
    for (options, stream, table) in [(options, 65_537_u32, Some((1, 8192))), ("", 1 << 20, None)] {
        let server = Server::good().await;
        let front = Edge::in_front_of(&clear("backend", server.address(), options), ALL, "").await;
        assert_eq!(front.client(Version::Http2).await.send(Request::get("/")).await.status, 200);
        let settings = server.settings().pop().expect("SETTINGS");
        let told: Vec<(u16, u32)> = settings
            .chunks(6)
            .map(|one| {
                let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
                (u16::try_from(number(&one[..2])).expect("two bytes"), number(&one[2..]))
            })
            .collect();
        // RFC 9113 §6.5.2: SETTINGS_HEADER_TABLE_SIZE, nothing is pushed, SETTINGS_INITIAL_WINDOW_SIZE,
        // SETTINGS_MAX_HEADER_LIST_SIZE.
        let expected: Vec<_> = table.into_iter().chain([(2, 0), (4, stream), (6, 128 << 10)]).collect();
        assert_eq!(told, expected, "{options}");
    }
}
